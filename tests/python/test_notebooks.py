"""The notebooks run from a clean kernel, and what they show is there."""

import base64
import io
import os
import pathlib
import sys

import numpy as np
import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
image = pytest.importorskip("matplotlib.image")

SOURCE = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(SOURCE / "scripts"))
from run_notebooks import executed  # noqa: E402

NOTEBOOKS = sorted(SOURCE.glob("notebooks/*.ipynb"))


def pictures(cell):
    """The pictures of a cell's outputs, as arrays."""
    return [image.imread(io.BytesIO(base64.b64decode(output["data"]["image/png"])))
            for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]


def is_empty(picture):
    """Whether nothing is drawn on it but its frame: hardly any pixel differs from the paper."""
    shades = picture[..., :3].mean(axis=2)
    return (np.abs(shades - np.median(shades)) > 0.05).mean() < 0.003


def texts(cell):
    """What a cell says in words and numbers, as one text."""
    return "".join(output.get("text") or output.get("data", {}).get("text/plain", "")
                   for output in cell.get("outputs", []) if "image/png" not in output.get("data", {}))


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """A quick look, on what is made up here: 1,200 rows, 3 epochs."""
    for name, value in {"LATLAS_ROWS": "1200", "LATLAS_EPOCHS": "3", "LATLAS_OFFLINE": "1",
                        "LATLAS_DATA": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MPLBACKEND", raising=False)  # the other tests draw without a notebook
    return tmp_path


def packages(folder):
    """A few embeddings in the place of the Debian packages'."""
    folder.mkdir()
    random = np.random.RandomState(0)
    kinds = random.randint(0, 5, 1500)
    rows = random.rand(5, 24)[kinds] + 0.2 * random.rand(1500, 24)
    np.save(folder / "embeddings.npy", rows.astype(np.float16))
    lines = [f"package-{i}\tsection-{kind}\tIt is number {i}" for i, kind in enumerate(kinds)]
    (folder / "packages.tsv").write_text("\n".join(["package\tsection\tdescription", *lines, ""]))


@pytest.mark.parametrize("path, with_packages", [(path, False) for path in NOTEBOOKS] +
                         [(path, True) for path in NOTEBOOKS if "your_own" in path.stem],
                         ids=lambda value: value.stem if isinstance(value, pathlib.Path) else str(value))
def test_runs_from_a_clean_kernel_and_draws_every_figure(path, with_packages, quick):
    if with_packages:
        packages(quick / "debian-packages")
    kept = nbformat.read(path, 4)
    notebook = executed(path, quick)
    for cell, before in zip(notebook.cells, kept.cells):
        drawn = pictures(cell)
        # The last figure of the first notebook shows what is misread, if there is anything.
        if "flatnonzero" not in cell.source:
            assert len(drawn) == len(pictures(before)), cell.source
        assert not any(is_empty(picture) for picture in drawn), cell.source
    if with_packages:
        assert "1,200 vectors of 24 numbers, float16" in "".join(map(texts, notebook.cells))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_kept_outputs_are_those_of_a_full_run(path, tmp_path, monkeypatch):
    data = pathlib.Path(os.environ.get("LATLAS_DATA", "nowhere")).resolve()
    monkeypatch.setenv("LATLAS_DATA", str(data))
    if not all((data / name).is_dir() for name in ("mnist", "debian-packages")):
        pytest.skip("of the real data, which are not on this machine")
    for name in ("LATLAS_ROWS", "LATLAS_EPOCHS", "LATLAS_OFFLINE", "MPLBACKEND"):
        monkeypatch.delenv(name, raising=False)
    for cell, before in zip(executed(path, tmp_path).cells, nbformat.read(path, 4).cells):
        assert texts(cell) == texts(before), cell.source  # the same bits on every machine
        assert len(pictures(cell)) == len(pictures(before)), cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_kept_with_its_outputs(path):
    cells = [c for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    assert sum(len(pictures(c)) for c in cells) >= 2
    for cell in cells:
        assert not any(o.output_type == "error" or o.get("name") == "stderr" for o in cell.outputs), \
            cell.source
        assert not any(is_empty(picture) for picture in pictures(cell)), cell.source
    assert path.stat().st_size < 6_000_000
