"""PCA of some thousand columns by the package and by scikit-learn, in turn.

    pca_wide.py REPEATS        prints JSON: seconds of each, and how far each is from exact
"""

import json
import statistics
import sys
import time

import numpy as np
from sklearn.decomposition import PCA

import latlas


def data():
    """Noise; signals in noise; counts as single cells have them, as logarithms."""
    draw = np.random.default_rng(0)
    noise = draw.standard_normal((6000, 2500))
    signals = draw.standard_normal((6000, 20)) @ draw.standard_normal((20, 2500))
    rates = np.exp(draw.standard_normal((3000, 5)) @ draw.standard_normal((5, 2000)) / 2 - 1)
    return {"noise": noise, "20 signals in noise": 2 * signals + noise,
            "log(1 + counts)": np.log1p(draw.poisson(rates))}


def main():
    repeats, result = int(sys.argv[1]), {}
    for name, X in data().items():
        X = X.astype(np.float32)
        models = {"latlas": lambda: latlas.PCA(50),
                  "scikit-learn, all": lambda: PCA(50, svd_solver="covariance_eigh"),
                  "scikit-learn, randomized": lambda: PCA(50, svd_solver="randomized", random_state=0)}
        exact = PCA(50, svd_solver="covariance_eigh").fit(X.astype(float))
        found = {model: {"seconds": []} for model in models}
        for _ in range(repeats):
            for model, make in models.items():
                begin = time.perf_counter()
                fitted = make().fit(X)
                found[model]["seconds"].append(time.perf_counter() - begin)
                held = np.linalg.norm(fitted.components_ @ exact.components_.T, "fro") ** 2 / 50
                found[model]["lost"] = max(0.0, 1 - float(held))  # of the exact components' span
        for model in found.values():
            model["seconds"] = statistics.median(model["seconds"])
        result[f"{name}, {len(X):,} × {X.shape[1]:,}"] = found
    print(json.dumps({"data": result}))


if __name__ == "__main__":
    main()
