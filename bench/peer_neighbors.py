"""Neighbors of given rows by faiss, hnswlib or pynndescent.

peer_neighbors.py METHOD ROWS.npy METRIC K OUT.npy THREADS

METHOD: flat, ivf:LISTS:NPROBE (LISTS 0: 4 √n), hnsw:M:CONSTRUCTION:EF, pynndescent (its defaults) or
pynndescent:ITERATIONS:CANDIDATES. Writes the indices (rows × K, without the row itself) and prints
seconds as JSON; building the index counts.
"""

import json
import sys
import time

import numpy as np


def without_self(index, k):
    """Rows × k from rows × (k + 1): the row itself left out, else the last."""
    n = len(index)
    keep = index != np.arange(n)[:, None]
    keep[keep.all(axis=1), -1] = False
    return index[keep].reshape(n, -1)[:, :k]


def main():
    method, source, metric, k, target, threads = sys.argv[1:7]
    k, threads = int(k), int(threads)
    rows = np.ascontiguousarray(np.load(source), dtype="float32")
    if metric == "cosine":
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    n, d = rows.shape
    name, *settings = method.split(":")
    settings = [int(s) for s in settings]
    begin = time.monotonic()
    if name in ("flat", "ivf"):
        import faiss
        faiss.omp_set_num_threads(threads)
        if name == "flat":
            index = faiss.IndexFlatL2(d)
        else:
            lists, probes = settings
            index = faiss.IndexIVFFlat(faiss.IndexFlatL2(d), d, lists or int(4 * n ** 0.5))
            index.train(rows)
            index.nprobe = probes
        index.add(rows)
        found = index.search(rows, k + 1)[1]
    elif name == "hnsw":
        import hnswlib
        m, construction, ef = settings
        index = hnswlib.Index(space="l2", dim=d)
        index.init_index(max_elements=n, ef_construction=construction, M=m)
        index.set_num_threads(threads)
        index.add_items(rows)
        index.set_ef(max(ef, k + 1))
        found = index.knn_query(rows, k=k + 1)[0].astype("int64")
    elif name == "pynndescent":
        import pynndescent
        more = dict(zip(("n_iters", "max_candidates"), settings))
        pynndescent.NNDescent(rows[:2000], n_neighbors=k + 1, n_jobs=threads, **more)  # compiles
        begin = time.monotonic()
        found = pynndescent.NNDescent(rows, n_neighbors=k + 1, n_jobs=threads, random_state=0,
                                      **more).neighbor_graph[0]
    else:
        sys.exit(f"peer_neighbors: no method {method}")
    seconds = time.monotonic() - begin
    np.save(target, without_self(np.asarray(found), k).astype("float32"))  # exact below 2^24
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
