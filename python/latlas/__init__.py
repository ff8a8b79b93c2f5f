"""latlas draws atlases of latent spaces: from rows to latents, neighbors, maps, scores, pictures.

The names below load what they need when they are first used, so that `import latlas` costs little.
docs/python.md describes each of them.
"""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

# Where each public name lives.
_HOMES = {
    "AlignedMaps": "_alignment",
    "Autoencoder": "_autoencoder",
    "Dataset": "_datasets",
    "NearestNeighbors": "_neighbors",
    "Novelty": "_novelty",
    "PCA": "_pca",
    "Procrustes": "_alignment",
    "Report": "_progress",
    "Run": "_runs",
    "Score": "_scores",
    "TSNE": "_tsne",
    "UMAP": "_umap",
    "align": "_alignment",
    "aligned_tsne": "_alignment",
    "continuity": "_scores",
    "evaluate_map": "_scores",
    "kl_divergence": "_scores",
    "knn": "_neighbors",
    "knn_accuracy": "_scores",
    "knn_recall": "_neighbors",
    "label_accuracy": "_scores",
    "load": "_estimator",
    "load_dataset": "_datasets",
    "map_frame": "_tables",
    "novelty": "_novelty",
    "parameters": "_parameters",
    "plot": "_plot",
    "plot_history": "_plot",
    "plot_images": "_plot",
    "plot_variance": "_plot",
    "probe_accuracy": "_scores",
    "procrustes": "_alignment",
    "read_run": "_runs",
    "read_table": "_tables",
    "recall": "_scores",
    "spearman": "_scores",
    "tl": "tl",
    "trustworthiness": "_scores",
    "write_map": "_tables",
}

__all__ = sorted(_HOMES)

if TYPE_CHECKING:
    from latlas import tl as tl
    from latlas._alignment import (AlignedMaps as AlignedMaps, Procrustes as Procrustes,
                                   align as align, aligned_tsne as aligned_tsne,
                                   procrustes as procrustes)
    from latlas._autoencoder import Autoencoder as Autoencoder
    from latlas._datasets import Dataset as Dataset, load_dataset as load_dataset
    from latlas._estimator import load as load
    from latlas._neighbors import (NearestNeighbors as NearestNeighbors, knn as knn,
                                   knn_recall as knn_recall)
    from latlas._novelty import Novelty as Novelty, novelty as novelty
    from latlas._parameters import parameters as parameters
    from latlas._pca import PCA as PCA
    from latlas._plot import (plot as plot, plot_history as plot_history,
                              plot_images as plot_images, plot_variance as plot_variance)
    from latlas._progress import Report as Report
    from latlas._runs import Run as Run, read_run as read_run
    from latlas._scores import (Score as Score, continuity as continuity,
                                evaluate_map as evaluate_map, kl_divergence as kl_divergence,
                                knn_accuracy as knn_accuracy, label_accuracy as label_accuracy,
                                probe_accuracy as probe_accuracy, recall as recall,
                                spearman as spearman, trustworthiness as trustworthiness)
    from latlas._tables import (map_frame as map_frame, read_table as read_table,
                                write_map as write_map)
    from latlas._tsne import TSNE as TSNE
    from latlas._umap import UMAP as UMAP


def __getattr__(name):
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'latlas' has no attribute {name!r}")
    module = importlib.import_module(f"latlas.{home}")
    value = module if home == name else getattr(module, name)
    globals()[name] = value
    return value


def __dir__():
    return sorted([*__all__, "__version__"])
