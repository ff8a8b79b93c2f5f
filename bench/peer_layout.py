"""PCA, t-SNE and UMAP of given rows by scikit-learn (with and without its Intel extension),
MulticoreTSNE, openTSNE and umap-learn, at their defaults.

peer_layout.py pca|sklearn|intelex|multicore|opentsne|opentsne-cosine|umap LATENTS.npy OUT.npy [NEW.npy NEW_OUT.npy]
"""

import json
import sys
import time

import numpy as np


def main():
    method, source, target = sys.argv[1:4]
    rows = np.load(source)
    result = {}
    if method == "pca":
        from sklearn.decomposition import PCA
        begin = time.monotonic()
        pca = PCA(n_components=min(rows.shape)).fit(rows)
        result["seconds"] = time.monotonic() - begin
        result["ratios"] = pca.explained_variance_ratio_.tolist()
        result["components"] = pca.components_.tolist()
        placed = pca.transform(rows)[:, :2]
    elif method == "sklearn":
        from sklearn.manifold import TSNE
        begin = time.monotonic()
        placed = TSNE(n_jobs=2, random_state=0).fit_transform(rows)
        result["seconds"] = time.monotonic() - begin
    elif method == "intelex":
        from sklearnex.manifold import TSNE
        begin = time.monotonic()
        placed = TSNE(random_state=0).fit_transform(rows)
        result["seconds"] = time.monotonic() - begin
    elif method == "multicore":
        from MulticoreTSNE import MulticoreTSNE
        begin = time.monotonic()
        placed = MulticoreTSNE(n_jobs=2, random_state=0).fit_transform(rows.astype("float64"))
        result["seconds"] = time.monotonic() - begin
    elif method in ("opentsne", "opentsne-cosine"):
        import openTSNE
        begin = time.monotonic()
        metric = "cosine" if method.endswith("cosine") else "euclidean"
        embedding = openTSNE.TSNE(n_jobs=2, metric=metric, random_state=0).fit(rows)
        result["seconds"] = time.monotonic() - begin
        placed = np.asarray(embedding)
        if metric == "cosine":  # the neighbors that the map follows, for those who ask for their recall
            index, distance = embedding.affinities.knn_index.build()
            np.save(target.replace(".npy", " neighbors.npy"), np.asarray(index, dtype="int32"))
            # Annoy's are those of unit rows, |x − y|² = 2 (1 − cos).
            np.save(target.replace(".npy", " distances.npy"), (distance ** 2 / 2).astype("float32"))
        if len(sys.argv) > 4:
            begin = time.monotonic()
            new = embedding.transform(np.load(sys.argv[4]))
            result["transform_seconds"] = time.monotonic() - begin
            np.save(sys.argv[5], np.asarray(new, dtype="float32"))
    elif method == "umap":
        import umap
        umap.UMAP(n_jobs=2).fit(rows)  # compiles; the second call is timed
        begin = time.monotonic()
        fitted = umap.UMAP(n_jobs=2).fit(rows)
        result["seconds"] = time.monotonic() - begin
        placed = fitted.embedding_
        if len(sys.argv) > 4:
            new = np.load(sys.argv[4])
            fitted.transform(new[:100])
            begin = time.monotonic()
            np.save(sys.argv[5], fitted.transform(new).astype("float32"))
            result["transform_seconds"] = time.monotonic() - begin
    else:
        sys.exit(f"peer_layout: no method {method}")
    np.save(target, placed.astype("float32"))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
