"""One command an arrow."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from conftest import PROGRAM


def test_train_encode_and_decode_fit_together(latlas, blobs):
    rows, _ = blobs
    rows = (rows - rows.min()) / (rows.max() - rows.min())
    np.save(latlas.folder / "rows.npy", rows)
    done = latlas("train", "rows.npy", "--validation", "rows.npy", "--latent", 4, "--epochs", 30,
                  "--batch-size", 32, "--learning-rate", "0.01", "--history", "history.csv", "--json")
    assert json.loads(done.stdout)["model"]["val_loss"] < 0.68
    assert len((latlas.folder / "history.csv").read_text().splitlines()) == 31
    latlas("encode", "model.safetensors", "rows.npy", "-o", "latents.npy")
    assert np.load(latlas.folder / "latents.npy").shape == (300, 4)
    latlas("encode", "model.safetensors", "latents.npy", "--decode", "-o", "back.npy")
    back = np.load(latlas.folder / "back.npy")
    assert np.abs(back - rows).mean() < np.abs(rows.mean(axis=0) - rows).mean()


def test_map_serves_embeddings_of_any_origin(latlas, blobs):
    rows, labels = blobs
    np.save(latlas.folder / "e.npy", rows.astype("float16"))
    np.save(latlas.folder / "l.npy", labels)
    done = latlas("map", "e.npy", "-o", "m.npy", "--labels", "l.npy", "--plot", "m.png",
                  "--iterations", 300, "--json")
    result = json.loads(done.stdout)
    assert np.load(latlas.folder / "m.npy").shape == (300, 2)
    assert result["quality"]["label_accuracy"] > 0.95
    assert (latlas.folder / "m.png").read_bytes().startswith(b"\x89PNG")


def test_map_by_pca_agrees_with_numpy(latlas, blobs):
    rows, _ = blobs
    np.save(latlas.folder / "e.npy", rows)
    latlas("map", "e.npy", "--method", "pca", "-o", "m.npy")
    centered = rows.astype(float) - rows.astype(float).mean(axis=0)
    u, s, _ = np.linalg.svd(centered, full_matrices=False)
    expected, found = u[:, :2] * s[:2], np.load(latlas.folder / "m.npy")
    for i in range(2):
        assert abs(np.corrcoef(expected[:, i], found[:, i])[0, 1]) > 0.99999


@pytest.mark.parametrize("dimensions", [1, 3])
def test_map_goes_on_a_line_and_into_space_and_is_drawn(latlas, blobs, dimensions):
    rows, labels = blobs
    np.save(latlas.folder / "e.npy", rows[:250])
    np.save(latlas.folder / "new.npy", rows[250:])
    np.save(latlas.folder / "l.npy", labels[:250])
    done = latlas("map", "e.npy", "-o", "m.npy", "--dimensions", dimensions, "--degrees-of-freedom", 0.7,
                  "--new", "new.npy", "--new-out", "p.npy", "--plot", "m.png", "--iterations", 200, "--json")
    assert json.loads(done.stdout)["quality"]["trustworthiness"] > 0.8
    assert np.load(latlas.folder / "m.npy").shape == (250, dimensions)
    assert np.load(latlas.folder / "p.npy").shape == (50, dimensions)
    latlas("plot", "m.npy", "--labels", "l.npy", "-o", "m.svg")
    ElementTree.fromstring((latlas.folder / "m.svg").read_text())
    latlas("evaluate", "--data", "e.npy", "--map", "m.npy", "--labels", "l.npy")
    done = latlas("map", "e.npy", "-o", "m.npy", "--method", "umap", "--dimensions", dimensions, code=2)
    assert "UMAP" in done.stderr


def test_neighbors_by_inner_product_agree_with_numpy(latlas, blobs):
    rows, _ = blobs
    rows = rows.astype(int).astype("float32")  # ties, and products that float32 holds
    np.save(latlas.folder / "e.npy", rows)
    latlas("neighbors", "e.npy", "-o", "g.safetensors", "--k", 7, "--metric", "inner_product")
    data = (latlas.folder / "g.safetensors").read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    first, last = (begin + at for at in header["index"]["data_offsets"])
    found = np.frombuffer(data[first:last], "int64").reshape(300, 7)
    products = rows @ rows.T
    np.fill_diagonal(products, -np.inf)
    np.testing.assert_array_equal(found, np.argsort(-products, axis=1, kind="stable")[:, :7])
    assert "take euclidean or cosine" in latlas.refuses("map", "e.npy", "--metric", "inner_product")
    assert "not negative" in latlas.refuses("map", "e.npy", "--graph", "g.safetensors")


def test_map_takes_a_graph_in_two_arrays(latlas, blobs):
    rows, _ = blobs
    distance = np.sqrt(((rows[:, None].astype(float) - rows[None]) ** 2).sum(axis=2))
    np.fill_diagonal(distance, np.inf)
    index = np.argsort(distance, axis=1, kind="stable")[:, :90]
    np.save(latlas.folder / "e.npy", rows)
    np.save(latlas.folder / "i.npy", index)
    np.save(latlas.folder / "d.npy", np.take_along_axis(distance, index, axis=1))
    latlas("map", "e.npy", "-o", "a.npy", "--iterations", 100)
    latlas("map", "e.npy", "-o", "b.npy", "--iterations", 100, "--graph", "i.npy", "--graph-distances", "d.npy")
    assert (latlas.folder / "a.npy").read_bytes() == (latlas.folder / "b.npy").read_bytes()
    assert "--graph-distances" in latlas.refuses("map", "e.npy", "--graph", "i.npy")


def test_map_takes_a_graph_found_before(latlas, blobs):
    rows, _ = blobs
    np.save(latlas.folder / "e.npy", rows)
    done = latlas("neighbors", "e.npy", "-o", "g.safetensors", "--k", 90)
    assert "exact" in done.stdout
    for method in ("tsne", "umap"):
        latlas("map", "e.npy", "--method", method, "-o", "a.npy")
        done = latlas("map", "e.npy", "--method", method, "-o", "b.npy", "--graph", "g.safetensors")
        assert "from g.safetensors" in done.stdout
        assert (latlas.folder / "a.npy").read_bytes() == (latlas.folder / "b.npy").read_bytes()
    np.save(latlas.folder / "short.npy", rows[:-1])
    assert "g.safetensors: has 300 rows, short.npy has 299" in latlas.refuses(
        "map", "short.npy", "-o", "c.npy", "--graph", "g.safetensors")
    assert "PCA reads the rows alone" in latlas.refuses(
        "map", "e.npy", "-o", "c.npy", "--method", "pca", "--graph", "g.safetensors")
    (latlas.folder / "bad.safetensors").write_bytes(b"no graph")
    latlas.refuses("map", "e.npy", "-o", "c.npy", "--graph", "bad.safetensors", code=4)


def test_map_places_new_rows_whatever_their_company(latlas, blobs):
    rows, _ = blobs
    np.save(latlas.folder / "a.npy", rows[:250])
    np.save(latlas.folder / "b.npy", rows[250:])
    np.save(latlas.folder / "c.npy", rows[250:260])
    for new in ("b", "c"):
        latlas("map", "a.npy", "-o", "m.npy", "--new", f"{new}.npy", "--new-out", f"{new}_map.npy",
               "--iterations", 200)
    b, c = (np.load(latlas.folder / f"{n}_map.npy") for n in "bc")
    assert b.shape == (50, 2) and (b[:10] == c).all()


def test_figures_circle_new_rows_far_from_everything(latlas, blobs):
    rows, _ = blobs
    np.save(latlas.folder / "a.npy", rows[:250])
    far = rows[250:].copy()
    far[7] += 100
    np.save(latlas.folder / "b.npy", far)
    for dimensions in (2, 3):
        latlas("map", "a.npy", "-o", "m.npy", "--new", "b.npy", "--new-out", "p.npy", "--novelty", "n.csv",
               "--iterations", 100, "--dimensions", dimensions, "--plot", "m.svg")
        flagged = [line.endswith(",1") for line in (latlas.folder / "n.csv").read_text().split()[1:]]
        assert flagged[7] and sum(flagged) < 10
        legend = (latlas.folder / "m.svg").read_text()
        assert f"far from everything ({sum(flagged)})" in legend
        assert "training (250)" in legend and "test (50)" in legend  # rows, however often they are seen
    np.save(latlas.folder / "b.npy", rows[:40])
    latlas("map", "a.npy", "-o", "m.npy", "--new", "b.npy", "--new-out", "p.npy", "--iterations", 100,
           "--plot", "m.svg")
    assert "far from everything" not in (latlas.folder / "m.svg").read_text()


def test_scores_of_a_cosine_map_do_not_see_the_norms(latlas, blobs):
    rows, _ = blobs
    stretched = rows * np.random.default_rng(1).choice([0.25, 1, 16], size=(300, 1)).astype("f4")
    np.save(latlas.folder / "x.npy", rows)
    np.save(latlas.folder / "y.npy", stretched)  # the same directions; powers of two are exact

    def trust(*arguments):
        return json.loads(latlas(*arguments, "--json").stdout)["quality"]["trustworthiness"]
    mapped = trust("map", "y.npy", "--metric", "cosine", "-o", "m.npy", "--iterations", 200)
    for name in "xy":
        assert trust("evaluate", "--data", f"{name}.npy", "--map", "m.npy", "--metric",
                     "cosine") == mapped
    assert trust("evaluate", "--data", "y.npy", "--map", "m.npy") < mapped - 0.05
    rows[7] = 0
    np.save(latlas.folder / "x.npy", rows)
    assert "norm 0" in latlas.refuses("evaluate", "--data", "x.npy", "--map", "m.npy", "--metric",
                                      "cosine")
    assert "taxi" in latlas.refuses("evaluate", "--data", "x.npy", "--map", "m.npy", "--metric",
                                    "taxi")


PLANNED = [
    ["train", "x.npy", "--epochs", "1", "--loss", "mean_squared_error", "--output-activation",
     "linear"],
    ["encode", "model.safetensors", "x.npy"],
    ["map", "x.npy", "--iterations", "50"],
    ["map", "x.npy", "--method", "pca"],
    ["map", "x.npy", "--method", "pca", "--reduce", "3"],
    ["evaluate", "--data", "x.npy", "--map", "x.npy", "--kl", "10"],
    ["evaluate", "--map", "x.npy", "--labels", "l.npy"],
]


def test_the_plan_comes_before_the_work(latlas, blobs):
    np.save(latlas.folder / "x.npy", blobs[0])
    np.save(latlas.folder / "l.npy", blobs[1])
    for arguments in PLANNED:
        first = latlas(*arguments).stderr.splitlines()[0]
        assert re.match(r"plan        about \S+ s and \S+ .?B on \d+ threads?$", first), first


def test_map_clamps_a_perplexity_too_large_with_a_note(latlas, blobs):
    rows, _ = blobs
    np.save(latlas.folder / "e.npy", rows[:20])
    done = latlas("map", "e.npy", "-o", "m.npy", "--iterations", 100)
    assert "note: " in done.stderr and "perplexity" in done.stderr
    assert np.isfinite(np.load(latlas.folder / "m.npy")).all()


@pytest.mark.parametrize("rows", [4, 5, 10])
def test_map_of_very_few_rows_is_finite(latlas, rows):
    np.save(latlas.folder / "e.npy", np.random.default_rng(1).normal(size=(rows, 3)).astype("f4"))
    latlas("map", "e.npy", "-o", "m.npy", "--iterations", 100)
    assert np.isfinite(np.load(latlas.folder / "m.npy")).all()


def test_map_of_equal_rows_is_finite(latlas):
    np.save(latlas.folder / "e.npy", np.ones((50, 3), "f4"))
    latlas("map", "e.npy", "-o", "m.npy", "--iterations", 100)
    assert np.isfinite(np.load(latlas.folder / "m.npy")).all()


def trustworthy(latlas, *arguments):
    done = latlas("map", "e.npy", "-o", "m.npy", "--labels", "l.npy", "--json", *arguments)
    assert np.isfinite(np.load(latlas.folder / "m.npy")).all()
    return json.loads(done.stdout)["quality"]["label_accuracy"] > 0.95


@pytest.mark.parametrize("arguments", [
    ["--preset", "fast"],
    ["--preset", "exact"],
    ["--affinities", "multiscale", "--scales", "5,20"],
    ["--affinities", "uniform", "--k", "10"],
    ["--affinities", "gaussian"],
    ["--affinities", "gaussian", "--bandwidth", "2"],
    ["--kept-mass", "0.9"],
    ["--late-exaggeration", "4"],
    ["--start", "spectral"],
    ["--start", "random"],
    ["--start", "start.npy"],
    ["--method", "umap", "--start", "random"],
    ["--method", "umap", "--start", "start.npy"],
])
def test_map_of_any_affinities_from_any_start(latlas, blobs, arguments):
    np.save(latlas.folder / "e.npy", blobs[0])
    np.save(latlas.folder / "l.npy", blobs[1])
    np.save(latlas.folder / "start.npy", blobs[0][:, 2:4])
    assert trustworthy(latlas, *arguments)
    # New rows are weighed as the fitted ones: a copy of some lands beside them.
    np.save(latlas.folder / "n.npy", blobs[0][:20])
    latlas("map", "e.npy", "-o", "m.npy", "--new", "n.npy", "--new-out", "p.npy", *arguments)
    fitted, placed = np.load(latlas.folder / "m.npy"), np.load(latlas.folder / "p.npy")
    width = np.abs(fitted).max()
    assert np.median(np.abs(placed - fitted[:20])) < 0.1 * width


def test_keep_start_goes_on_from_an_earlier_map(latlas, blobs):
    np.save(latlas.folder / "e.npy", blobs[0])
    latlas("map", "e.npy", "-o", "first.npy", "--iterations", 300)
    latlas("map", "e.npy", "-o", "again.npy", "--start", "first.npy", "--keep-start", "--iterations", 20)
    latlas("map", "e.npy", "-o", "anew.npy", "--start", "first.npy", "--iterations", 20)
    first, again, anew = (np.load(latlas.folder / f"{name}.npy") for name in ("first", "again", "anew"))
    width = np.abs(first).max()
    assert 0 < np.abs(again - first).mean() < 0.05 * width  # calm, where a start of tiny size begins anew
    assert np.abs(anew).max() < 0.5 * width
    for arguments in (["--keep-start"], ["--keep-start", "--start", "random"],
                      ["--keep-start", "--method", "umap", "--start", "first.npy"]):
        assert "name it: --start map.npy" in latlas("map", "e.npy", *arguments, code=2).stderr


def safetensors(**tensors):
    header, values = {}, b""
    for name, array in tensors.items():
        kind = {"int64": "I64", "float32": "F32", "int32": "I32"}[str(array.dtype)]
        header[name] = {"dtype": kind, "shape": list(array.shape),
                        "data_offsets": [len(values), len(values) + array.nbytes]}
        values += array.tobytes()
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + values


def test_map_of_given_affinities(latlas, blobs):
    rows, labels = blobs
    np.save(latlas.folder / "e.npy", rows)
    np.save(latlas.folder / "l.npy", labels)
    near = np.argsort(((rows[:, None] - rows[None]) ** 2).sum(axis=2), axis=1)[:, 1:11]
    weights = dict(begin=np.arange(301, dtype="i8") * 10, column=near.astype("i8").ravel(),
                   weight=np.ones(3000, "f4"))
    (latlas.folder / "w.safetensors").write_bytes(safetensors(**weights))
    assert trustworthy(latlas, "--affinities-file", "w.safetensors")
    # The same weights up to their rounding, so a map as good.
    kl = [json.loads(latlas("map", "e.npy", "-o", "m.npy", "--json", *arguments).stdout)["tsne"]["kl"]
          for arguments in (["--affinities-file", "w.safetensors"], ["--affinities", "uniform", "--k", 10])]
    assert abs(kl[0] - kl[1]) < 0.05
    weights["begin"] = weights["begin"][:200]
    (latlas.folder / "w.safetensors").write_bytes(safetensors(**weights))
    assert "w.safetensors" in latlas.refuses("map", "e.npy", "--affinities-file", "w.safetensors",
                                             code=4)


def test_plot_draws_each_format(latlas, blobs):
    rows, labels = blobs
    np.save(latlas.folder / "m.npy", rows[:, :2])
    (latlas.folder / "l.txt").write_text("".join(f"class {x}\n" for x in labels))
    (latlas.folder / "l.csv").write_text("id,kind\n" + "".join(f"{i},k{x}\n" for i, x in enumerate(labels)))
    latlas("plot", "m.npy", "--labels", "l.txt", "-o", "m.svg", "--title", "A map & its title")
    text = (latlas.folder / "m.svg").read_text()
    ElementTree.fromstring(text)
    latlas("plot", "m.npy", "--labels", "l.csv:kind", "-o", "m.pdf", "--theme", "dark")
    assert (latlas.folder / "m.pdf").read_bytes().startswith(b"%PDF")
    latlas("plot", "m.npy", "--new", "m.npy", "-o", "m.png", "--dpi", 50)
    assert (latlas.folder / "m.png").read_bytes().startswith(b"\x89PNG")


def test_evaluate_scores_a_map_of_any_origin(latlas, blobs):
    rows, labels = blobs
    np.save(latlas.folder / "x.npy", rows)
    np.save(latlas.folder / "y.npy", rows[:, :2].astype("f8"))
    np.save(latlas.folder / "l.npy", labels.astype("i8"))
    done = latlas("evaluate", "--data", "x.npy", "--map", "x.npy", "--labels", "l.npy", "--json")
    perfect = json.loads(done.stdout)["quality"]
    assert perfect["trustworthiness"] == perfect["continuity"] == perfect["recall_at_15"] == 1
    done = latlas("evaluate", "--data", "x.npy", "--map", "y.npy", "--kl", 30, "--json")
    worse = json.loads(done.stdout)["quality"]
    assert 0.5 < worse["trustworthiness"] < 1 and worse["kl"] > 0


def test_names_of_files_need_not_be_utf8(latlas, blobs):
    rows, _ = blobs
    np.save(latlas.folder / "x.npy", np.abs(rows) / 20)
    name = b"caf\xe9.npy"
    os.rename(latlas.folder / "x.npy", os.path.join(os.fsencode(latlas.folder), name))
    done = subprocess.run([PROGRAM, "train", name, "--epochs", "1"], cwd=latlas.folder,
                          capture_output=True)
    assert done.returncode == 0 and (latlas.folder / "model.safetensors").exists(), done.stderr


def test_new_points_may_hold_fewer_classes_than_the_map(latlas, blobs):
    rows, labels = blobs
    np.save(latlas.folder / "m.npy", rows[:, :2])
    np.save(latlas.folder / "n.npy", rows[:3, :2])
    (latlas.folder / "m.txt").write_text("".join(f"c{x}\n" for x in labels))
    (latlas.folder / "n.txt").write_text("c2\nc2\nc1\n")
    latlas("plot", "m.npy", "--labels", "m.txt", "--new", "n.npy", "--new-labels", "n.txt")
    (latlas.folder / "n.txt").write_text("c2\nc2\nc7\n")
    assert "'c7'" in latlas.refuses("evaluate", "--map", "m.npy", "--labels", "m.txt", "--new", "n.npy",
                                    "--new-labels", "n.txt")


def test_info_describes_arrays_models_and_runs(latlas, blobs):
    rows, _ = blobs
    rows[3, 4] = np.nan
    np.save(latlas.folder / "x.npy", rows)
    text = latlas("info", "x.npy").stdout
    assert "300 × 8" in text and "f4" in text and "NaN" in text
    np.save(latlas.folder / "p.npy", np.abs(np.nan_to_num(rows)) / 20)
    latlas("train", "p.npy", "--latent", 2, "--epochs", 1)
    text = latlas("info", "model.safetensors").stdout
    assert "8" in text and "dense" in text.lower()


def test_datasets_lists_what_is_known(latlas):
    text = latlas("datasets").stdout
    for name in ("mnist", "fashion-mnist", "kmnist", "synthetic"):
        assert name in text


def npy(header, body=b""):
    header = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body


MALFORMED = {
    "empty.npy": b"",
    "magic.npy": b"not numpy at all",
    "short.npy": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2), }", b"\0" * 31),
    "long.npy": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2), }", b"\0" * 33),
    "lying.npy": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999), }"),
    "object.npy": npy("{'descr': '|O', 'fortran_order': False, 'shape': (1, 1), }", b"\0" * 8),
    "big.npy": npy("{'descr': '>f4', 'fortran_order': False, 'shape': (1, 2), }", b"\0" * 8),
    "three.npy": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 1), }", b"\0" * 8),
    "x-idx3-ubyte": b"\0\0\x08\x03\0\0\0\x09\0\0\0\x1c\0\0\0\x1c",
    "y-idx3-ubyte": b"\0\0\x08\x01\0\0\0\x01\0",
    "z-idx3-ubyte.gz": b"\x1f\x8b\x08\0broken",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files_get_one_sentence_and_leave_nothing(latlas, name):
    (latlas.folder / name).write_bytes(MALFORMED[name])
    assert name in latlas.refuses("map", name, "-o", "m.npy", code=4)
    assert not (latlas.folder / "m.npy").exists()


@pytest.mark.parametrize("arguments, code, expected", [
    (["map"], 2, "name the rows"),
    (["map", "absent.npy"], 4, "absent.npy"),
    (["map", "mnits:train"], 2, "mnist"),
    (["map", "x.npy", "--perplexty", "5"], 2, "did you mean --perplexity"),
    (["map", "x.npy", "--perplexity", "many"], 2, "many"),
    (["map", "x.npy", "--perplexity", "-3"], 2, "perplexity"),
    (["map", "x.npy", "--method", "umpa"], 2, "umpa"),
    (["map", "x.npy", "--labels", "short.txt"], 2, "short.txt"),
    (["map", "x.npy", "--new", "wide.npy", "--new-out", "n.npy"], 2, "wide.npy"),
    (["map", "x.npy", "--plot", "m.gif"], 2, "m.gif"),
    (["map", "x.npy", "-o", "absent/m.npy"], 4, "absent/m.npy"),
    (["map", "nan.npy"], 2, "row 7, column 1"),
    (["map", "inf.npy"], 2, "row 2, column 0"),
    (["map", "three.npy"], 2, "too few"),
    (["map", "x.npy", "--start", "pac"], 2, "known are pca, spectral, random"),
    (["map", "x.npy", "--start", "absent.npy"], 4, "absent.npy"),
    (["map", "x.npy", "--start", "nan.npy"], 2, "nan.npy holds NaN in row 7, column 1"),
    (["map", "x.npy", "--start", "wide.npy"], 2, "wide.npy: is 5 × 9, the start of this map must be 40 × 2"),
    (["map", "x.npy", "--start", "thin.npy"], 2, "thin.npy: is 40 × 1"),
    (["map", "x.npy", "--preset", "quick"], 2, "default, fast, exact"),
    (["map", "x.npy", "--affinities", "even"], 2, "uniform"),
    (["map", "x.npy", "--affinities-file", "absent.safetensors"], 4, "absent.safetensors"),
    (["map", "x.npy", "--affinities-file", "x.npy"], 4, "x.npy"),
    (["map", "x.npy", "--method", "umap", "--affinities-file", "x.npy"], 2, "--method tsne"),
    (["map", "x.npy", "--kept-mass", "0"], 2, "kept_mass"),
    (["plot", "x.npy"], 2, "columns"),
    (["evaluate", "--data", "x.npy", "--map", "wide.npy"], 2, "rows"),
    (["evaluate", "--map", "x.npy"], 2, "labels"),
    (["train", "x.npy"], 2, "between 0 and 1"),
    (["train", "nan.npy"], 2, "row 7, column 1"),
    (["encode", "x.npy", "x.npy"], 4, "x.npy"),
    (["datasets", "fetch", "mnits"], 2, "did you mean"),
    (["info", "absent.npy"], 4, "absent.npy"),
    (["evaluate", "--data", "x.npy", "--map", "x.npy", "--kl", "-5"], 2, "at least 1"),
    (["map", "x.npy", "--reduce", "-5"], 2, "at least 0"),
    (["train", "x.npy", "--loss", "mean_squared_error", "-o", "absent/m"], 4, "absent/m"),
    (["x", "y"], 2, "no command"),
])
def test_bad_input_gets_one_sentence(latlas, blobs, arguments, code, expected):
    rows = blobs[0][:40]
    save = lambda name, array: np.save(latlas.folder / name, array)  # noqa: E731
    save("x.npy", rows)
    save("wide.npy", np.ones((5, 9), "f4"))
    save("three.npy", rows[:3])
    save("thin.npy", rows[:, :1])
    for name, place, value in (("nan.npy", (7, 1), np.nan), ("inf.npy", (2, 0), -np.inf)):
        broken = rows.copy()
        broken[place] = value
        save(name, broken)
    (latlas.folder / "short.txt").write_text("a\nb\n")
    before = {p.name for p in latlas.folder.iterdir()}
    assert expected in latlas.refuses(*arguments, code=code)
    assert {p.name for p in latlas.folder.iterdir()} == before


@pytest.mark.skipif("tsan" in str(PROGRAM), reason="clang's OpenMP maps a shared file at its start, beyond the limit")
def test_a_full_disk_is_an_io_error_and_leaves_nothing(latlas, blobs):
    np.save(latlas.folder / "x.npy", blobs[0])
    command = f"ulimit -f 1; exec {PROGRAM} map x.npy -o m.npy --method pca --no-scores"
    done = subprocess.run(["bash", "-c", "trap '' XFSZ; " + command], cwd=latlas.folder, text=True,
                          capture_output=True)
    assert done.returncode == 4 and "m.npy" in done.stderr, done.stderr
    assert not list(latlas.folder.glob("m.npy*"))


@pytest.mark.parametrize("command", ["run", "train", "encode", "map", "align", "sequence", "plot", "evaluate", "info",
                                     "datasets"])
def test_help_teaches_with_an_example(latlas, command):
    text = latlas(command, "--help").stdout
    assert "Examples:" in text and f"latlas {command}" in text


def test_version_and_bare_call(latlas):
    assert latlas("--version").stdout.startswith("latlas ")
    assert "latlas run mnist" in latlas().stdout


@pytest.mark.parametrize("arguments", [
    ["map", "e.npy", "-o", "e.npy"],
    ["map", "e.npy", "-o", "./sub/../e.npy"],
    ["map", "e.npy", "-o", "m.npy", "--new", "e.npy", "--new-out", "m.npy"],
    ["map", "e.npy", "-o", "m.npy", "--checkpoint", "m.npy"],
    ["map", "e.npy", "-o", "m.npy", "--start", "s.npy", "--plot", "m.png", "--novelty", "m.png", "--new",
     "e.npy", "--new-out", "p.npy"],
    ["neighbors", "e.npy", "-o", "e.npy"],
    ["sequence", "e.npy", "s.npy", "-o", "."],
])
def test_no_file_is_written_over_another(latlas, blobs, arguments):
    np.save(latlas.folder / "e.npy", blobs[0])
    np.save(latlas.folder / "s.npy", blobs[0])
    before = (latlas.folder / "e.npy").read_bytes()
    assert "written" in latlas.refuses(*arguments)
    assert (latlas.folder / "e.npy").read_bytes() == before and not (latlas.folder / "m.npy").exists()


def write_claim(path, rows, columns):
    """An .npy that claims so many float32 rows and takes no room on the disk: of what cannot fit
    the header is all that is looked at."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}".encode()
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + header.ljust(117) + b"\n")
        file.truncate(128 + rows * columns * 4)


