"""What cmake --install leaves is enough for another project: headers, library, package, program."""

import hashlib
import os
import pathlib
import struct
import subprocess

import pytest

SOURCE = pathlib.Path(__file__).parents[2]
BUILD = pathlib.Path(os.environ.get("LATLAS_BUILD", SOURCE / "build/dev"))


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **options)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    if not (BUILD / "build.ninja").exists():
        pytest.skip(f"{BUILD} is not built")
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", BUILD, "--prefix", prefix)
    return prefix


def headers(prefix):
    return sorted(p.relative_to(prefix / "include") for p in (prefix / "include").rglob("*.h"))


def test_a_consumer_builds_and_runs(prefix, tmp_path):
    run("cmake", "-S", SOURCE / "tests/house/consumer", "-B", tmp_path, "-G", "Ninja",
        f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", tmp_path)
    printed = run(tmp_path / "consumer", tmp_path / "points.npy")
    assert printed.strip() == hashlib.sha256(struct.pack("<6f", *range(6))).hexdigest()


def test_every_installed_header_stands_alone_and_needs_no_other_library(prefix, tmp_path):
    # One file a header would take a minute; in reverse order each comes before what it may lean on.
    for order, names in (("up", headers(prefix)), ("down", headers(prefix)[::-1])):
        source = tmp_path / f"{order}.cpp"
        source.write_text("".join(f"#include <{name}>\n" for name in names))
        run("c++", "-std=c++20", "-fsyntax-only", "-I", prefix / "include", source)
    third_party = ("hwy/", "omp.h", "Eigen/", "openssl/", "curl/", "cairo", "pango", "nlohmann/",
                   "toml++", "CLI/", "fmt/", "zlib.h", "png.h")
    for name in headers(prefix):
        text = (prefix / "include" / name).read_text()
        for library in third_party:
            assert f"#include <{library}" not in text, f"{name} shows {library} to its users"


def test_private_headers_stay_at_home(prefix):
    names = [p.name for p in headers(prefix)]
    assert "matrix.h" in names
    assert not [n for n in names if n.endswith("-inl.h") or n == "simd-targets.h"]


def test_the_package_names_no_path_of_the_machine_that_built_it(prefix):
    for path in prefix.rglob("*.cmake"):
        text = path.read_text()
        assert str(SOURCE) not in text and str(BUILD) not in text, path.name
        assert "/usr/lib" not in text, path.name
