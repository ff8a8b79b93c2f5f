"""Calls of the package and the same calls of its core, in turn, on the rows of a .npy file.

    python_overhead.py ROWS.npy REPEATS        prints JSON; REPEATS at least, more of short calls
"""

import json
import statistics
import sys
import time
import tracemalloc
import warnings

import numpy as np

import latlas
from latlas import _core


def timed(work):
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def copied(work, data):
    """Bytes of arrays as large as the data that NumPy allocates while it works."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak if peak >= data.nbytes else 0


def core_tsne(X, params):
    affinities = _core.affinities(_core.find_neighbors(X, {"k": 90}), params)
    start, _ = _core.make_start("pca", X, None, 2, 0)
    return _core.tsne(affinities, start)


def main():
    X, repeats = np.load(sys.argv[1]), int(sys.argv[2])
    map = latlas.PCA(2).fit_transform(X)
    tsne = {"iterations": 250, "stop_below": 0.0}
    calls = {
        "knn": (lambda: latlas.knn(X, 90), lambda: _core.find_neighbors(X, {"k": 90})),
        "PCA": (lambda: latlas.PCA(n_components=2).fit(X), lambda: _core.fit_pca(X, {"components": 2})),
        "TSNE": (lambda: latlas.TSNE(max_iter=250, stop_below=0.0).fit(X),
                 lambda: core_tsne(X, tsne)),
        "trustworthiness": (lambda: latlas.trustworthiness(X, map),
                            lambda: _core.trustworthiness(X, map, {}))}
    result = {}
    warnings.simplefilter("ignore")  # 250 iterations are too few for a map
    for name, (ours, core) in calls.items():
        short = int(2 / timed(core))  # calls of milliseconds are repeated for some seconds
        times = []
        for i in range(max(repeats, min(short, 200))):  # each goes first as often as the other
            first, second = (timed(f) for f in ((core, ours), (ours, core))[i % 2])
            times.append((first, second) if i % 2 == 0 else (second, first))
        core_time, python_time = (statistics.median(t[i] for t in times) for i in (0, 1))
        result[name] = {"core": core_time, "python": python_time,
                        "overhead": statistics.median(b / a - 1 for a, b in times),
                        "copied": copied(ours, X)}
    print(json.dumps({"calls": result}))


if __name__ == "__main__":
    main()