@pytest.mark.parametrize("arguments", [
    ["map", "huge.npy", "-o", "m.npy"],
    ["map", "huge.npy", "-o", "m.npy", "--method", "umap"],
    ["map", "huge.npy", "-o", "m.npy", "--method", "pca"],
    ["neighbors", "huge.npy"],
    ["sequence", "huge.npy", "huge2.npy"],
    ["evaluate", "--data", "huge.npy", "--map", "huge2.npy"],
])
def test_what_cannot_fit_is_refused_before_it_is_read(latlas, arguments):
    for name in ("huge.npy", "huge2.npy"):  # a terabyte and more
        write_claim(latlas.folder / name, 2_000_000_000, 200)
    assert "of memory" in latlas.refuses(*arguments, code=3)
    assert not (latlas.folder / "m.npy").exists()


@pytest.mark.parametrize("more, advice", [
    ([], "--preset fast would need"),
    (["--k", 90], "--affinities uniform --k 15 would need"),
    (["--dimensions", 3, "--k", 90], "--dimensions 2 --affinities uniform --k 15 together would need"),
    (["--method", "umap", "--n-neighbors", 91], "--n-neighbors 15 would need"),
    (["--preset", "fast", "--k", 1000], "--k 15 would need"),
])
def test_a_refusal_for_memory_names_what_would_fit(latlas, more, advice):
    # So many rows that 15 neighbors of each fit into the memory that is free, and 90 do not.
    free = next(int(line.split()[1]) * 1024 for line in open("/proc/meminfo") if "MemAvailable" in line)
    group = pathlib.Path("/sys/fs/cgroup")
    if (group / "memory.max").exists() and (limit := (group / "memory.max").read_text()) != "max\n":
        free = min(free, int(limit) - int((group / "memory.current").read_text()))
    if free < 2e9:
        pytest.skip("too little memory is free to tell much from little")
    write_claim(latlas.folder / "many.npy", free // 2500, 4)
    sentence = latlas.refuses("map", "many.npy", "-o", "m.npy", *more, code=3)
    assert advice in sentence


def test_a_refusal_for_memory_counts_the_rows_that_would_fit(latlas):
    write_claim(latlas.folder / "huge.npy", 2_000_000_000, 4)
    sentence = latlas.refuses("map", "huge.npy", "-o", "m.npy", code=3)
    assert re.search(r"map fewer rows, of which [0-9,]+ would fit with --preset fast", sentence)


def test_what_a_limit_changes_is_said(latlas, blobs):
    np.save(latlas.folder / "e.npy", blobs[0][:60])
    done = latlas("map", "e.npy", "-o", "m.npy", "--k", 500, "--perplexity", 5)
    assert "59 neighbors of a row instead of 500" in done.stderr
    done = latlas("evaluate", "--data", "e.npy", "--map", "m.npy", "--kl", 30)
    assert "KL at perplexity 19.67 instead of 30" in done.stderr


def test_sampled_scores_of_a_map_come_with_their_error(latlas):
    rows = np.random.default_rng(0).normal(size=(20500, 3)).astype("float32")
    np.save(latlas.folder / "e.npy", rows)
    quality = json.loads(latlas("map", "e.npy", "-o", "m.npy", "--method", "pca", "--json").stdout)["quality"]
    assert 0 < quality["trustworthiness_error"] < 0.01 and 0 < quality["recall_at_15_error"] < 0.05


def test_a_recall_that_is_low_is_said_to_be(latlas):
    np.save(latlas.folder / "e.npy", np.random.default_rng(0).normal(size=(5000, 12)).astype("float32"))
    search = ["neighbors", "e.npy", "--k", 15, "--search", "approximate"]
    few = [*search, "--probes", 1, "--sweeps", 0]
    found = json.loads(latlas(*few, "--json").stdout)["neighbors"]
    assert 0.05 < found["recall"] < 0.9 and 0 < found["recall_error"] < 0.02
    assert "or more probes, find more" in latlas(*few).stdout
    assert "find more" not in latlas(*search, "--probes", 50).stdout


@pytest.mark.parametrize("place", [2e9, -1e25, 3e38])
def test_places_beyond_any_map_are_refused(latlas, blobs, place):
    np.save(latlas.folder / "e.npy", blobs[0])
    anchors = np.full((300, 2), np.nan, "float32")
    anchors[7] = 0, place
    np.save(latlas.folder / "a.npy", anchors)
    assert "a.npy: row 7" in latlas.refuses("map", "e.npy", "-o", "m.npy", "--anchors", "a.npy")
    start = np.zeros((300, 2), "float32")
    start[7] = 0, place
    np.save(latlas.folder / "s.npy", start)
    sentence = latlas.refuses("map", "e.npy", "-o", "m.npy", "--start", "s.npy", "--keep-start")
    assert "row 7 of the kept start" in sentence and not (latlas.folder / "m.npy").exists()


def test_anchors_far_away_leave_a_map_of_numbers(latlas, blobs):
    np.save(latlas.folder / "e.npy", blobs[0])
    anchors = np.full((300, 2), np.nan, "float32")
    anchors[7], anchors[8] = 1e9, -1e9
    np.save(latlas.folder / "a.npy", anchors)
    for exact in (0, 1000):
        done = latlas("map", "e.npy", "-o", "m.npy", "--anchors", "a.npy", "--exact-below", exact, "--json")
        assert json.loads(done.stdout)["tsne"]["kl"] > 0
        map = np.load(latlas.folder / "m.npy")
        assert np.isfinite(map).all() and (map[7] == np.float32(1e9)).all()


def test_a_sequence_is_checked_before_and_kept_as_it_grows(latlas, blobs):
    for name, rows in (("a", blobs[0][:-1]), ("b", blobs[0]), ("c", blobs[0])):
        np.save(latlas.folder / f"{name}.npy", rows)
    assert "a.npy: has 299 rows" in latlas.refuses("sequence", "a.npy", "b.npy", "c.npy")
    assert not (latlas.folder / "maps").exists()
    np.save(latlas.folder / "a.npy", np.where(np.arange(300)[:, None] == 4, np.nan, blobs[0]))
    assert "a.npy holds NaN in row 4" in latlas.refuses("sequence", "a.npy", "b.npy", "c.npy")
    assert not (latlas.folder / "maps").exists()
    np.save(latlas.folder / "a.npy", blobs[0])
    done = latlas("sequence", "a.npy", "b.npy", "c.npy", "--search", "approximate", code=2)
    assert "--neighbors" in done.stderr or "unknown" in done.stderr
    done = latlas("sequence", "a.npy", "b.npy", "--neighbors", "approximate", "--iterations", 60, "--json")
    assert json.loads(done.stdout)["neighbors"]["recall"] == [1, 1]
    assert "neighbors in a.npy: 90 of each row, approximate: recall" in done.stderr


def test_a_stopped_sequence_keeps_the_maps_it_has(latlas, blobs):
    rows = np.random.default_rng(1).normal(size=(3000, 10)).astype("float32")
    names = [f"{t}.npy" for t in range(40)]
    for name in names:
        np.save(latlas.folder / name, rows)
    running = subprocess.Popen([PROGRAM, "sequence", *names], cwd=latlas.folder, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    last = latlas.folder / "maps" / names[-1]
    while running.poll() is None and not last.exists():
        time.sleep(0.05)
    assert running.poll() is None
    running.send_signal(signal.SIGINT)
    _, messages = running.communicate(timeout=60)
    assert running.returncode == 130 and "maps are written" in messages
    written = sorted((latlas.folder / "maps").glob("*.npy"))
    assert 1 <= len(written) < 40 and np.load(last).shape == (3000, 2)


def test_umap_places_a_row_whatever_its_company(latlas, blobs):
    np.save(latlas.folder / "e.npy", blobs[0])
    np.save(latlas.folder / "few.npy", blobs[0][:20] + 0.25)
    np.save(latlas.folder / "more.npy", np.vstack([blobs[0][:20] + 0.25, np.full((1, 8), 1e6, "float32")]))
    for name in ("few", "more"):
        latlas("map", "e.npy", "-o", "m.npy", "--method", "umap", "--new", f"{name}.npy", "--new-out",
               f"{name}_map.npy")
    few, more = (np.load(latlas.folder / f"{name}_map.npy") for name in ("few", "more"))
    assert few.tobytes() == more[:20].tobytes()


@pytest.mark.parametrize("arguments, notes", [
    (["--preset", "fast", "--perplexity", 50], ["--perplexity has no effect: uniform affinities do not"]),
    (["--affinities", "perplexity", "--bandwidth", 3], ["--bandwidth has no effect: perplexity affinities"]),
    (["--scales", "3"], ["--scales has no effect"]),
    (["--min-dist", 0.5, "--anchor-strength", 2],
     ["--min-dist has no effect: it is for --method umap", "--anchor-strength has no effect"]),
    (["--method", "umap", "--perplexity", 50], ["--perplexity has no effect: it is for --method tsne"]),
    (["--method", "pca", "--preset", "fast", "--metric", "cosine"],
     ["--preset has no effect", "--metric has no effect: PCA"]),
    (["--graph", "g.safetensors", "--k", 30], ["--k has no effect: the neighbors are given"]),
    (["--seed", 3, "--dimensions", 2, "--perplexity", 20, "--k", 61], []),
    (["--affinities", "gaussian", "--bandwidth", 2], []),
    (["--method", "umap", "--seed", 3, "--min-dist", 0.5], [])])
def test_flags_that_change_nothing_are_named(latlas, blobs, arguments, notes):
    np.save(latlas.folder / "e.npy", blobs[0])
    latlas("neighbors", "e.npy", "--k", 90, "-o", "g.safetensors")
    done = latlas("map", "e.npy", "-o", "m.npy", "--no-scores", *arguments)
    for note in notes:
        assert f"note: {note}" in done.stderr
    assert done.stderr.count("has no effect") == len(notes)


def test_a_bandwidth_is_for_gaussians_alone(latlas, blobs):
    np.save(latlas.folder / "e.npy", blobs[0])
    for name, arguments in (("plain", []), ("given", ["--bandwidth", 3]),
                            ("gaussian", ["--bandwidth", 3, "--affinities", "gaussian"])):
        latlas("map", "e.npy", "-o", f"{name}.npy", "--no-scores", *arguments)
    plain, given, gaussian = ((latlas.folder / f"{n}.npy").read_bytes()
                              for n in ("plain", "given", "gaussian"))
    assert plain == given != gaussian


def test_a_graph_knows_what_it_was_found_by(latlas, blobs):
    np.save(latlas.folder / "e.npy", blobs[0])
    latlas("neighbors", "e.npy", "--metric", "cosine", "-o", "g.safetensors")
    assert "metric" in latlas("info", "g.safetensors").stdout
    sentence = latlas.refuses("map", "e.npy", "-o", "m.npy", "--graph", "g.safetensors")
    assert "g.safetensors: lists neighbors by cosine, --metric is euclidean" in sentence
    latlas("map", "e.npy", "-o", "m.npy", "--graph", "g.safetensors", "--metric", "cosine")
    assert "give the file that ending" in latlas.refuses("neighbors", "e.npy", "-o", "g.npy")
    graph = np.argsort(((blobs[0][:, None] - blobs[0]) ** 2).sum(2), 1)[:, 1:91]
    distance = np.take_along_axis(np.sqrt(((blobs[0][:, None] - blobs[0]) ** 2).sum(2)), graph, 1)
    np.save(latlas.folder / "i.npy", graph)
    np.save(latlas.folder / "d.npy", distance.astype("float32"))
    done = latlas("map", "e.npy", "-o", "m.npy", "--graph", "i.npy", "--graph-distances", "d.npy", "--new",
                  "e.npy", "--new-out", "p.npy")
    assert "distances in d.npy are taken to be euclidean" in done.stderr


@pytest.mark.parametrize("name", ["rows.csv", "rows.npz", "rows.parquet"])
def test_other_tables_are_sent_to_numpy(latlas, name):
    (latlas.folder / name).write_text("1,2\n3,4\n")
    assert "rows are read from .npy" in latlas.refuses("map", name)


@pytest.mark.parametrize("wrong", [["--preset", "turbo"], ["--affinities", "foo"], ["--iterations", 0],
                                   ["--min-dist", -1], ["--theme", "sepia"]])
def test_wrong_values_are_refused_before_any_work(latlas, blobs, wrong):
    np.save(latlas.folder / "e.npy", blobs[0])
    done = latlas("map", "e.npy", *wrong, code=2)
    assert "neighbors " not in done.stderr and "plan" not in done.stderr


def test_new_rows_without_labels_are_gray_rings_on_a_labeled_map(latlas, blobs):
    np.save(latlas.folder / "e.npy", blobs[0])
    np.save(latlas.folder / "l.npy", blobs[1])
    np.save(latlas.folder / "n.npy", blobs[0][:9])
    for theme in ("light", "dark"):
        latlas("map", "e.npy", "-o", "m.npy", "--labels", "l.npy", "--new", "n.npy", "--new-out", "p.npy",
               "--plot", "m.svg", "--theme", theme)
        text = (latlas.folder / "m.svg").read_text()
        assert "training (300)" in text and "test (9)" in text and ">2<" in text
    latlas("plot", "m.npy", "--labels", "l.npy", "--new", "p.npy", "-o", "q.svg")
    assert "test (9)" in (latlas.folder / "q.svg").read_text()
    assert "--labels beside" in latlas.refuses("plot", "m.npy", "--new", "p.npy", "--new-labels", "l.npy")
    assert "inches" in latlas.refuses("plot", "m.npy", "--width", 0)


def test_views_of_a_map_in_space_are_framed(latlas, blobs):
    np.save(latlas.folder / "e.npy", blobs[0])
    frames = []
    for dimensions in (2, 3):
        latlas("map", "e.npy", "-o", "m.npy", "--dimensions", dimensions, "--iterations", 50, "--plot",
               "m.svg")
        frames.append((latlas.folder / "m.svg").read_text().lower().count("#9aa4ae"))
    assert frames == [0, 3]
