"""Runs every test program of a build, and the Python tests against its program.

Ends with one line of totals. Sanitizers get the options they need; ARM64 runs under qemu-user.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).parents[1]
EMULATOR = ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu", "-E",
            f"LD_LIBRARY_PATH={SOURCE / 'build/arm64-libraries/usr/lib/aarch64-linux-gnu'}"]
SANITIZERS = {
    # A test asks for more memory than there is and expects std::bad_alloc.
    "asan": {"ASAN_OPTIONS": "allocator_may_return_null=1", "UBSAN_OPTIONS": "print_stacktrace=1"},
    # libomp itself is not instrumented: archer tells the sanitizer where its threads meet, and what
    # happens inside uninstrumented libraries is left out.
    "tsan": {"OMP_TOOL_LIBRARIES": "/usr/lib/llvm-14/lib/libarcher.so",
             "TSAN_OPTIONS": "ignore_noninstrumented_modules=1 allocator_may_return_null=1"},
}


def run(name, command, environment):
    """Runs one runner; returns (passed, failed, skipped) as its own summary counts them."""
    begin = time.monotonic()
    done = subprocess.run(command, cwd=SOURCE, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    counts = count_pytest(done.stdout) if "pytest" in " ".join(command) else count_gtest(done.stdout)
    passed, failed, skipped = counts
    if done.returncode != 0 and failed == 0:  # a crash counts, whatever was printed before
        failed = 1
    if passed + failed + skipped == 0:
        failed = 1
    if failed:
        print(done.stdout)
    else:
        for line in re.findall(r".*(?:Skipped|SKIPPED).*", done.stdout):
            print("   ", line.strip()[:200])
    print(f"{name}: {passed} passed, {failed} failed, {skipped} skipped, "
          f"{time.monotonic() - begin:.0f} s", flush=True)
    return passed, failed, skipped


def count_gtest(text):
    def number(pattern):
        found = re.findall(pattern, text)
        return int(found[-1]) if found else 0
    return (number(r"\[  PASSED  \] (\d+) test"), number(r"\[  FAILED  \] (\d+) test"),
            number(r"\[  SKIPPED \] (\d+) test"))


def count_pytest(text):
    def number(word):
        found = re.findall(rf"(\d+) {word}", text.splitlines()[-1] if text.splitlines() else "")
        return int(found[0]) if found else 0
    return number("passed"), number("failed") + number("error"), number("skipped")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="dev")
    preset = parser.parse_args().preset
    build = SOURCE / "build" / preset
    emulator = EMULATOR if preset == "arm64" else []
    environment = dict(os.environ, LATLAS_BUILD=str(build), PYTHONDONTWRITEBYTECODE="1",
                       **SANITIZERS.get(preset, {}))

    totals = [0, 0, 0]
    runners = [(p.name, [*emulator, str(p)]) for p in sorted((build / "tests").glob("test_*"))
               if p.is_file() and os.access(p, os.X_OK)]
    if preset != "arm64":  # under a sanitizer those that run the program
        pytest = ["-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider"]
        runners.append(("python", [sys.executable, *pytest, *(
            ["tests/cli"] if preset in SANITIZERS else ["tests", "--ignore=tests/python"])]))
        if preset == "dev":  # the package, under the interpreter that it was built for
            runners.append(("package", [str(SOURCE / ".venv-python/bin/python"), *pytest,
                                        "tests/python"]))
            environment["PYTHONPATH"] = str(build / "python")
    for name, command in runners:
        for i, n in enumerate(run(name, command, environment)):
            totals[i] += n
    print(f"{totals[0]} passed, {totals[1]} failed" + (f", {totals[2]} skipped" if totals[2] else ""))
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main())
