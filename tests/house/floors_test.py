"""The floors hold: no include points up or sideways, and third-party headers keep to their doors."""

import pathlib
import re

import pytest

SOURCE = pathlib.Path(__file__).parents[2]

MAY_INCLUDE = {
    "core": {"core"},
    "data": {"core", "data"},
    "nn": {"core", "nn"},
    "neighbors": {"core", "neighbors"},
    "render": {"core", "render"},
    "runs": {"core", "runs"},
    "layout": {"core", "neighbors", "layout"},
    "evaluate": {"core", "neighbors", "evaluate"},
}

# Third-party header → the files that may include it (paths under src/latlas, or "cli/").
DOORS = {
    r"omp\.h": r"core/parallel\.cpp",
    r"hwy/": r"core/simd.*",
    r"Eigen/": r"core/eigen\.cpp",
    r"openssl/": r"core/hash\.cpp",
    r"zlib\.h": r"(data/gzip|render/png)\.cpp",
    r"curl/": r"data/fetch\.cpp",
    r"(cairo|pango)": r"render/canvas\.cpp",
    r"nlohmann/": r"(runs/.*\.cpp|core/safetensors\.cpp|cli/.*)",
    r"toml\+\+": r"runs/recipe\.cpp",
    r"(CLI/|fmt/)": r"cli/.*",
    r"\w*mmintrin\.h": r"core/parallel\.cpp",
}


def files():
    for root in ("src/latlas", "cli"):
        for path in sorted((SOURCE / root).rglob("*")):
            if path.suffix in (".h", ".cpp"):
                yield path


def includes(path):
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', path.read_text(), re.M)


def name_of(path):
    relative = path.relative_to(SOURCE).as_posix()
    return relative.removeprefix("src/latlas/")


@pytest.mark.parametrize("path", list(files()), ids=name_of)
def test_includes_point_down(path):
    name = name_of(path)
    room = name.split("/")[0]
    for header in includes(path):
        if header.startswith("latlas/"):
            target = header.split("/")[1]
            if room != "cli":
                assert target in MAY_INCLUDE[room], f"{name} includes {header}"
        assert not (room != "cli" and header.startswith("cli/")), f"{name} includes {header}"


@pytest.mark.parametrize("path", list(files()), ids=name_of)
def test_third_party_headers_keep_to_their_doors(path):
    name = name_of(path)
    for header in includes(path):
        for pattern, door in DOORS.items():
            if re.match(pattern, header):
                assert re.fullmatch(door, name), f"{name} includes <{header}>; its door is {door}"


def test_nothing_below_the_program_prints_or_exits():
    for path in files():
        if name_of(path).startswith("cli/"):
            continue
        text = re.sub(r"//.*", "", path.read_text())
        found = re.search(r"std::(cout|cerr|exit|abort)|\bprintf\s*\(|\bputs\s*\(", text)
        assert not found, f"{name_of(path)} uses {found.group(0)}"


def test_every_room_is_known():
    rooms = {p.name for p in (SOURCE / "src/latlas").iterdir() if p.is_dir() and any(p.iterdir())}
    assert rooms <= set(MAY_INCLUDE), rooms
