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


def _genes(adata, mask_var):
    """The columns of X to look at (bool), and what chose them; None for all."""
    flagged = "highly_variable"
    if isinstance(mask_var, str):
        if mask_var == "auto":
            mask_var = flagged if flagged in adata.var else None
        elif mask_var not in adata.var:
            raise ValueError(f"adata.var has no {mask_var!r}; it has "
                             f"{', '.join(adata.var) or 'nothing'}")
    if mask_var is None:
        return None, None
    mask = np.asarray(adata.var[mask_var] if isinstance(mask_var, str) else mask_var)
    if mask.dtype != bool or mask.shape != (adata.n_vars,) or not mask.any():
        raise ValueError(f"mask_var has the shape {mask.shape} and the type {mask.dtype}; it must be "
                         f"{adata.n_vars} truth values, one at least true")
    return mask, mask_var if isinstance(mask_var, str) else None


def _written(adata, copy, key, place, values, uns):
    adata = adata.copy() if copy else adata
    adata.obsm[place] = values
    adata.uns[key] = uns
    return adata if copy else None


def pca(adata, n_comps=50, *, layer=None, zero_center=True, svd_solver=None, random_state=0,
        mask_var="auto", key_added=None, copy=False):
    """Principal components of adata.X into adata.obsm["X_pca"], the loadings into adata.varm["PCs"],
    variances into adata.uns["pca"].

    layer     an entry of adata.layers, in place of X.
    svd_solver, random_state are taken for scanpy's sake; the decomposition is exact, whatever they
    say. Its rows are always centered: zero_center can only be True.
    mask_var  genes to take: a column of adata.var, or an array of truth values; "auto": those
              flagged highly_variable, where var says; None: all. The loadings of others are 0.
    """
    if zero_center is not True:
        raise ValueError(f"tl.pca: zero_center is {zero_center!r}, it can only be True")
    adata = adata.copy() if copy else adata
    mask, name = _genes(adata, mask_var)
    if layer is not None and layer not in adata.layers:
        raise ValueError(f"adata.layers has no {layer!r}; it has {', '.join(adata.layers) or 'nothing'}")
    X = adata.X if layer is None else adata.layers[layer]
    X = X if mask is None else X[:, mask]
    model = PCA(n_components=max(1, min(n_comps, min(X.shape) - 1))).fit(X)
    loadings = np.zeros((adata.n_vars, model.n_components_))
    loadings[slice(None) if mask is None else mask] = model.components_.T
    adata.varm[key_added or "PCs"] = loadings
    _written(adata, False, key_added or "pca", key_added or "X_pca", model.transform(X), {
        "params": {"n_comps": model.n_components_, "zero_center": True,
                   "use_highly_variable": name == "highly_variable",
                   **({} if name is None else {"mask_var": name}),
                   **({} if layer is None else {"layer": layer})},
        "variance": model.explained_variance_,
        "variance_ratio": model.explained_variance_ratio_})
    return adata if copy else None


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
