"""Fits that go on, maps that are held, sequences, and rows that are far from everything."""

import csv
import json
import re
import signal
import subprocess
import time

import numpy as np
import pytest

from conftest import PROGRAM

QUICK = ["--perplexity", 5, "--no-scores"]


@pytest.fixture
def cloud(latlas):
    """1500 rows of 8 numbers in thirty clusters, in x.npy."""
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(1500, 8)) + 5 * rng.normal(size=(30, 8))[np.arange(1500) % 30]
    np.save(latlas.folder / "x.npy", rows.astype("float32"))
    return rows.astype("float32")


def wait_for(path, child):
    deadline = time.monotonic() + 120
    while not path.exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_a_map_that_was_ended_goes_on_to_the_same_bits(latlas, cloud, blow):
    fit = ["map", "x.npy", *QUICK, "--iterations", 600, "--stop-below", 0, "--exact-below", 0]
    latlas(*fit, "-o", "whole.npy")
    kept = latlas.folder / "fit.state"
    for threads in (1, 2):  # twice in a row, the second time from where the first one came to
        child = subprocess.Popen(
            [PROGRAM, *map(str, fit), "-o", "m.npy", "--checkpoint", "fit.state",
             "--checkpoint-every", "50", "--threads", str(threads)],
            cwd=latlas.folder, stderr=subprocess.DEVNULL)
        before = kept.stat().st_mtime_ns if kept.exists() else None
        wait_for(kept, child)
        while before and child.poll() is None and kept.stat().st_mtime_ns == before:
            time.sleep(0.002)
        child.send_signal(blow)
        assert child.wait(timeout=60) == (-9 if blow == signal.SIGKILL else 130)
    last = latlas(*fit, "-o", "m.npy", "--checkpoint", "fit.state", "--threads", 3)
    after = re.search(r"goes on after iteration (\d+)", last.stderr)
    assert after and int(after[1]) >= 50
    assert (latlas.folder / "m.npy").read_bytes() == (latlas.folder / "whole.npy").read_bytes()
    assert not kept.exists()  # the map is written, the fit is done
    assert not list(latlas.folder.glob("*.partial*")) or blow == signal.SIGKILL


def test_a_checkpoint_of_something_else_is_refused(latlas, cloud):
    fit = ["map", "x.npy", *QUICK, "--iterations", 400, "--stop-below", 0, "--checkpoint", "s"]
    child = subprocess.Popen([PROGRAM, *map(str, fit), "--checkpoint-every", "50"],
                             cwd=latlas.folder, stderr=subprocess.DEVNULL)
    wait_for(latlas.folder / "s", child)
    child.kill()
    child.wait()
    assert "made with iterations 400, the fit has iterations 300" in latlas.refuses(
        "map", "x.npy", *QUICK, "--iterations", 300, "--stop-below", 0, "--checkpoint", "s")
    text = latlas("info", "s").stdout
    assert re.search(r"iterations +\d+ of at most 400", text) and re.search(r"KL +\d+\.\d{3}, at", text)
    np.save(latlas.folder / "x.npy", cloud[::-1])
    assert "other rows" in latlas.refuses(*fit)
    whole = (latlas.folder / "s").read_bytes()
    for harmed in (b"", b"junk", whole[:-1], whole + b"\0", whole.replace(b"t-SNE", b"u-SNE", 1)):
        (latlas.folder / "s").write_bytes(harmed)
        assert "s: " in latlas.refuses(*fit, code=4)
    assert "tsne" in latlas.refuses("map", "x.npy", "--method", "umap", "--checkpoint", "s")


def test_a_run_that_was_killed_in_its_map_goes_on_there(latlas):
    options = ["run", "synthetic", "--set", "data.train=2500", "--set", "data.test=100", "--set",
               "training.epochs=1", "--set", "tsne.perplexity=5", "--set", "tsne.iterations=1000", "--set", "tsne.stop_below=0",
               "--set", "figures.formats=png", "--set", "figures.dpi=30", "--out"]
    child = subprocess.Popen([PROGRAM, *options, "killed"], cwd=latlas.folder,
                             stderr=subprocess.DEVNULL)
    checkpoints = latlas.folder / "killed/checkpoints"
    deadline = time.monotonic() + 200
    while not list(checkpoints.glob("tsne-*.safetensors")) and child.poll() is None \
            and time.monotonic() < deadline:
        time.sleep(0.005)
    if child.poll() is not None:
        pytest.skip("the map was done before a checkpoint was due")
    child.kill()
    child.wait()
    again = latlas(*options, "killed", "--threads", 1)
    assert "goes on after iteration" in again.stderr
    assert not checkpoints.exists()
    latlas(*options, "whole")
    for name in ("tsne_train.npy", "tsne_test.npy", "novelty_test.csv"):
        assert (latlas.folder / "killed" / name).read_bytes() == \
            (latlas.folder / "whole" / name).read_bytes()


