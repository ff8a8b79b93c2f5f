"""The notebooks run from a clean kernel, and what they show is there."""

import base64
import io
import pathlib

import numpy as np
import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
image = pytest.importorskip("matplotlib.image")

SOURCE = pathlib.Path(__file__).parents[2]
NOTEBOOKS = sorted(SOURCE.glob("notebooks/*.ipynb"))


def pictures(cell):
    """The pictures of a cell's outputs, as arrays."""
    return [image.imread(io.BytesIO(base64.b64decode(output["data"]["image/png"])))
            for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]


def is_empty(picture):
    """Whether nothing is drawn on it but its frame: hardly any pixel differs from the paper."""
    shades = picture[..., :3].mean(axis=2)
    return (np.abs(shades - np.median(shades)) > 0.05).mean() < 0.003


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_from_a_clean_kernel_and_draws_every_figure(path, tmp_path, monkeypatch):
    for name, value in {"LATLAS_ROWS": "1200", "LATLAS_EPOCHS": "3", "LATLAS_OFFLINE": "1",
                        "LATLAS_DATA": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MPLBACKEND", raising=False)  # the other tests draw without a notebook
    kept = nbformat.read(path, 4)
    notebook = nbformat.read(path, 4)
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3",
                            resources={"metadata": {"path": str(tmp_path)}}).execute()
    for cell, before in zip(notebook.cells, kept.cells):
        drawn = pictures(cell)
        # The last figure of the first notebook shows what is misread, if there is anything.
        if "flatnonzero" not in cell.source:
            assert len(drawn) == len(pictures(before)), cell.source
        assert not any(is_empty(picture) for picture in drawn), cell.source


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
