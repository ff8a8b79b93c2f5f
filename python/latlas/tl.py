"""Tools for AnnData, in scanpy's conventions: they read .X or an entry of .obsm and write another.

    import latlas
    latlas.tl.pca(adata); latlas.tl.tsne(adata); scanpy.pl.tsne(adata, color="cell_type")
"""

import numpy as np

from latlas._pca import PCA
from latlas._tsne import TSNE
from latlas._umap import UMAP

__all__ = ["pca", "tsne", "umap"]


def _representation(adata, use_rep, n_pcs):
    """As scanpy chooses: use_rep if given, else X_pca if it is there, else X."""
    if use_rep is None:
        use_rep = "X_pca" if "X_pca" in adata.obsm and n_pcs != 0 else "X"
    if use_rep == "X":
        return adata.X, "X"
    if use_rep not in adata.obsm:
        raise ValueError(f"adata.obsm has no {use_rep!r}; it has {', '.join(adata.obsm) or 'nothing'}")
    rows = np.asarray(adata.obsm[use_rep])
    if n_pcs is not None:
        if n_pcs > rows.shape[1]:
            raise ValueError(f"n_pcs is {n_pcs}, {use_rep} has {rows.shape[1]} columns")
        rows = rows[:, :n_pcs]
    return rows, use_rep


def _written(adata, copy, key, place, values, uns):
    adata = adata.copy() if copy else adata
    adata.obsm[place] = values
    adata.uns[key] = uns
    return adata if copy else None


def pca(adata, n_comps=50, *, key_added=None, copy=False):
    """Principal components of adata.X into adata.obsm["X_pca"], their variances into adata.uns."""
    X = adata.X
    model = PCA(n_components=min(n_comps, min(X.shape) - 1)).fit(X)
    key = key_added or "pca"
    return _written(adata, copy, key, key_added or "X_pca", model.transform(X), {
        "params": {"n_comps": model.n_components_},
        "variance": model.explained_variance_,
        "variance_ratio": model.explained_variance_ratio_})


def tsne(adata, n_pcs=None, *, use_rep=None, perplexity=30.0, metric="euclidean",
         early_exaggeration=12.0, learning_rate="auto", random_state=0, n_jobs=None, key_added=None,
         copy=False, **more):
    """t-SNE of adata (or of its principal components) into adata.obsm["X_tsne"].

    Arguments and places are those of scanpy.tl.tsne; further keywords are parameters of
    latlas.TSNE. Returns a copy of adata where `copy` is set, else None.
    """
    rows, used = _representation(adata, use_rep, n_pcs)
    model = TSNE(perplexity=perplexity, metric=metric, early_exaggeration=early_exaggeration,
                 learning_rate=learning_rate, random_state=random_state, n_jobs=n_jobs, **more)
    params = {"perplexity": perplexity, "early_exaggeration": early_exaggeration,
              "learning_rate": learning_rate, "n_jobs": n_jobs, "metric": metric, "use_rep": used}
    return _written(adata, copy, key_added or "tsne", key_added or "X_tsne",
                    model.fit_transform(rows),
                    {"params": {k: v for k, v in params.items() if v is not None},
                     "kl_divergence": model.kl_divergence_})


def umap(adata, *, use_rep=None, n_pcs=None, n_neighbors=15, min_dist=0.5, spread=1.0,
         random_state=0, key_added=None, copy=False, **more):
    """UMAP of adata (or of its principal components) into adata.obsm["X_umap"].

    scanpy.tl.umap reads a graph that scanpy.pp.neighbors made; this one finds its own neighbors.
    Further keywords are parameters of latlas.UMAP.
    """
    rows, used = _representation(adata, use_rep, n_pcs)
    model = UMAP(n_neighbors=n_neighbors, min_dist=min_dist, spread=spread,
                 random_state=random_state, **more)
    return _written(adata, copy, key_added or "umap", key_added or "X_umap",
                    model.fit_transform(rows),
                    {"params": {"a": model.a_, "b": model.b_, "n_neighbors": n_neighbors,
                                "use_rep": used}})
