"""Tools for AnnData, in scanpy's conventions: they read .X or an entry of .obsm and write another.

    import latlas
    latlas.tl.pca(adata); latlas.tl.tsne(adata); scanpy.pl.tsne(adata, color="cell_type")
"""

from typing import TYPE_CHECKING, Any, Optional, Union

import numpy as np

from latlas._pca import PCA
from latlas._tsne import TSNE
from latlas._umap import UMAP

if TYPE_CHECKING:
    from anndata import AnnData

__all__ = ["pca", "tsne", "umap"]

# scanpy's names of UMAP's parameters.
_OF_UMAP = {"maxiter": "n_epochs", "alpha": "learning_rate", "gamma": "repulsion_strength",
            "init_pos": "init"}


def _check(name, adata):
    if not hasattr(adata, "obsm"):
        raise ValueError(f"tl.{name}: adata is a {type(adata).__name__}, it must be an AnnData; for "
                         f"rows in arrays and data frames there is latlas.{name.upper()}")


def _layer(adata, layer):
    if layer not in adata.layers:
        raise ValueError(f"adata.layers has no {layer!r}; it has {', '.join(adata.layers) or 'nothing'}")
    return adata.layers[layer]


def _representation(adata, use_rep, n_pcs, layer=None):
    """As scanpy chooses: use_rep if given, else X_pca if it is there, else X; or a layer. With what
    uns is to tell of it."""
    if layer is not None:
        if use_rep not in (None, "X") or n_pcs:
            raise ValueError("layer takes the place of X; it needs no use_rep and no n_pcs beside it")
        return _layer(adata, layer), {"use_rep": "X", "layer": layer}
    if use_rep is None:
        use_rep = "X_pca" if "X_pca" in adata.obsm and n_pcs != 0 else "X"
    if use_rep == "X":
        return adata.X, {"use_rep": "X"}
    if use_rep not in adata.obsm:
        raise ValueError(f"adata.obsm has no {use_rep!r}; it has {', '.join(adata.obsm) or 'nothing'}")
    rows = np.asarray(adata.obsm[use_rep])
    if n_pcs is not None:
        if n_pcs > rows.shape[1]:
            raise ValueError(f"n_pcs is {n_pcs}, {use_rep} has {rows.shape[1]} columns")
        rows = rows[:, :n_pcs]
    return rows, {"use_rep": use_rep}


def _neighbors(adata, key):
    """What sc.pp.neighbors has found: (distances, indices), each n × k, and its parameters. k is the
    least that a row has: some methods find more for some rows, or list a row itself."""
    from scipy.sparse import csr_matrix

    if key not in adata.uns:
        raise ValueError(f"adata.uns has no {key!r}; run sc.pp.neighbors first, or leave neighbors_key "
                         f"out")
    found = adata.uns[key]
    distances, params = found.get("distances_key", "distances"), found.get("params", {})
    if distances not in adata.obsp:
        raise ValueError(f"adata.obsp has no {distances!r}, which uns[{key!r}] names; run sc.pp.neighbors "
                         f"again")
    graph = csr_matrix(adata.obsp[distances]).tocoo()
    order = np.lexsort((graph.col, graph.data, graph.row))  # nearest first, equal ones by index
    order = order[graph.row[order] != graph.col[order]]
    counts = np.bincount(graph.row[order], minlength=adata.n_obs)
    wanted = params.get("n_neighbors", 2) - 1  # which scanpy counts with the cell itself
    if counts.min() < wanted:
        raise ValueError(f"cell {counts.argmin()} has {counts.min()} of {wanted} neighbors in "
                         f"obsp[{distances!r}], as after cells were left out; run sc.pp.neighbors again")
    kept = order[(np.cumsum(counts) - counts)[:, None] + np.arange(counts.min())]
    return (graph.data[kept], graph.col[kept]), params


def _input(adata, use_rep, n_pcs, layer, neighbors_key):
    """Rows, neighbors where a key names some, and what uns is to tell of them."""
    if neighbors_key is None:
        rows, used = _representation(adata, use_rep, n_pcs, layer)
        return rows, None, used
    if (use_rep, n_pcs, layer) != (None, None, None):
        raise ValueError("neighbors_key says which rows its neighbors are of; leave out use_rep, n_pcs "
                         "and layer")
    neighbors, found = _neighbors(adata, neighbors_key)
    rows, used = _representation(adata, found.get("use_rep"), found.get("n_pcs"))
    used["neighbors_key"] = neighbors_key
    if "metric" in found:
        used["metric"] = found["metric"]  # which no map is asked for: its neighbors are there
    return rows, neighbors, used


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


