"""The house is tidy: everything has its place, and nothing tells of the machine it was written on."""

import pathlib
import re
import subprocess

import pytest

SOURCE = pathlib.Path(__file__).parents[2]
ROOMS = sorted(p.parent.name for p in (SOURCE / "src/latlas").glob("*/*.cpp"))
TEXT = {".h", ".cpp", ".py", ".sh", ".md", ".txt", ".cmake", ".json", ".toml", ".in", ".yml", ""}


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=SOURCE, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        path = SOURCE / name
        if path.is_file() and path.suffix in TEXT and not name.startswith("fuzz/corpus/"):
            yield name, path.read_text(errors="replace")


@pytest.mark.parametrize("room", sorted(set(ROOMS)))
def test_every_room_has_its_page_and_its_tests(room):
    assert (SOURCE / f"docs/{room}.md").is_file()
    assert list((SOURCE / f"tests/{room}").glob("*_test.cpp"))


def test_every_source_stands_in_a_room():
    stray = [p.name for p in (SOURCE / "src").rglob("*.cpp") if p.parents[1] != SOURCE / "src/latlas"]
    assert not stray


def test_no_file_names_a_folder_of_one_machine():
    for name, text in tracked():
        found = re.search(r"(?<![\w$}.])/(work|home|Users)/\w", text)
        assert not found, f"{name}: {text[found.start() - 20:found.end() + 20]}"


def test_nothing_is_left_for_later():
    mark = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    for name, text in tracked():
        if name != "tests/house/tidiness_test.py":
            assert not mark.search(text), name


def test_no_line_ends_in_space_and_every_file_in_a_newline():
    for name, text in tracked():
        if text:
            assert not re.search(r"[ \t]+$", text, re.M) or name.endswith(".md"), name
            assert text.endswith("\n"), name


def test_every_header_is_read_once():
    for path in (SOURCE / "src").rglob("*.h"):
        text = path.read_text()
        assert "#pragma once" in text or "HWY_TARGET_TOGGLE" in text or path.name == "simd-targets.h", \
            path.name
