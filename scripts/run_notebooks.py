"""Runs the notebooks in full, each from a clean kernel, and keeps their outputs.

    python scripts/run_notebooks.py [NOTEBOOK…]      by default all; the package must be importable

LATLAS_DATA must lead to MNIST and the Debian packages, of which the kept outputs are.
"""

import os
import pathlib
import sys

SOURCE = pathlib.Path(__file__).parents[1]


def executed(path, folder):
    """The notebook with the outputs of a run in that folder."""
    import nbclient
    import nbformat

    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3", record_timing=False,
                            resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def main():
    import nbformat

    data = pathlib.Path(os.environ.get("LATLAS_DATA", "nowhere")).resolve()
    for name in ("mnist", "debian-packages"):
        if not (data / name).is_dir():
            sys.exit(f"run_notebooks: {name} is not in LATLAS_DATA, which is {str(data)!r}")
    os.environ["LATLAS_DATA"] = str(data)  # kernels run in another folder
    for name in ("LATLAS_ROWS", "LATLAS_EPOCHS", "LATLAS_OFFLINE"):
        os.environ.pop(name, None)
    for path in map(pathlib.Path, sys.argv[1:]) if sys.argv[1:] else sorted(SOURCE.glob("notebooks/*.ipynb")):
        notebook = executed(path, SOURCE / "notebooks")
        notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"],
                             "language_info": {"name": "python"}}
        aside = path.with_suffix(".aside")
        nbformat.write(notebook, aside)
        os.replace(aside, path)


if __name__ == "__main__":
    main()
