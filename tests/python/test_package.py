"""The package: light to import, typed, documented."""

import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

import latlas

SOURCE = pathlib.Path(__file__).parents[2]


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_import_loads_nothing_heavy():
    done = run("import sys, latlas; print([m for m in ('numpy', 'sklearn', 'matplotlib', 'pandas', "
               "'latlas._core') if m in sys.modules])")
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["TSNE", "knn", "load_dataset", "plot", "tl"])
def test_pictures_and_frames_are_imported_only_when_used(name):
    done = run(f"import sys, sklearn.base, sklearn.neighbors; before = set(sys.modules); import latlas; "
               f"latlas.{name}; print([m for m in ('matplotlib', 'pandas', 'anndata', 'tqdm', 'pyarrow')"
               f" if m in sys.modules and m not in before])")  # scikit-learn may load some by itself
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there_and_described():
    page = (SOURCE / "docs/python.md").read_text()
    for name in latlas.__all__:
        value = getattr(latlas, name)
        assert value.__doc__ or name == "tl", name
        assert re.search(rf"`(latlas\.)?{name}\b", page), f"docs/python.md does not name {name}"
    assert set(latlas.__all__) <= set(dir(latlas))
    for name in latlas.tl.__all__:
        assert f"tl.{name}" in page
    with pytest.raises(AttributeError, match="no attribute 'TSEN'"):
        latlas.TSEN


@pytest.mark.parametrize("page", ["docs/python.md", "README.md"])
def test_the_examples_of_the_pages_run(page, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    blocks = re.findall(r"```python\n(.*?)```", (SOURCE / page).read_text(), re.S)
    assert blocks, page
    monkeypatch.chdir(tmp_path)
    code = "\n".join(blocks)
    # Smaller data, shorter training: what is tested is that the lines are right.
    code = re.sub(r'load_dataset\("mnist"[^)]*\)', 'load_dataset("synthetic", train=400, test=100)', code)
    code = re.sub(r"epochs=\d+", "epochs=2", code)
    exec(compile(code, page, "exec"), {"__name__": "example"})


def test_versions_agree():
    from latlas import _core

    project = (SOURCE / "pyproject.toml").read_text()
    assert f'version = "{latlas.__version__}"' in project
    assert _core.__version__ == latlas.__version__


def test_types_are_those_that_were_committed(tmp_path):
    pytest.importorskip("nanobind")
    subprocess.run([sys.executable, str(SOURCE / "scripts/python_stubs.py"), str(tmp_path)], check=True)
    made = sorted(tmp_path.glob("*.pyi"))
    assert made
    for stub in made:
        kept = SOURCE / "python/latlas" / stub.name
        assert kept.is_file() and kept.read_text() == stub.read_text(), \
            f"{stub.name} is not what the package is now; run scripts/python_stubs.py"
    assert (pathlib.Path(latlas.__file__).parent / "py.typed").is_file()


def test_results_do_not_depend_on_the_instruction_set():
    code = ("import numpy as np, latlas; X = np.random.RandomState(0).rand(60, 5).astype('f4'); "
            "print(latlas.TSNE(perplexity=5, max_iter=60).fit_transform(X).tobytes().hex())")
    first = run(code).stdout
    import os

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env=dict(os.environ, LATLAS_SIMD="portable"))
    assert done.stdout == first and len(first) == 2 * 60 * 2 * 4 + 1


def test_the_core_holds_no_figures_and_no_downloads():
    from latlas import _core

    linked = subprocess.run(["ldd", _core.__file__], capture_output=True, text=True)
    if linked.returncode != 0:
        pytest.skip("no ldd here")
    assert not re.search(r"cairo|pango|curl|crypto", linked.stdout), linked.stdout
    assert np.array_equal(latlas.parameters("pca")[0]["default"], 2)
