"""Made the numbers of affinities_test.cpp by openTSNE 1.0.4: python3 golden_affinities.py

Rows 0 and 7 of the joint affinities of 24 rows, in units of 1e-6.
"""

import numpy as np
from openTSNE import affinity

rows = np.array([[(i * 7 + c * 5 + i * i * (c + 3)) % 31 + (i * 11 + c * 3) % 13 / 16
                  for c in range(3)] for i in range(24)])
cases = {"multiscale": affinity.Multiscale(rows, perplexities=[2, 4], method="exact"),
         "gaussian": affinity.FixedSigmaNN(rows, sigma=6, k=12, method="exact"),
         "uniform": affinity.Uniform(rows, k_neighbors=12, method="exact", symmetrize="mean")}
for name, made in cases.items():
    p = made.P.toarray()
    print(name, abs(p - p.T).max(), p.sum())
    for row in (0, 7):
        print("{" + ", ".join(f"{round(value * 1e6)}" for value in p[row]) + "},")
