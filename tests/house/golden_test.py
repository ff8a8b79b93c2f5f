"""Golden files are what the script beside them writes."""

import importlib.util
import pathlib
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(__file__).parents[2]


def test_npy_bytes_are_those_of_numpy():
    if importlib.util.find_spec("numpy") is None:
        pytest.skip("NumPy is not installed")
    made = subprocess.run([sys.executable, SOURCE / "tests/core/golden_npy.py"], check=True,
                          capture_output=True, text=True).stdout
    assert made == (SOURCE / "tests/core/golden_npy.h").read_text()
