"""Runs the fuzz targets of build/fuzz: run_fuzz.py [TARGET|all] [EXECUTIONS]."""

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
    failed = 0
    for target in targets:
        corpus = SOURCE / "fuzz/corpus" / target.name.removesuffix("_fuzz")
        with tempfile.TemporaryDirectory() as scratch:
            command = [target, scratch] + ([corpus] if corpus.is_dir() else [])
            command += [f"-runs={executions}", "-max_len=4096", "-rss_limit_mb=4096",
                        "-print_final_stats=1", "-verbosity=0" if executions < 10**6 else "-verbosity=1",
                        f"-artifact_prefix={scratch}/"]
            done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        ran = re.findall(r"number_of_executed_units: (\d+)", done.stdout)
        print(f"{target.name}: {ran[0] if ran else '?'} executions, "
              f"{'no finding' if done.returncode == 0 else 'FOUND'}", flush=True)
        if done.returncode != 0:
            failed += 1
            print(done.stdout[-4000:])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
