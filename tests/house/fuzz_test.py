"""Every reader of outside bytes meets twenty thousand wild inputs; `./dev fuzz` runs ten million."""

import pathlib
import shutil
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(__file__).parents[2]
TARGETS = sorted(p.stem for p in (SOURCE / "fuzz").glob("*_fuzz.cpp"))


@pytest.mark.parametrize("target", TARGETS)
def test_begins_from_lawful_bytes(target):
    seeds = SOURCE / "fuzz/corpus" / target.removesuffix("_fuzz")
    assert any(seeds.iterdir()), "no campaign finds its way into a format from nothing"


@pytest.mark.parametrize("target", TARGETS)
def test_survives_a_short_campaign(target):
    if not (SOURCE / "build/fuzz/fuzz" / target).exists():
        if shutil.which("clang++-14") is None:
            pytest.skip("clang++-14, which brings libFuzzer, is not installed")
        pytest.skip("build/fuzz is not built (./dev test builds it)")
    done = subprocess.run([sys.executable, SOURCE / "scripts/run_fuzz.py", target, "20000"],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    assert "20000 executions, no finding" in done.stdout, done.stdout
