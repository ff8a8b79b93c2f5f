"""The golden numbers of scores_test.cpp and of layout/pca_test.cpp, from scikit-learn and SciPy.

    python tests/evaluate/golden_scores.py
"""

import numpy as np
import scipy.stats
import sklearn
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.manifold import trustworthiness
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors


def hashed(n, d, salt):
    """n × d numbers in [0, 1) with 24 bits, the same in C++."""
    h = (np.arange(n * d, dtype=np.uint64) + np.uint64(salt)) * np.uint64(2654435761)
    h &= np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(15)
    h = h * np.uint64(0x85EBCA6B) & np.uint64(0xFFFFFFFF)
    h ^= h >> np.uint64(13)
    return ((h >> np.uint64(8)).astype(np.float64) / 2**24).reshape(n, d)


n, k = 80, 7
data = hashed(n, 5, 1)
map_ = data[:, :2] + 0.25 * hashed(n, 2, 5000)
labels = (data[:, 0] * 4).astype(int)
map_ = map_.astype(np.float32).astype(np.float64)
print("scikit-learn", sklearn.__version__, "SciPy", scipy.__version__)
print("trustworthiness", repr(trustworthiness(data, map_, n_neighbors=k)))
print("continuity     ", repr(trustworthiness(map_, data, n_neighbors=k)))


def graph(x):
    return NearestNeighbors(n_neighbors=k).fit(x).kneighbors(return_distance=False)


a, b = graph(data), graph(map_)
print("recall         ", repr(np.mean([len(set(p) & set(q)) / k for p, q in zip(a, b)])))
print("spearman       ", repr(scipy.stats.spearmanr(pdist(data), pdist(map_)).statistic))
train, test = np.arange(0, 60), np.arange(60, 80)
vote = KNeighborsClassifier(1).fit(map_[train], labels[train])
print("1-nn accuracy  ", repr(vote.score(map_[test], labels[test])))
near = NearestNeighbors(n_neighbors=10).fit(map_[train]).kneighbors(map_[test], return_distance=False)
votes = [labels[train][row].tolist() for row in near]  # nearest first; ties go to the first seen
won = [max(dict.fromkeys(v), key=v.count) for v in votes]
print("10-nn accuracy ", repr(np.mean(won == labels[test])), "of which votes with ties",
      sum(sorted(map(v.count, set(v)))[-2:].count(max(map(v.count, set(v)))) > 1 for v in votes),
      "scikit-learn", KNeighborsClassifier(10).fit(map_[train], labels[train])
      .score(map_[test], labels[test]))
std = (data[train] - data[train].mean(0)) / data[train].std(0)
tst = (data[test] - data[train].mean(0)) / data[train].std(0)
y = np.eye(4)[labels[train]]
probe = Ridge(alpha=1e-3 * len(train)).fit(std, y)
print("probe accuracy ", repr(np.mean(probe.predict(tst).argmax(1) == labels[test])))

for rows, columns in ((80, 5), (8, 12)):
    x = hashed(rows, columns, 77) * np.arange(1, columns + 1)
    x = x.astype(np.float32).astype(np.float64)
    p = PCA(3, svd_solver="full").fit(x)
    print(f"PCA of {rows} x {columns}")
    for name in ("explained_variance_", "explained_variance_ratio_", "singular_values_"):
        print(" ", name, getattr(p, name).tolist())
    print("  components_", p.components_.ravel().tolist())
