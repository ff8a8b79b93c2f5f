"""What a run of the program left behind."""

import csv
import json
import os
from typing import TYPE_CHECKING, Any, Dict, List, Union

import numpy as np

if TYPE_CHECKING:
    from latlas._autoencoder import Autoencoder


class Run:
    """A run directory: recipe, manifest, metrics, history and arrays.

    Arrays are attributes by the names of their files (run.latents_train, run.tsne_train,
    run.labels_test, …), read without copying when first asked for; `arrays` lists them.
    """

    path: str
    manifest: Dict[str, Any]
    metrics: Dict[str, Any]

    def __init__(self, path: Union[str, "os.PathLike[str]"]):
        self.path = os.fspath(path)
        if not os.path.exists(os.path.join(self.path, "manifest.json")):
            raise OSError(f"{self.path}: is no run directory, it holds no manifest.json; "
                          f"`latlas run` makes one")
        self.manifest = self._json("manifest.json")
        self.metrics = self._json("metrics.json")
        self._kept = {}

    def _json(self, name):
        try:
            with open(os.path.join(self.path, name), encoding="utf-8") as file:
                return json.load(file)
        except ValueError as error:
            raise OSError(f"{os.path.join(self.path, name)}: is no JSON ({error})") from None
        except FileNotFoundError:
            return {}

    @property
    def recipe(self) -> str:
        """The recipe as run: the text of recipe.toml."""
        with open(os.path.join(self.path, "recipe.toml"), encoding="utf-8") as file:
            return file.read()

    @property
    def history(self) -> Dict[str, List[float]]:
        """Training, as lists by name: loss, val_loss, seconds."""
        with open(os.path.join(self.path, "history.csv"), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return {name: [float(row[name]) for row in rows]
                for name in ("loss", "val_loss", "seconds") if rows and name in rows[0]}

    @property
    def model(self) -> "Autoencoder":
        """The trained autoencoder."""
        from latlas._estimator import load

        if "model" not in self._kept:
            self._kept["model"] = load(os.path.join(self.path, "model.safetensors"))
        return self._kept["model"]

    @property
    def arrays(self) -> List[str]:
        """The names of the arrays."""
        return sorted(name[:-4] for name in os.listdir(self.path) if name.endswith(".npy"))

    def __getattr__(self, name: str) -> np.ndarray:
        if name.startswith("_") or name not in self.arrays:
            raise AttributeError(f"the run {self.__dict__.get('path')} has no array {name!r}; it has "
                                 f"{', '.join(self.arrays) if 'path' in self.__dict__ else ''}")
        if name not in self._kept:
            file = os.path.join(self.path, f"{name}.npy")
            try:
                self._kept[name] = np.load(file, mmap_mode="r", allow_pickle=False)
            except ValueError as error:
                raise OSError(f"{file}: {error}") from None
        return self._kept[name]

    def __dir__(self):
        return [*super().__dir__(), *self.arrays]

    def __repr__(self):
        return f"Run({self.path!r}: {', '.join(self.arrays)})"


def read_run(path: Union[str, "os.PathLike[str]"]) -> Run:
    """The run directory at that path; OSError where there is none."""
    return Run(path)