def test_anchors_hold_rows_or_pull_them(latlas, cloud):
    places = np.full((1500, 2), np.nan, "float32")
    places[::10] = np.random.default_rng(1).normal(size=(150, 2)) * 20
    np.save(latlas.folder / "a.npy", places)
    fit = ["map", "x.npy", *QUICK, "--iterations", 300, "--anchors", "a.npy"]
    latlas(*fit, "-o", "held.npy")
    held = np.load(latlas.folder / "held.npy")
    assert (held[::10] == places[::10]).all() and np.isfinite(held).all()
    gaps = []
    for strength in (0.01, 1, 100):
        latlas(*fit, "-o", "pulled.npy", "--anchor-strength", strength)
        pulled = np.load(latlas.folder / "pulled.npy")
        gaps.append(np.linalg.norm(pulled[::10] - places[::10], axis=1).mean())
    assert gaps[0] > gaps[1] > gaps[2] > 0
    np.save(latlas.folder / "a.npy", places[:-1])
    assert "1499 × 2" in latlas.refuses(*fit)
    places[5] = [np.nan, 1]
    np.save(latlas.folder / "a.npy", places)
    assert "row 5" in latlas.refuses(*fit)


def test_align_turns_a_map_back(latlas):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(50, 2)).astype("f4")
    turn = np.array([[0.6, -0.8], [0.8, 0.6]]) @ np.diag([1, -1])
    np.save(latlas.folder / "a.npy", a)
    np.save(latlas.folder / "b.npy", (3 * a @ turn.T + [5, 6]).astype("f4"))
    done = latlas("align", "a.npy", "--to", "b.npy", "--scale", "-o", "c.npy", "--json")
    assert json.loads(done.stdout)["residual"] < 1e-5
    assert np.abs(np.load(latlas.folder / "c.npy") - np.load(latlas.folder / "b.npy")).max() < 1e-4
    latlas("align", "a.npy", "--to", "b.npy", "--no-reflection")
    np.save(latlas.folder / "b.npy", a[1:])
    assert "49 × 2" in latlas.refuses("align", "a.npy", "--to", "b.npy")
    assert "two maps" in latlas.refuses("align", "a.npy")


def test_a_sequence_gives_maps_that_follow_each_other(latlas, cloud):
    for t in range(3):
        noise = np.random.default_rng(t).normal(size=(600, 8)) * (2 - t)
        np.save(latlas.folder / f"t{t}.npy", (cloud[:600] + noise).astype("f4"))
    done = latlas("sequence", "t0.npy", "t1.npy", "t2.npy", "-o", "maps", "--perplexity", 5, "--json")
    result = json.loads(done.stdout)
    maps = [np.load(latlas.folder / f"maps/t{t}.npy") for t in range(3)]
    extent = np.abs(maps[2]).max()
    for t in range(2):
        moved = np.sqrt(((maps[t] - maps[t + 1]) ** 2).sum(axis=1).mean())
        assert abs(moved - result["sequence"]["moved"][t]) < 1e-3 * extent
        assert moved < 0.5 * extent
    latlas("map", "t2.npy", "-o", "alone.npy", *QUICK)
    assert (np.load(latlas.folder / "alone.npy") == maps[2]).all()
    np.save(latlas.folder / "t1.npy", cloud[:599])
    assert "t1.npy" in latlas.refuses("sequence", "t0.npy", "t1.npy", "t2.npy", "--perplexity", 5)
    assert "two times" in latlas.refuses("sequence", "t0.npy")
    assert "different names" in latlas.refuses("sequence", "t0.npy", "t0.npy")


def test_new_rows_far_from_everything_are_flagged(latlas, cloud):
    new = np.concatenate([cloud[:20], cloud[20:40] + 100]).astype("f4")
    np.save(latlas.folder / "n.npy", new)
    for method in ("tsne", "umap"):
        done = latlas("map", "x.npy", *QUICK, "--method", method, "--iterations", 200, "--new", "n.npy",
                      "--new-out", "p.npy", "--novelty", "n.csv", "--json")
        metrics = json.loads(done.stdout)["new"]
        with open(latlas.folder / "n.csv") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 40 and metrics["far"] == sum(int(r["far"]) for r in rows)
        assert all(r["far"] == "1" for r in rows[20:])
        assert sum(int(r["far"]) for r in rows[:20]) <= 1
        if method == "tsne":  # rows of the fit land on themselves
            latlas("map", "x.npy", *QUICK, "--iterations", 200, "-o", "m.npy")
            placed, fitted = np.load(latlas.folder / "p.npy"), np.load(latlas.folder / "m.npy")
            assert (placed[:20] == fitted[:20]).all()
    assert "--novelty" in latlas.refuses("map", "x.npy", "--novelty", "n.csv")