def pca(adata: "AnnData", n_comps: Optional[int] = None, *, layer: Optional[str] = None,
        zero_center: bool = True, svd_solver: Optional[str] = None, random_state: Any = 0,
        mask_var: Any = "auto", key_added: Optional[str] = None,
        copy: bool = False) -> "Optional[AnnData]":
    """Principal components of adata.X into adata.obsm["X_pca"], the loadings into adata.varm["PCs"],
    variances into adata.uns["pca"].

    n_comps   None: 50, or as many as there can be.
    layer     an entry of adata.layers, in place of X.
    svd_solver, random_state are taken for scanpy's sake; the decomposition is exact, whatever they
    say. Its rows are always centered: zero_center can only be True.
    mask_var  genes to take: a column of adata.var, or an array of truth values; "auto": those
              flagged highly_variable, where var says; None: all. The loadings of others are 0.
    """
    if zero_center is not True:
        raise ValueError(f"tl.pca: zero_center is {zero_center!r}, it can only be True")
    _check("pca", adata)
    adata = adata.copy() if copy else adata
    mask, name = _genes(adata, mask_var)
    X = adata.X if layer is None else _layer(adata, layer)
    X = X if mask is None else X[:, mask]
    model = PCA(n_components=max(1, min(50 if n_comps is None else n_comps, min(X.shape) - 1))).fit(X)
    loadings = np.zeros((adata.n_vars, model.n_components_))
    loadings[slice(None) if mask is None else mask] = model.components_.T
    adata.varm[key_added or "PCs"] = loadings
    _written(adata, False, key_added or "pca", key_added or "X_pca", np.asarray(model.transform(X)), {
        "params": {"n_comps": model.n_components_, "zero_center": True,
                   "use_highly_variable": name == "highly_variable",
                   **({} if name is None else {"mask_var": name}),
                   **({} if layer is None else {"layer": layer})},
        "variance": model.explained_variance_,
        "variance_ratio": model.explained_variance_ratio_})
    return adata if copy else None


def tsne(adata: "AnnData", n_pcs: Optional[int] = None, *, use_rep: Optional[str] = None,
         layer: Optional[str] = None, perplexity: float = 30.0, metric: str = "euclidean",
         early_exaggeration: float = 12.0, learning_rate: Union[str, float] = "auto",
         random_state: Any = 0, n_jobs: Optional[int] = None, neighbors_key: Optional[str] = None,
         key_added: Optional[str] = None, copy: bool = False, **more: Any) -> "Optional[AnnData]":
    """t-SNE of adata (or of its principal components) into adata.obsm["X_tsne"].

    Arguments and places are those of scanpy.tl.tsne; further keywords are parameters of
    latlas.TSNE. Returns a copy of adata where `copy` is set, else None.

    layer          an entry of adata.layers, in place of X.
    neighbors_key  an entry of adata.uns that sc.pp.neighbors wrote, with 3 · perplexity neighbors at
                   least: they are taken, and the rows they were found among.
    """
    _check("tsne", adata)
    rows, neighbors, used = _input(adata, use_rep, n_pcs, layer, neighbors_key)
    params = {"perplexity": perplexity, "early_exaggeration": early_exaggeration,
              "learning_rate": learning_rate, "n_jobs": n_jobs, "metric": metric}
    model = TSNE(random_state=random_state, **params, **more)
    return _written(adata, copy, key_added or "tsne", key_added or "X_tsne",
                    model.fit(rows, neighbors=neighbors).embedding_,
                    {"params": {k: v for k, v in {**params, **used}.items() if v is not None},
                     "kl_divergence": model.kl_divergence_})


def umap(adata: "AnnData", *, use_rep: Optional[str] = None, n_pcs: Optional[int] = None,
         layer: Optional[str] = None, n_neighbors: Optional[int] = None, min_dist: float = 0.5,
         spread: float = 1.0, random_state: Any = 0, neighbors_key: Optional[str] = None,
         key_added: Optional[str] = None, copy: bool = False, **more: Any) -> "Optional[AnnData]":
    """UMAP of adata (or of its principal components) into adata.obsm["X_umap"].

    scanpy.tl.umap reads a graph that scanpy.pp.neighbors made; this one finds its own neighbors,
    unless neighbors_key names such a graph. Further keywords are parameters of latlas.UMAP, also
    by scanpy's names (maxiter, alpha, gamma, and init_pos, which may be a key of adata.obsm).

    layer          an entry of adata.layers, in place of X.
    n_neighbors    of a row, itself counted; None: 15, or those of neighbors_key.
    neighbors_key  an entry of adata.uns that sc.pp.neighbors wrote, e.g. "neighbors": its neighbors
                   are taken, and the rows they were found among.
    """
    _check("umap", adata)
    rows, neighbors, used = _input(adata, use_rep, n_pcs, layer, neighbors_key)
    more = {_OF_UMAP.get(name, name): value for name, value in more.items()}
    if isinstance(more.get("init"), str) and more["init"] in adata.obsm:
        more["init"] = np.asarray(adata.obsm[more["init"]])
    if n_neighbors is None:
        n_neighbors = 15 if neighbors is None else neighbors[0].shape[1] + 1
    model = UMAP(n_neighbors=n_neighbors, min_dist=min_dist, spread=spread,
                 random_state=random_state, **more)
    return _written(adata, copy, key_added or "umap", key_added or "X_umap",
                    model.fit(rows, neighbors=neighbors).embedding_,
                    {"params": {"a": model.a_, "b": model.b_, "n_neighbors": n_neighbors, **used}})
