"""Ctrl-C ends whatever the core is at, soon and as a KeyboardInterrupt."""

import os
import subprocess
import sys

import pytest

# What is made ready, and what then works for many seconds on one thread.
LONG = {
    "PCA": ("X = rows(150000, 768)", "latlas.PCA().fit(X)"),
    "PCA, coordinates": ("pca, X = latlas.PCA().fit(rows(1000, 768)), rows(200000, 768)",
                         "pca.transform(X)"),
    "knn": ("X = rows(200000, 64)", "latlas.knn(X, 30, search='exact')"),
    "knn, on two threads": ("X = rows(200000, 64)", "latlas.knn(X, 30, search='exact', n_jobs=2)"),
    "knn, approximate": ("X = rows(400000, 64)", "latlas.knn(X, 30, search='approximate')"),
    "UMAP": ("", "latlas.UMAP(n_epochs=100000, init='random').fit(few, neighbors=given)"),
    "UMAP, placing": ("umap = latlas.UMAP(n_epochs=2, init='random').fit(few, neighbors=given)",
                      "umap._place(many, None)"),
    "TSNE": ("", "latlas.TSNE(max_iter=100000, stop_below=0, method='exact')"
                 ".fit(few, neighbors=given)"),
    "TSNE, placing": ("tsne = latlas.TSNE(max_iter=2).fit(few, neighbors=given)",
                      "tsne._place(many, None)"),
    "scores": ("X, map = rows(60000, 64), rows(60000, 2)",
               "latlas.evaluate_map(X, map, sample_rows=60000)"),
    "divergence": ("X, map = rows(150000, 2), rows(150000, 2)", "latlas.kl_divergence(X, map)"),
    "probe": ("X, labels = rows(20000, 512), np.arange(20000) % 50",
              "latlas.probe_accuracy(X, labels, X, labels)"),
    "Autoencoder": ("", "latlas.Autoencoder(epochs=10000).fit(few)"),
}
SCRIPT = """
import os, signal, sys, threading, time
import numpy as np
import latlas, latlas._core

def rows(n, d):
    return np.random.RandomState(0).randn(n, d).astype(np.float32)

few = rows(5000, 64)
given = latlas.knn(few, 90)
distances, indices = given
many = latlas._core.Graph(np.tile(distances, (200, 1)), np.tile(indices, (200, 1)))
sent = []

def interrupt():
    sent.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)

{setup}
try:
    threading.Timer(0.3, interrupt).start()
    {work}
    print("ended by itself")
except KeyboardInterrupt:
    print("interrupted after", time.monotonic() - sent[0])
"""


@pytest.mark.parametrize("name", LONG)
def test_control_c_ends_it_long_before_its_end(name):
    setup, work = LONG[name]
    done = subprocess.run([sys.executable, "-W", "ignore", "-c",
                           SCRIPT.format(setup=setup, work=work)],
                          capture_output=True, text=True, timeout=300,
                          env={**os.environ, "OMP_NUM_THREADS": "1"})
    words = done.stdout.split()
    assert words[:2] == ["interrupted", "after"], done.stdout + done.stderr
    assert float(words[2]) < 3  # of many; a tenth is usual, and a busy machine is slow
