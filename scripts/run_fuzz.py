"""Runs the fuzz targets of build/fuzz: run_fuzz.py [TARGET|all] [EXECUTIONS]."""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).parents[1]


def main():
    wanted, executions = sys.argv[1], int(sys.argv[2])
    targets = [p for p in sorted((SOURCE / "build/fuzz/fuzz").glob("*_fuzz"))
               if wanted in ("all", p.name, p.name.removesuffix("_fuzz"))]
    if not targets:
        print(f"run_fuzz: no target named {wanted}")
        return 2
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:  # a process a core
        survived = list(pool.map(lambda target: run(target, executions), targets))
    return 0 if all(survived) else 1


def run(target, executions):
    """One campaign in a corpus of its own; prints its result, returns whether nothing was found."""
    seeds = SOURCE / "fuzz/corpus" / target.name.removesuffix("_fuzz")
    with tempfile.TemporaryDirectory() as scratch:
        command = [target, scratch] + ([seeds] if seeds.is_dir() else [])
        command += [f"-runs={executions}", "-max_len=4096", "-rss_limit_mb=4096", "-verbosity=0",
                    "-print_final_stats=1", f"-artifact_prefix={scratch}/"]
        done = subprocess.run(command, text=True, errors="replace", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=dict(os.environ, OMP_NUM_THREADS="1"))
    ran = re.findall(r"number_of_executed_units: (\d+)", done.stdout)
    found = "no finding" if done.returncode == 0 else "FOUND\n" + done.stdout[-4000:]
    print(f"{target.name}: {ran[0] if ran else '?'} executions, {found}", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
