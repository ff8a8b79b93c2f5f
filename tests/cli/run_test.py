"""latlas run: the whole job, small, on the built-in digits."""

import hashlib
import json
import signal
import subprocess
import time

import numpy as np
import pytest

from conftest import PROGRAM

SMALL = ["--set", "data.train=700", "--set", "data.test=150", "--set", "training.epochs=3",
         "--set", "tsne.iterations=400", "--set", "figures.dpi=40"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run directory that the tests below only read."""
    folder = tmp_path_factory.mktemp("run")
    done = subprocess.run([PROGRAM, "run", "synthetic", *SMALL, "--out", "run"], cwd=folder,
                          text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return folder / "run", done


def test_leaves_the_run_directory_of_the_design(finished):
    run, _ = finished
    for name in ("recipe.toml", "manifest.json", "metrics.json", "history.csv", "model.safetensors"):
        assert (run / name).stat().st_size > 0
    shapes = {"latents_train.npy": (700, 32), "latents_test.npy": (150, 32), "pca_train.npy": (700, 2),
              "pca_test.npy": (150, 2), "tsne_train.npy": (700, 2), "tsne_test.npy": (150, 2)}
    for name, shape in shapes.items():
        array = np.load(run / name)
        assert array.shape == shape and array.dtype == np.float32 and np.isfinite(array).all()
    for name, rows in (("labels_train.npy", 700), ("labels_test.npy", 150)):
        labels = np.load(run / name)
        assert labels.shape == (rows,) and labels.dtype == np.uint8
    figures = {p.name for p in (run / "figures").iterdir()}
    for name in ("pca", "pca_classes", "tsne", "tsne_classes", "loss", "explained_variance",
                 "reconstructions"):
        assert {f"{name}.png", f"{name}.svg", f"{name}.pdf"} <= figures
    assert not list(run.glob("*.??????")) and not (run / "checkpoints").exists()


def test_metrics_are_numbers_under_the_names_of_the_design(finished):
    run, _ = finished
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["model"]["epochs"] == 3 and metrics["model"]["parameters"] == 50992
    assert 0 < metrics["model"]["val_loss"] < 0.7
    assert len(metrics["pca"]["explained_variance_ratio"]) == 32
    assert metrics["neighbors"]["k"] == 90 and metrics["neighbors"]["recall"] == 1
    assert metrics["tsne"]["kl"] > 0
    for part in ("pca", "tsne"):
        quality = metrics["quality"][part]
        for score in ("trustworthiness", "continuity", "recall_at_15", "label_accuracy"):
            assert 0 <= quality[score] <= 1
        assert -1 <= quality["spearman"] <= 1
    assert metrics["quality"]["tsne"]["trustworthiness"] > metrics["quality"]["pca"]["trustworthiness"]
    assert metrics["quality"]["latents"]["knn_accuracy"] > 0.5
    assert metrics["threads"] >= 1 and metrics["peak_memory_bytes"] > 1e6


def test_the_manifest_knows_every_array_by_its_hash(finished):
    run, _ = finished
    manifest = json.loads((run / "manifest.json").read_text())
    assert set(manifest["arrays"]) == {p.name for p in run.glob("*.npy")}
    for name, digest in manifest["arrays"].items():
        assert hashlib.sha256((run / name).read_bytes()).hexdigest() == digest
    assert manifest["simd"] in ("avx512", "avx2", "neon", "portable")
    assert set(manifest["stages"]) == {"train", "encode", "pca", "tsne", "evaluate", "figures"}


def test_says_plan_first_and_results_last(finished):
    _, done = finished
    assert done.stderr.index("plan ") < done.stderr.index("train ")
    assert "trustworthiness" in done.stdout and "run/figures" in done.stdout
    assert "\x1b[" not in done.stderr + done.stdout  # no terminal, no colors


def test_keeps_what_has_not_changed_and_runs_the_rest(latlas):
    latlas("run", "synthetic", *SMALL, "--out", "run")
    again = latlas("run", "synthetic", *SMALL, "--out", "run")
    assert again.stderr.count("unchanged, kept") == 6
    other = latlas("run", "synthetic", *SMALL, "--set", "tsne.perplexity=10", "--out", "run")
    assert other.stderr.count("unchanged, kept") == 3  # train, encode, pca
    fresh = latlas("run", "synthetic", *SMALL, "--out", "run", "--fresh", "--set", "figures.formats=png")
    assert "unchanged" not in fresh.stderr


def plan_of(done):
    return next(line for line in done.stderr.splitlines() if line.startswith("plan "))


def test_the_plan_counts_what_will_run(latlas):
    def run(*more):
        return latlas("run", "synthetic", *SMALL, "--out", "run", *more)
    assert "kept" not in plan_of(run())
    assert "nothing is to be done" in plan_of(run())
    assert "; kept: train, encode, pca; " in plan_of(run("--set", "tsne.perplexity=10"))
    assert "; kept: train, encode, pca, tsne, evaluate; " in plan_of(run(
        "--set", "tsne.perplexity=10", "--set", "figures.theme=dark"))
    assert "kept" not in plan_of(run("--fresh"))


def test_a_refused_run_leaves_what_stood(latlas):
    options = [*SMALL, "--set", "figures.formats=png", "--out", "run"]
    latlas("run", "synthetic", *options)
    sentence = latlas.refuses("run", "synthetic", *options, "--set", "model.hidden=1048576", "--set",
                              "training.epochs=2", "--set", "model.latent=1048576", code=3)
    assert "memory" in sentence
    latlas("run", "synthetic", *options)  # and what stood there still stands


def test_runs_a_stage_again_when_its_file_was_harmed(latlas):
    latlas("run", "synthetic", *SMALL, "--out", "run", "--set", "figures.formats=png")
    target = latlas.folder / "run/pca_train.npy"
    whole = target.read_bytes()
    target.write_bytes(whole[:-4] + b"\0\0\0\0")
    again = latlas("run", "synthetic", *SMALL, "--out", "run", "--set", "figures.formats=png")
    assert "pca_train.npy is not as pca left it" in again.stderr
    assert target.read_bytes() == whole


def test_gives_the_same_bytes_for_any_number_of_threads(latlas):
    def hashes(folder):
        manifest = json.loads((latlas.folder / folder / "manifest.json").read_text())
        return {f: h for s in manifest["stages"].values() for f, h in s["outputs"].items()
                if f != "history.csv"}  # which holds the seconds
    for threads in (1, 2, 5):
        latlas("run", "synthetic", *SMALL, "--threads", threads, "--out", f"run{threads}",
               "--set", "figures.formats=png")
    assert hashes("run1") == hashes("run2") == hashes("run5")


@pytest.mark.parametrize("stop, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_a_run_that_resumes_to_the_same_bits(latlas, stop, code):
    options = ["run", "synthetic", *SMALL[:4], "--set", "training.epochs=200", "--set",
               "tsne.iterations=1000", "--set", "tsne.stop_below=0", "--set", "figures.formats=png",
               "--set", "figures.dpi=40"]
    child = subprocess.Popen([PROGRAM, *options, "--out", "stopped"], cwd=latlas.folder,
                             stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (latlas.folder / "stopped/checkpoints").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.15)
    child.send_signal(stop)
    _, errors = child.communicate(timeout=120)
    if child.returncode == 0:
        pytest.skip("the run was done before the signal arrived")
    assert child.returncode == code, errors
    assert "goes on from here" in errors
    again = latlas(*options, "--out", "stopped")
    if "train " in errors.split("stopped;")[0].split("plan ")[1]:
        assert "unchanged" in again.stderr  # it was stopped after training
    else:
        assert "resumed after epoch" in again.stderr
    latlas(*options, "--out", "whole")
    for name in ("model.safetensors", "latents_train.npy", "tsne_train.npy", "tsne_test.npy"):
        assert (latlas.folder / "stopped" / name).read_bytes() == \
            (latlas.folder / "whole" / name).read_bytes()


def test_a_kill_leaves_a_run_that_ends_in_the_same_bits(latlas):
    options = ["run", "synthetic", *SMALL, "--set", "figures.formats=png", "--out"]
    child = subprocess.Popen([PROGRAM, *options, "killed"], cwd=latlas.folder,
                             stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (latlas.folder / "killed/latents_train.npy").exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    child.kill()
    child.wait()
    latlas(*options, "killed")
    latlas(*options, "whole")
    for name in ("model.safetensors", "latents_train.npy", "tsne_train.npy", "tsne_test.npy"):
        assert (latlas.folder / "killed" / name).read_bytes() == \
            (latlas.folder / "whole" / name).read_bytes()


def test_a_harmed_checkpoint_is_noted_and_training_begins_anew(latlas):
    latlas("run", "synthetic", *SMALL, "--out", "run")
    manifest = json.loads((latlas.folder / "run/manifest.json").read_text())
    key = manifest["stages"]["train"]["key"]
    (latlas.folder / "run/checkpoints").mkdir()
    (latlas.folder / f"run/checkpoints/train-{key[:16]}.safetensors").write_bytes(b"junk")
    (latlas.folder / "run/model.safetensors").unlink()
    assert "training begins anew" in latlas("run", "synthetic", *SMALL, "--out", "run").stderr


def test_a_cosine_run_is_scored_by_cosine(latlas):
    latlas("run", "synthetic", *SMALL, "--set", "neighbors.metric=cosine", "--set",
           "figures.formats=png", "--out", "run")
    scores = json.loads((latlas.folder / "run/metrics.json").read_text())["quality"]["tsne"]
    same = latlas("evaluate", "--data", "run/latents_train.npy", "--map", "run/tsne_train.npy",
                  "--metric", "cosine", "--json")
    assert json.loads(same.stdout)["quality"]["trustworthiness"] == scores["trustworthiness"]


def test_figures_follow_the_scores_that_they_show(latlas):
    latlas("run", "synthetic", *SMALL, "--out", "run")
    again = latlas("run", "synthetic", *SMALL, "--set", "evaluate.label_k=3", "--set",
                   "figures.formats=png", "--out", "run")
    assert again.stderr.count("unchanged, kept") == 4  # all but evaluate and figures
    assert not list((latlas.folder / "run/figures").glob("*.svg"))


def test_what_cannot_fit_is_refused_before_anything_is_written(latlas):
    sentence = latlas.refuses("run", "synthetic", "--set", "model.latent=1048576", "--set",
                              "model.hidden=1048576", "--out", "run", code=3)
    assert "memory" in sentence and not (latlas.folder / "run").exists()


def test_json_is_for_machines(latlas):
    done = latlas("run", "synthetic", *SMALL, "--out", "run", "--json", "--quiet")
    assert json.loads(done.stdout)["model"]["epochs"] == 3
    assert done.stderr == ""


def test_the_written_recipe_runs_again_as_it_is(latlas):
    latlas("run", "synthetic", *SMALL, "--out", "run")
    again = latlas("run", "run/recipe.toml", "--out", "run")
    assert again.stderr.count("unchanged, kept") == 6


@pytest.mark.parametrize("arguments, expected", [
    (["run"], "name a recipe"),
    (["run", "mnits"], "did you mean 'mnist'"),
    (["run", "missing.toml"], "missing.toml"),
    (["run", "synthetic", "--set", "training.epoch=4"], "did you mean 'epochs'"),
    (["run", "synthetic", "--set", "trainin.epochs=4"], "did you mean 'training'"),
    (["run", "synthetic", "--set", "training.epochs=four"], "whole number"),
    (["run", "synthetic", "--set", "training.epochs=0"], "training: epochs is 0"),
    (["run", "synthetic", "--set", "tsne.perplexity=0"], "perplexity is 0"),
    (["run", "synthetic", "--set", "figures.formats=gif"], "gif"),
    (["run", "synthetic", "--perplexty", "4"], "is unknown"),
    (["run", "synthetic", "--frsh"], "did you mean --fresh"),
    (["run", "synthetic", "--set", "data.train=3"], "too few"),
    (["run", "synthetic", "--set", "data.train=999999"], "data"),
    (["rnu", "synthetic"], "did you mean 'run'"),
])
def test_wrong_usage_gets_one_sentence(latlas, arguments, expected):
    code = 4 if "missing.toml" in arguments else 2
    assert expected in latlas.refuses(*arguments, code=code)


def test_unknown_recipe_keys_name_file_and_line(latlas):
    (latlas.folder / "r.toml").write_text("[data]\nname = \"synthetic\"\n[training]\nepoch = 3\n")
    sentence = latlas.refuses("run", "r.toml")
    assert "r.toml, line 4" in sentence and "did you mean 'epochs'" in sentence


def test_an_unwritable_folder_is_an_io_error(latlas):
    (latlas.folder / "file").write_text("")
    assert "file" in latlas.refuses("run", "synthetic", "--out", "file/run", code=4)


def test_missing_data_says_how_to_get_it(latlas):
    sentence = latlas.refuses("run", "mnist", "--out", "run", code=4, LATLAS_DATA="/nonexistent",
                              XDG_CACHE_HOME="/nonexistent", HOME="/nonexistent")
    assert "latlas datasets fetch mnist" in sentence


def test_goes_on_with_synthetic_digits_where_the_data_cannot_be_had(latlas):
    done = latlas("run", "mnist", *SMALL, "--or-synthetic", "--out", "run", LATLAS_DATA="/nonexistent",
                  XDG_CACHE_HOME="/nonexistent", HOME="/nonexistent")
    assert done.stderr.count("built-in synthetic digits") == 1
    assert "synthetic" in (latlas.folder / "run/recipe.toml").read_text()


def test_umap_does_not_depend_on_what_else_was_run(latlas):
    options = [*SMALL, "--set", "figures.formats=png", "--set", "neighbors.search=approximate", "--set",
               "neighbors.probes=1", "--set", "neighbors.sweeps=0", "--set", "tsne.perplexity=5", "--set",
               "umap.n_epochs=20"]
    latlas("run", "synthetic", *options, "--set", "umap.enabled=true", "--out", "both")
    latlas("run", "synthetic", *options, "--out", "after")
    latlas("run", "synthetic", *options, "--set", "umap.enabled=true", "--out", "after")
    both, after = (np.load(latlas.folder / run / "umap_train.npy") for run in ("both", "after"))
    assert both.tobytes() == after.tobytes()
    metrics = json.loads((latlas.folder / "both/metrics.json").read_text())
    for recall in ("neighbors_recall", "new_rows_recall"):
        assert 0.05 < metrics["umap"][recall] < 1
    assert 0.05 < metrics["neighbors"]["recall"] < 1
    assert metrics["neighbors"]["recall_error"] == 0  # of so few rows all are measured
