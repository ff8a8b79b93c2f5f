"""The package as installed: these tests run in the environment that ./dev makes (.venv-python)."""

import os

import numpy as np
import pytest

os.environ.setdefault("MPLBACKEND", "Agg")


def clusters(n=150, d=6, k=3, seed=0):
    """k well-separated bells of n rows in all, and their numbers."""
    draw = np.random.RandomState(seed)
    labels = np.arange(n) % k
    return (draw.randn(n, d) + 8 * draw.randn(k, d)[labels]).astype(np.float32), labels


@pytest.fixture(scope="session")
def data():
    return clusters()
