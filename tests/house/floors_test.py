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
    r"(nanobind/|Python\.h)": r"python/module/.*",
}


PRINTS_OR_EXITS = re.compile(
    r"\b(v?f?w?printf|w?puts|fputw?[cs]|putc|putchar|putw?char|perror|_?exit|_Exit|abort|quick_exit|"
    r"terminate)\s*\(|\bstd::w?(cout|cerr|clog)\b|\bstd(out|err)\b")


def code_of(text):
    """The text without its comments and what stands in quotes."""
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', " ", text, flags=re.S)


def files():
    for root in ("src/latlas", "cli", "python/module"):
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
            if room not in ("cli", "python"):
                assert target in MAY_INCLUDE[room], f"{name} includes {header}"
        assert not (room != "cli" and header.startswith("cli/")), f"{name} includes {header}"
        assert not (room != "python" and header.startswith("module/")), f"{name} includes {header}"


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
        found = PRINTS_OR_EXITS.search(code_of(path.read_text()))
        assert not found, f"{name_of(path)} uses {found.group(0)}"


@pytest.mark.parametrize("line", [
    'printf("x");', 'std::printf("x");', 'std::fprintf(stderr, "x");', "fprintf (stderr, x);",
    "vfprintf(f, x, y);", "puts(x);", "fputs(x, stderr);", "putchar(c);", "perror(x);",
    "std::cout << x;", "std::cerr << x;", "std::clog << x;", "std::wcout << x;", "exit(1);",
    "std::exit(1);", "::exit(1);", "_exit(1);", "_Exit(1);", "abort();", "std::abort();",
    "std::quick_exit(1);", "std::terminate();", "if (x) exit (2);", "fwrite(x, 1, 2, stdout);"])
def test_printing_and_exiting_are_recognized(line):
    assert PRINTS_OR_EXITS.search(code_of(line)), line


@pytest.mark.parametrize("line", [
    "// exit(1) would be rude", "/* printf(x) */", 'throw IoError("never call exit(1)");',
    "snprintf(x, 3, y);", "at_exit(x);", "scan.exit_code(x);", "HWY_ABORT_IF(x);"])
def test_what_only_looks_like_it_is_not(line):
    assert not PRINTS_OR_EXITS.search(code_of(line)), line


def test_every_room_is_known():
    rooms = {p.name for p in (SOURCE / "src/latlas").iterdir() if p.is_dir() and any(p.iterdir())}
    assert rooms <= set(MAY_INCLUDE), rooms
