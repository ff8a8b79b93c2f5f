import os
import pathlib
import subprocess

import numpy as np
import pytest

SOURCE = pathlib.Path(__file__).parents[2]
PROGRAM = pathlib.Path(os.environ.get("LATLAS_BUILD", SOURCE / "build/dev")) / "latlas"


class Program:
    """The built program, run in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, *arguments, code=0, **env):
        done = subprocess.run([PROGRAM, *map(str, arguments)], cwd=self.folder, text=True,
                              capture_output=True, env={**os.environ, **env}, timeout=300)
        assert done.returncode == code, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done

    def refuses(self, *arguments, code=2, **env):
        """One sentence on stderr, nothing on stdout; returns the sentence."""
        done = self(*arguments, code=code, **env)
        lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, done.stderr
        return lines[0].removeprefix("error: ")


@pytest.fixture
def latlas(tmp_path):
    return Program(tmp_path)


@pytest.fixture
def blobs():
    """300 rows of 8 numbers in three clusters, and their labels."""
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    rows = rng.normal(size=(300, 8)) + 6 * np.eye(8)[labels]
    return rows.astype("float32"), labels.astype("uint8")
