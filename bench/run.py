"""The figures of README and bench/results: `./dev bench` lists them, `./dev bench NAME…` runs them
(`--repeats N` times in turn, where that makes sense).

Each bench is a function below; it prints a table and writes bench/results/NAME.md and .json. Run
them on a quiet machine. Peers run on the same input, with the same number of threads, in turn.
"""

import inspect
import json
import os
import pathlib
import subprocess
import sys
import time

import common

WORK = common.SOURCE / "build/bench-work"
SEARCH = common.SOURCE / "build/release/bench/neighbors_bench"
RUN = WORK / "mnist"


def training(repeats=3):
    """Training 50 epochs against Keras, and val_loss over three seeds."""
    losses = {}
    for seed in (0, 1, 2):
        for epochs in (4, 50):
            result = common.latlas("train", "mnist:train", "--validation", "mnist:test", "--epochs",
                                   epochs, "--seed", seed, "-o", WORK / "model.safetensors",
                                   "--threads", common.THREADS)
            losses.setdefault(epochs, []).append(result["model"]["val_loss"])
    ours, keras = [], []
    for _ in range(repeats):
        ours.append(common.latlas("train", "mnist:train", "--validation", "mnist:test", "-o",
                                  WORK / "model.safetensors", "--threads",
                                  common.THREADS)["model"]["seconds"])
        keras.append(common.peer("seed_notebook.py", "--no-tsne"))
    theirs = [k["steps"]["train"] for k in keras]
    mean = {e: sum(v) / len(v) for e, v in losses.items()}
    rows = [
        {"": "latlas", "seconds, 50 epochs": f"{common.median(ours):.2f}",
         "val_loss after 4": f"{mean[4]:.4f}", "after 50": f"{mean[50]:.4f}", "ratio": "1"},
        {"": "Keras on TensorFlow", "seconds, 50 epochs": f"{common.median(theirs):.1f}",
         "val_loss after 4": f"{common.median([k['val_loss_4'] for k in keras]):.4f}",
         "after 50": f"{common.median([k['val_loss'] for k in keras]):.4f}",
         "ratio": f"{common.median([b / a for a, b in zip(ours, theirs)]):.1f}"}]
    text = common.table(rows, ["", "seconds, 50 epochs", "val_loss after 4", "after 50", "ratio"])
    text += (f"\n\nlatlas: mean of seeds 0, 1, 2; medians of {repeats} alternating runs. "
             "784-32-784 on MNIST, batch 256, validation after every epoch included.")
    text += common.bars([("val_loss after 4 epochs", mean[4], "≤", 0.1235),
                         ("val_loss after 50 epochs", mean[50], "≤", 0.0920),
                         ("times faster than Keras",
                          common.median([b / a for a, b in zip(ours, theirs)]), "≥", 8)])
    common.save("training", text, {"latlas_seconds": ours, "keras_seconds": theirs,
                                   "latlas_val_loss": losses, "keras": keras})


def ensure_run():
    """Latents of the whole job, by the program as it is: it keeps what has not changed."""
    common.latlas("run", "mnist", "--out", RUN, "--threads", common.THREADS)


def score(name, latents, labels):
    result = common.latlas("evaluate", "--data", latents, "--map", WORK / name, "--labels", labels,
                           "--kl", "30")
    return result["quality"]


def pca(repeats=1):
    """PCA against scikit-learn: the same latents, and data of some thousand columns."""
    import numpy as np
    ensure_run()
    latents = RUN / "latents_train.npy"
    theirs = common.peer("peer_layout.py", "pca", latents, WORK / "pca_peer.npy")
    metrics = json.loads((RUN / "metrics.json").read_text())
    ours = np.array(metrics["pca"]["explained_variance_ratio"])
    ratios = np.array(theirs["ratios"])
    mine, other = np.load(RUN / "pca_train.npy").astype(float), np.load(WORK / "pca_peer.npy").astype(float)
    # Coordinates of the centered rows determine the components: compare those.
    x = np.load(latents).astype(float)
    x -= x.mean(axis=0)
    a = np.linalg.lstsq(x, mine, rcond=None)[0]
    b = np.array(theirs["components"])[:2].T
    cosine = np.abs((a * b).sum(axis=0) / np.linalg.norm(a, axis=0) / np.linalg.norm(b, axis=0))
    signs = (np.sign((mine * other).sum(axis=0)) > 0).tolist()
    rows = [{"": "largest difference of a variance ratio", "value": f"{np.abs(ours - ratios).max():.1e}"},
            {"": "smallest |cosine| of a component", "value": f"{cosine.min():.8f}"},
            {"": "same signs", "value": str(all(signs))},
            {"": "seconds, latlas / scikit-learn",
             "value": f"{metrics['pca']['seconds']:.3f} / {theirs['seconds']:.3f}"}]
    text = common.table(rows, ["", "value"])
    wide = package("pca_wide.py", repeats)["data"]
    lines = [{"50 components of": name if model == "latlas" else "", "": model,
              "seconds": f"{r['seconds']:.2f}", "span lost": f"{r['lost']:.0e}"}
             for name, models in wide.items() for model, r in models.items()]
    text += "\n\n" + common.table(lines, ["50 components of", "", "seconds", "span lost"])
    text += ("\n\nSpan lost: 1 − the share of the exact components (in double, of all eigenpairs) that the "
             "found ones span. The time of the latents is that of the run's step, files included.")
    text += common.bars([("difference of the ratios", np.abs(ours - ratios).max(), "≤", 1e-5),
                         ("|cosine| of every component", cosine.min(), "≥", 0.9999)])
    common.save("pca", text,
                {"ratio_difference": float(np.abs(ours - ratios).max()), "cosine": cosine.tolist(),
                 "wide": wide})


def layout(repeats=3, slow=1):
    """t-SNE of the 60,000 latents against openTSNE, scikit-learn-intelex and scikit-learn, all scored alike."""
    ensure_run()
    latents, labels = RUN / "latents_train.npy", RUN / "labels_train.npy"
    new, new_labels = RUN / "latents_test.npy", RUN / "labels_test.npy"
    peers = [("openTSNE", "opentsne", [new, WORK / "openTSNE_new.npy"]),
             ("scikit-learn-intelex", "intelex", []), ("scikit-learn", "sklearn", [])]
    if not slow:  # --slow 0: without the ten minutes of scikit-learn
        peers.pop()
    (multicore, reason), = common.tried().items()
    if reason is None:
        peers.append((multicore, "multicore", []))
    runs = {name: [] for name in ("latlas", "latlas, fast", *(name for name, _, _ in peers))}
    placing, setup = {"latlas": [], "openTSNE": []}, []
    for repeat in range(repeats):
        for name, preset in (("latlas", "default"), ("latlas, fast", "fast")):
            runs[name].append(fitted(latents, WORK / f"{name}.npy", "--preset", preset))
        both = fitted(latents, WORK / "latlas.npy", "--new", new, "--new-out",
                      WORK / "latlas_new.npy")
        placing["latlas"].append(both["placing_seconds"])
        setup.append(both["tsne"]["placing_setup_seconds"])
        for name, method, more in peers:
            if method == "sklearn" and repeat > 0:  # ten minutes
                continue
            runs[name].append(common.peer("peer_layout.py", method, latents, WORK / f"{name}.npy",
                                          *more))
        placing["openTSNE"].append(runs["openTSNE"][-1]["transform_seconds"])
    seconds = {name: [r["seconds"] for r in of] for name, of in runs.items()}
    scores = {name: score(f"{name}.npy", latents, labels) for name in runs}
    placed = {}
    for name in placing:
        placed[name] = common.latlas("evaluate", "--map", WORK / f"{name}.npy", "--labels", labels,
                                     "--new", WORK / f"{name}_new.npy", "--new-labels",
                                     new_labels)["quality"]["placed_label_accuracy"]
    ratio = {name: common.median([b / a for a, b in zip(seconds["latlas"], seconds[name])])
             for name in runs}
    rows = [{"": name, "seconds": f"{common.median(seconds[name]):.1f}", "ratio": f"{ratio[name]:.2f}",
             "peak memory": f"{max(r['peak_memory_bytes'] for r in runs[name]) / 1e9:.2f} GB",
             "KL": f"{s['kl']:.3f}", "recall@15": f"{s['recall_at_15']:.3f}",
             "trustworthiness": f"{s['trustworthiness']:.4f}",
             "label accuracy": f"{s['label_accuracy']:.4f}"} for name, s in scores.items()]
    text = common.table(rows, ["", "seconds", "ratio", "peak memory", "KL", "recall@15",
                               "trustworthiness", "label accuracy"])
    text += "\n\n" + common.table(
        [{"placing 10,000 test latents": name, "seconds": f"{common.median(s):.2f}",
          "label accuracy": f"{placed[name]:.4f}"} for name, s in placing.items()],
        ["placing 10,000 test latents", "seconds", "label accuracy"])
    text += (f"\n\nPlacing is timed where the fitted map is ready for it: openTSNE's fit leaves an index of "
             f"its neighbors behind, ours and the charged field are made on first use, in "
             f"{common.median(setup):.2f} s.")
    text += (f"\n\n60,000 latents (32 numbers) of MNIST, perplexity 30, each program at its defaults, "
             f"neighbors included; medians of {repeats} alternating runs"
             f"{', of scikit-learn one' if slow else ''}. Scores by `latlas evaluate` for "
             "all; KL under exact affinities of perplexity 30 with the exact normalizer (which `fast`, "
             "whose affinities are others, does not minimize).")
    text += f" {multicore} does not build here: {reason}" if reason else ""
    ours, fast = scores["latlas"], scores["latlas, fast"]
    text += common.bars([
        ("times faster than openTSNE", ratio["openTSNE"], "≥", 16),
        ("times faster than scikit-learn-intelex", ratio["scikit-learn-intelex"], "≥", 4),
        *([("times faster than scikit-learn", ratio["scikit-learn"], "≥", 45)] if slow else []),
        ("KL", ours["kl"], "≤", min(scores[n]["kl"] for n in list(runs)[2:])),
        ("fast: times faster than the default", 1 / ratio["latlas, fast"], "≥", 2),
        ("fast: recall@15", fast["recall_at_15"], "≥", ours["recall_at_15"]),
        ("placing: times faster than openTSNE",
         common.median([b / a for a, b in zip(*placing.values())]), "≥", 20),
        ("placing: label accuracy", placed["latlas"], "≥", placed["openTSNE"])])
    common.save("layout", text, {"runs": runs, "scores": scores, "placing_seconds": placing,
                                 "placing_setup_seconds": setup, "placed_label_accuracy": placed})


def fitted(rows, target, *arguments):
    """A map by the program; `seconds` of its neighbors and its t-SNE, placing apart."""
    result = common.latlas("map", rows, "-o", target, "--no-scores", "--threads", common.THREADS,
                           *arguments)
    result["placing_seconds"] = result["tsne"].get("placing_seconds", 0)
    result["seconds"] = result["neighbors"]["seconds"] + result["tsne"]["seconds"]
    result["peak_memory_bytes"] = result["process_memory_bytes"]
    return result


SMALL = [300, 1_000, 3_000, 10_000]  # rows, of which the last has a bar for its speed


def small(repeats=3):
    """t-SNE of 300 to 10,000 latents against scikit-learn."""
    import numpy as np
    ensure_run()
    rows, bars, record = [], [], {}
    for n in SMALL:
        np.save(WORK / "small.npy", np.load(RUN / "latents_train.npy")[:n])
        np.save(WORK / "small_labels.npy", np.load(RUN / "labels_train.npy")[:n])
        seconds = {"latlas": [], "sklearn": []}
        for _ in range(repeats):
            seconds["latlas"].append(fitted(WORK / "small.npy", WORK / "small_latlas.npy")["seconds"])
            seconds["sklearn"].append(common.peer("peer_layout.py", "sklearn", WORK / "small.npy",
                                                  WORK / "small_sklearn.npy")["seconds"])
        scores = {name: score(f"small_{name}.npy", WORK / "small.npy", WORK / "small_labels.npy")
                  for name in seconds}
        rows += [{"rows": f"{n:,}", "": name, "seconds": f"{common.median(seconds[name]):.2f}",
                  "KL": f"{q['kl']:.3f}", "trustworthiness": f"{q['trustworthiness']:.4f}",
                  "label accuracy": f"{q['label_accuracy']:.4f}"} for name, q in scores.items()]
        bars.append((f"KL, {n:,} rows", scores["latlas"]["kl"], "≤", scores["sklearn"]["kl"]))
        record[n] = {"seconds": seconds, "scores": scores}
    times = common.median([b / a for a, b in zip(seconds["latlas"], seconds["sklearn"])])
    bars.insert(0, (f"times faster than scikit-learn, {n:,} rows", times, "≥", 50))
    text = common.table(rows, ["rows", "", "seconds", "KL", "trustworthiness", "label accuracy"])
    text += (f"\n\nThe first training latents of MNIST, defaults, neighbors included; medians of {repeats} "
             f"alternating runs.")
    common.save("small", text + common.bars(bars), record)


def raw(repeats=3):
    """Raw MNIST, 70,000 × 784, reduced to 50 components inside, against the 60,000 latents."""
    import numpy as np
    import mnist_data
    ensure_run()
    pixels = WORK / "mnist_pixels.npy"
    train, test, *labels = mnist_data.load()
    np.save(pixels, np.concatenate([train, test]))
    np.save(WORK / "mnist_labels.npy", np.concatenate(labels))
    whole, latents = [], []
    for _ in range(repeats):
        for target, source, more in ((whole, pixels, ["--reduce", 50]),
                                     (latents, RUN / "latents_train.npy", [])):
            target.append(common.latlas("map", source, *more, "-o", WORK / "raw.npy" if more else
                                        WORK / "latlas.npy", "--no-scores", "--threads",
                                        common.THREADS)["process_seconds"])
    quality = common.latlas("evaluate", "--data", pixels, "--map", WORK / "raw.npy", "--labels",
                            WORK / "mnist_labels.npy")["quality"]
    rows = [{"": "70,000 × 784 pixels, PCA to 50", "seconds": f"{common.median(whole):.2f}",
             "label accuracy": f"{quality['label_accuracy']:.4f}",
             "trustworthiness": f"{quality['trustworthiness']:.4f}"},
            {"": "60,000 × 32 latents", "seconds": f"{common.median(latents):.2f}"}]
    text = common.table(rows, ["", "seconds", "label accuracy", "trustworthiness"])
    text += f"\n\nWhole processes, files read and written; medians of {repeats} alternating runs."
    text += common.bars([("time of the pixels / of the latents",
                          common.median([a / b for a, b in zip(whole, latents)]), "≤", 1.5)])
    common.save("raw", text, {"pixels_seconds": whole, "latents_seconds": latents, "quality": quality})


# Of a few thousand rows, for which the preset exact is made.
FEW = {"default": [], "exact": ["--preset", "exact"]}
PRESETS = {"default": [], "fast": ["--preset", "fast"],
           "default, kept_mass 0.99": ["--kept-mass", "0.99"],
           "default, kept_mass 0.95": ["--kept-mass", "0.95"],
           "default, grid_spacing 1/3": ["--grid-spacing", "0.33333"],
           "fast, grid_spacing 1/3": ["--preset", "fast", "--grid-spacing", "0.33333"]}


def presets(repeats=3):
    """What the presets of t-SNE cost in quality, on the 60,000 latents; pruning and spacing beside."""
    import numpy as np
    ensure_run()
    latents, labels = RUN / "latents_train.npy", RUN / "labels_train.npy"
    seconds = {name: [] for name in PRESETS}
    for _ in range(repeats):
        for name, arguments in PRESETS.items():
            seconds[name].append(fitted(latents, WORK / f"preset {name}.npy".replace("/", "-"),
                                        *arguments)["seconds"])
    scores = {name: score(f"preset {name}.npy".replace("/", "-"), latents, labels)
              for name in PRESETS}
    times = {name: common.median([a / b for a, b in zip(seconds["default"], s)])
             for name, s in seconds.items()}
    rows = [{"": name, "seconds": f"{common.median(seconds[name]):.2f}",
             "times faster": f"{times[name]:.2f}", "recall@15": f"{q['recall_at_15']:.4f}",
             "trustworthiness": f"{q['trustworthiness']:.4f}",
             "distance correlation": f"{q['spearman']:.4f}",
             "label accuracy": f"{q['label_accuracy']:.4f}", "KL, perplexity 30": f"{q['kl']:.4f}"}
            for name, q in scores.items()]
    text = common.table(rows, ["", "seconds", "times faster", "recall@15", "trustworthiness",
                               "distance correlation", "label accuracy", "KL, perplexity 30"])
    text += (f"\n\n60,000 latents (32 numbers) of MNIST, neighbors included; medians of {repeats} "
             "alternating runs. KL is under the affinities of perplexity 30 for all, which fast does "
             "not minimize.")
    few = WORK / "few.npy"
    np.save(few, np.load(latents)[:5_000])
    np.save(WORK / "few_labels.npy", np.load(labels)[:5_000])
    rows = []
    for name, arguments in FEW.items():
        took = common.median([fitted(few, WORK / f"few {name}.npy", *arguments)["seconds"]
                              for _ in range(repeats)])
        q = score(f"few {name}.npy", few, WORK / "few_labels.npy")
        rows.append({"5,000 latents": name, "seconds": f"{took:.2f}", "recall@15": f"{q['recall_at_15']:.4f}",
                     "trustworthiness": f"{q['trustworthiness']:.4f}",
                     "label accuracy": f"{q['label_accuracy']:.4f}", "KL, perplexity 30": f"{q['kl']:.4f}"})
    text += "\n\n" + common.table(rows, list(rows[0]))
    text += common.bars([("fast: times faster than the default", times["fast"], "≥", 2),
                         ("fast: recall@15", scores["fast"]["recall_at_15"], "≥",
                          scores["default"]["recall_at_15"])])
    common.save("presets", text, {"seconds": seconds, "scores": scores})


def text_map(repeats=3):
    """t-SNE of 63,666 text embeddings (cosine) against openTSNE, by their sections."""
    folder = pathlib.Path(os.environ.get("LATLAS_DATA", "")) / "debian-packages"
    if not (folder / "embeddings.npy").exists():
        sys.exit("bench: text_map needs debian-packages: set LATLAS_DATA")
    rows_file, labels = folder / "embeddings.npy", f"{folder / 'packages.tsv'}:section"
    settings = {"latlas": [], "latlas, uniform, k = 30": ["--affinities", "uniform", "--k", "30"],
                "latlas, fast": ["--preset", "fast"]}
    runs = {name: [] for name in (*settings, "openTSNE")}
    for _ in range(repeats):
        for name, more in settings.items():
            runs[name].append(fitted(rows_file, WORK / f"text {name}.npy", "--metric", "cosine", *more))
        runs["openTSNE"].append(common.peer("peer_layout.py", "opentsne-cosine", rows_file,
                                            WORK / "text openTSNE.npy"))
    # Whether the map or the neighbors under it make a difference: ours on openTSNE's neighbors.
    given, borrowed = WORK / "text openTSNE neighbors.npy", "latlas on openTSNE's neighbors"
    theirs = measured(rows_file, "cosine", given)["recall"]
    on_theirs = common.latlas("map", rows_file, "--metric", "cosine", "--graph", given, "--graph-distances",
                              WORK / "text openTSNE distances.npy", "-o", WORK / f"text {borrowed}.npy",
                              "--no-scores", "--threads", common.THREADS)
    runs[borrowed] = [{"seconds": on_theirs["tsne"]["seconds"],
                       "peak_memory_bytes": on_theirs["process_memory_bytes"]}]
    rows, scores, ratio = [], {}, {}
    for name, of in runs.items():
        s = scores[name] = common.latlas("evaluate", "--data", rows_file, "--metric", "cosine", "--map",
                                         WORK / f"text {name}.npy", "--labels", labels, "--kl", "30",
                                         "--sample-rows", 20000)["quality"]
        ratio[name] = common.median([peer["seconds"] / r["seconds"]
                                     for r, peer in zip(of, runs["openTSNE"])])
        rows.append({"": name, "seconds": f"{common.median([r['seconds'] for r in of]):.1f}",
                     "times faster": "" if name == borrowed else f"{ratio[name]:.1f}",
                     "section accuracy": f"{s['label_accuracy']:.4f}", "KL": f"{s['kl']:.3f}",
                     "recall@15": f"{s['recall_at_15']:.3f}",
                     "trustworthiness": f"{s['trustworthiness']:.4f}",
                     "peak memory": f"{max(r['peak_memory_bytes'] for r in of) / 1e9:.2f} GB"})
    text = common.table(rows, ["", "seconds", "times faster", "section accuracy", "KL", "recall@15",
                               "trustworthiness", "peak memory"])
    text += ("\n\nDescriptions of every Debian package, 63,666 × 384, cosine, neighbors included. Section "
             "accuracy: the vote of the 10 nearest in the map, of 20,000 rows. KL is under perplexity 30 for "
             "all, which uniform affinities do not minimize. openTSNE finds its neighbors by Annoy, with a "
             f"recall of {theirs:.3f}; the last line is latlas on these, their search not timed.")
    bars = []
    for name in settings:
        bars += [(f"{name}: times faster than openTSNE", ratio[name], "≥", 10),
                 (f"{name}: section accuracy", scores[name]["label_accuracy"], "≥",
                  scores["openTSNE"]["label_accuracy"])]
    text += common.bars(bars)
    common.save("text_map", text, {"runs": runs, "scores": scores})


def umap(repeats=3):
    """UMAP of the 60,000 latents against umap-learn, warm, both scored alike."""
    ensure_run()
    latents, labels = RUN / "latents_train.npy", RUN / "labels_train.npy"
    new, new_labels = RUN / "latents_test.npy", RUN / "labels_test.npy"
    fit, place = {"latlas": [], "umap-learn": []}, {"latlas": [], "umap-learn": []}
    for _ in range(repeats):
        alone = common.latlas("map", latents, "--method", "umap", "-o", WORK / "umap_alone.npy",
                              "--no-scores", "--threads", common.THREADS)
        both = common.latlas("map", latents, "--method", "umap", "-o", WORK / "umap_latlas.npy", "--new",
                             new, "--new-out", WORK / "umap_latlas_new.npy", "--no-scores",
                             "--threads", common.THREADS)
        fit["latlas"].append(alone["neighbors"]["seconds"] + alone["umap"]["seconds"])
        place["latlas"].append(both["umap"]["seconds"] - alone["umap"]["seconds"])
        theirs = common.peer("peer_layout.py", "umap", latents, WORK / "umap_peer.npy", new,
                             WORK / "umap_peer_new.npy")
        fit["umap-learn"].append(theirs["seconds"])
        place["umap-learn"].append(theirs["transform_seconds"])
    rows, scores = [], {}
    for name, file in (("latlas", "umap_latlas"), ("umap-learn", "umap_peer")):
        s = scores[name] = common.latlas("evaluate", "--data", latents, "--map", WORK / f"{file}.npy",
                                         "--labels", labels)["quality"]
        placed = common.latlas("evaluate", "--map", WORK / f"{file}.npy", "--labels", labels, "--new",
                               WORK / f"{file}_new.npy", "--new-labels", new_labels)
        s["placed_label_accuracy"] = placed["quality"]["placed_label_accuracy"]
        ratio = common.median([b / a for a, b in zip(fit["latlas"], fit[name])])
        rows.append({"": name, "seconds": f"{common.median(fit[name]):.1f}", "ratio": f"{ratio:.1f}",
                     "trustworthiness": f"{s['trustworthiness']:.4f}",
                     "recall@15": f"{s['recall_at_15']:.3f}",
                     "label accuracy": f"{s['label_accuracy']:.4f}",
                     "placing 10,000, seconds": f"{common.median(place[name]):.2f}",
                     "their label accuracy": f"{s['placed_label_accuracy']:.4f}"})
    text = common.table(rows, ["", "seconds", "ratio", "trustworthiness", "recall@15",
                               "label accuracy", "placing 10,000, seconds", "their label accuracy"])
    text += (f"\n\n60,000 latents (32 numbers) of MNIST, both at umap-learn's defaults, neighbors "
             f"included; medians of {repeats} alternating runs. umap-learn is called twice and the "
             "second call timed, so its compilation is left out. Scores by `latlas evaluate`.")
    text += common.bars([
        ("times faster than umap-learn", ratio, "≥", 5),
        ("trustworthiness", scores["latlas"]["trustworthiness"], "≥",
         scores["umap-learn"]["trustworthiness"] - 0.003)])
    common.save("umap", text, {"seconds": fit, "placing_seconds": place, "scores": scores})


def job(repeats=1):
    """`latlas run mnist`, everything, against the notebook's own stack."""
    ours, theirs, memory = [], [], []
    for _ in range(repeats):
        result = common.latlas("run", "mnist", "--fresh", "--out", WORK / "job", "--threads",
                               common.THREADS)
        ours.append(result["process_seconds"])
        memory.append(result["process_memory_bytes"])
        theirs.append(common.peer("seed_notebook.py"))
    seconds = [t["process_seconds"] for t in theirs]
    rows = [{"": "latlas run mnist", "seconds": f"{common.median(ours):.1f}",
             "peak memory": f"{max(memory) / 1e9:.2f} GB", "ratio": "1"},
            {"": "the notebook's stack", "seconds": f"{common.median(seconds):.0f}",
             "peak memory": f"{max(t['peak_memory_bytes'] for t in theirs) / 1e9:.2f} GB",
             "ratio": f"{common.median([b / a for a, b in zip(ours, seconds)]):.1f}"}]
    text = common.table(rows, ["", "seconds", "peak memory", "ratio"])
    text += ("\n\nWhole processes: 50 epochs, latents, PCA, t-SNE, figures; latlas also scores and "
             "places, and draws 21 files where the notebook draws two.")
    text += common.bars([
        ("times faster", common.median([b / a for a, b in zip(ours, seconds)]), "≥", 30),
        ("peak memory, GB", max(memory) / 1e9, "≤", 1.5)])
    common.save("job", text, {"latlas_seconds": ours, "memory": memory, "notebook": theirs})


def bits():
    """The same bytes of every array for 1, 2, 3, 4 and 7 threads and under every instruction set."""
    def hashes(name, *arguments, **env):
        folder = WORK / f"bits-{name}"
        common.latlas("run", "mnist", "--fresh", "--set", "training.epochs=4", "--set",
                      "data.train=6000", "--set", "data.test=1000", "--set", "figures.formats=png",
                      "--out", folder, *arguments, **env)
        manifest = json.loads((folder / "manifest.json").read_text())
        return manifest["simd"], {f: h for s in manifest["stages"].values()
                                  for f, h in s["outputs"].items() if not f.endswith(".csv")}
    simd, first = hashes("1", "--threads", 1)
    rows = [{"run": f"1 thread, {simd}", "files equal": "–"}]
    runs = [(f"{t} threads, {simd}", ["--threads", t], {}) for t in (2, 3, 4, 7)]
    for other in ("avx512", "avx2"):
        if other != simd and (other == "avx2" or common.machine()["avx512"]):
            runs.append((f"2 threads, {other}", ["--threads", 2], {"LATLAS_SIMD": other}))
    for name, arguments, env in runs:
        _, other = hashes(name.split(",")[0].replace(" ", "") + "-" + name.split()[-1], *arguments, **env)
        equal = sum(other[f] == h for f, h in first.items())
        rows.append({"run": name, "files equal": f"{equal} of {len(first)}"})
    text = common.table(rows, ["run", "files equal"])
    text += ("\n\nArrays, model and figures of a short run on real MNIST (6,000 + 1,000 images, 4 epochs), "
             "by SHA-256. The tests compare all instruction sets, also the portable one.")
    common.save("bits", text, {"rows": rows, "sha256": first})


def field():
    """The repulsive field's error and what it costs the map, against the grid's spacing."""
    ensure_run()
    import numpy
    rows = WORK / "field_rows.npy"
    numpy.save(rows, numpy.load(RUN / "latents_train.npy")[:10000])
    program = common.SOURCE / "build/release/bench/field_bench"
    _, _, output = common.timed([program, rows, common.SOURCE / "docs/pictures"])
    result = json.loads(output)
    lines = [{"map": kind["name"] if i == 0 else "", "spacing": f"{s['spacing']:.2f}",
              "force error": f"{s['force']:.1e}", "normalizer error": f"{s['normalizer']:.1e}",
              "KL": f"{s['kl']:.4f}", "above exact": f"{s['kl'] - kind['exact_kl']:+.4f}",
              "ms": f"{1e3 * s['seconds']:.1f}"}
             for kind in result["kinds"] for i, s in enumerate(kind["spacings"])]
    text = common.table(lines, ["map", "spacing", "force error", "normalizer error", "KL",
                                "above exact", "ms"])
    text += ("\n\n10,000 latents of MNIST, perplexity 30. Errors are root mean squares relative to the "
             "exact values, on the map made with the exact field; ms: one charge and reading.")
    common.save("field", text, result)


def package_python():
    """An interpreter of an environment that holds the package as ./dev builds it, and Matplotlib."""
    python = common.SOURCE / ".venv-python/bin/python"
    if not python.exists() or not (common.SOURCE / "build/release/python/latlas").exists():
        sys.exit("bench: run `./dev bench` through ./dev, which builds the Python package")
    return python


def package(script, *arguments, **env):
    """Runs a script of bench/ under the package; returns what it printed as JSON."""
    seconds, memory, output = common.timed(
        [package_python(), common.SOURCE / "bench" / script, *arguments],
        PYTHONPATH=common.SOURCE / "build/release/python", **env)
    result = json.loads(output.strip().splitlines()[-1])
    result.update(process_seconds=seconds, peak_memory_bytes=memory)
    return result


def python_overhead(repeats=5):
    """What a call from Python costs over the library's own time, 60,000 x 32, and whether it copies."""
    ensure_run()
    result = package("python_overhead.py", RUN / "latents_train.npy", repeats)
    rows = [{"call": name, "in the core, s": f"{r['core']:.4f}", "from Python, s": f"{r['python']:.4f}",
             "overhead": f"{r['overhead']:.2%}", "bytes of the data copied": r["copied"]}
            for name, r in result["calls"].items()]
    text = common.table(rows, ["call", "in the core, s", "from Python, s", "overhead",
                               "bytes of the data copied"])
    text += (f"\n\nMedians of {repeats} alternating calls, of short ones more: `latlas.NAME` and the same "
             "call of `latlas._core`, which is the library's function and nothing else. Copies: what NumPy "
             "allocates during the call, where it is as large as the data or larger.")
    text += common.bars([("overhead, largest", max(r["overhead"] for r in result["calls"].values()),
                          "≤", 0.02),
                         ("bytes copied", sum(r["copied"] for r in result["calls"].values()), "≤", 0)])
    common.save("python_overhead", text, result)


def notebook(repeats=1):
    """The notebook and the package against the original notebook's stack, whole processes."""
    ours, job, program, theirs = [], [], [], []
    for _ in range(repeats):
        ours.append(package("notebook_job.py", common.SOURCE / "notebooks/visualizing_latent_spaces.ipynb",
                            WORK / "notebook.ipynb"))
        job.append(package("package_job.py"))
        program.append(common.latlas("run", "mnist", "--fresh", "--out", WORK / "job", "--threads",
                                     common.THREADS))
        theirs.append(common.peer("seed_notebook.py"))
    ratio = lambda runs, key: common.median(  # noqa: E731
        [t["process_seconds"] / r[key] for t, r in zip(theirs, runs)])
    rows = [{"": "the notebook, all cells", "seconds": f"{common.median([r['seconds'] for r in ours]):.1f}",
             "ratio": f"{ratio(ours, 'seconds'):.1f}"},
            {"": "… the original's part of it",
             "seconds": f"{common.median([r['original_part'] for r in ours]):.1f}",
             "ratio": f"{ratio(ours, 'original_part'):.1f}"},
            {"": "the package alone", "seconds": f"{common.median([r['process_seconds'] for r in job]):.1f}",
             "ratio": f"{ratio(job, 'process_seconds'):.1f}"},
            {"": "latlas run mnist", "seconds": f"{common.median([r['process_seconds'] for r in program]):.1f}",
             "ratio": f"{ratio(program, 'process_seconds'):.1f}"},
            {"": "the original's stack", "ratio": "1",
             "seconds": f"{common.median([t['process_seconds'] for t in theirs]):.1f}"}]
    text = common.table(rows, ["", "seconds", "ratio"])
    text += ("\n\nMNIST, 50 epochs, t-SNE of all 70,000; imports included. The original's part: imports, "
             "data, training, latents, PCA, t-SNE, their figures; the rest of the notebook is the second "
             "fit that misleads, the scores and their figures.")
    text += common.bars([("times faster, the original's part", ratio(ours, "original_part"), "≥", 12),
                         ("times faster, all cells", ratio(ours, "seconds"), "≥", 6),
                         ("package's ratio over the program's",
                          ratio(job, "process_seconds") / ratio(program, "process_seconds"), "≥", 0.95)])
    common.save("notebook", text, {"notebook": ours, "package": job, "program": program,
                                   "original": theirs})


def product():
    """The product kernel at the five training shapes, against oneDNN and OpenBLAS."""
    program = common.SOURCE / "build/release/bench/product_bench"
    _, _, output = common.timed([program, "--threads", common.THREADS, "--json"])
    result = json.loads(output)
    rows = [{"": s["shape"], "latlas, µs": f"{s['latlas'] * 1e6:.1f}",
             "oneDNN": f"{s['onednn'] * 1e6:.1f}", "OpenBLAS": f"{s['openblas'] * 1e6:.1f}",
             "speed / oneDNN": f"{s['onednn'] / s['latlas']:.2f}",
             "speed / OpenBLAS": f"{s['openblas'] / s['latlas']:.2f}",
             "share of peak": f"{s['share_of_peak']:.0%}"} for s in result["shapes"]]
    text = common.table(rows, ["", "latlas, µs", "oneDNN", "OpenBLAS", "speed / oneDNN",
                               "speed / OpenBLAS", "share of peak"])
    text += (f"\n\n784-32-784 on batches of 256, medians of alternating rounds; {result['simd']}; the "
             f"peak is what a loop of multiply-adds reaches: {result['peak_flops'] / 1e9:.0f} GFLOP/s.")
    text += common.bars([("speed / oneDNN, least",
                          min(s["onednn"] / s["latlas"] for s in result["shapes"]), "≥", 0.9)])
    common.save("product", text, result)


ENOUGH = 0.95  # recall at which approximate searches are compared


def neighbor_table(name, rows, metric, k, ours, peers, repeats, enough=ENOUGH):
    """One data set: searches in turn, recall of a sample of each; returns rows of a table, of which
    "times" is how many times each of our methods is faster.

    A peer is a list of settings, the cheapest first; the first whose recall is `enough` is compared
    (the last, where none does). A method of ours is exact, approximate, or approximate with so many
    probes: "approximate, 24 probes".
    """
    graph = WORK / "neighbors.npy"

    def mine(name):
        method, _, more = name.partition(", ")
        probes = more.split()[0] if more else 0
        _, peak, out = common.timed([SEARCH, "search", rows, metric, k, method, probes, graph])
        return json.loads(out)["seconds"], peak

    def theirs(setting):
        result = common.peer("peer_neighbors.py", setting, rows, metric, k, graph, common.THREADS)
        return result["seconds"], result["peak_memory_bytes"]

    runs = {f"latlas, {method}": (mine, (method,)) for method in ours}
    seconds, memory, recall = {}, {}, {}

    def told(label):  # long tables are made for half an hour: what is known is said at once
        print(f"{name}, k = {k}, {label}: {seconds[label][-1]:.2f} s, recall "
              f"{recall[label]['recall']:.4f}, {memory[label] / 1e9:.2f} GB", file=sys.stderr, flush=True)

    for repeat in range(repeats):
        for label, (run, arguments) in list(runs.items()):
            s, memory[label] = run(*arguments)
            seconds.setdefault(label, []).append(s)
            if repeat == 0:
                recall[label] = measured(rows, metric)
            told(label)
        if repeat > 0:
            continue
        for settings in peers:
            for setting in settings:
                s, peak = theirs(setting)
                found = measured(rows, metric)
                seconds[setting], memory[setting], recall[setting] = [s], peak, found
                told(setting)
                if found["recall"] >= enough or setting == settings[-1]:
                    break
                del seconds[setting]
            runs[setting] = (theirs, (setting,))
    times = lambda label, mine: common.median(  # noqa: E731
        [b / a for a, b in zip(seconds[f"latlas, {mine}"], seconds[label])])
    return [{"data": name, "k": k, "": label, "seconds": f"{common.median(s):.2f}",
             "ratio": f"{times(label, ours[0]):.2f}", "recall": f"{recall[label]['recall']:.4f}",
             "peak memory": f"{memory[label] / 1e9:.2f} GB",
             "enough": recall[label]["recall"] >= enough,
             "times": {method: times(label, method) for method in ours}}
            for label, s in seconds.items()]


def times_faster(rows, method, *names):
    """How many times `method` of ours is faster than the fastest of the peers so named, of those
    whose recall is enough."""
    return min((r["times"][method] for r in rows if r[""].split(":")[0] in names and r["enough"]),
               default=float("nan"))


def measured(rows, metric, graph=WORK / "neighbors.npy"):
    return json.loads(common.timed([SEARCH, "recall", rows, metric, graph, 500])[2])


def neighbors(repeats=3):
    """Neighbors of 60,000 latents and of 63,666 texts, exact and approximate, against faiss and hnswlib."""
    ensure_run()
    latents = neighbor_table("MNIST latents, 60,000 × 32", RUN / "latents_train.npy", "euclidean", 90,
                             ["exact", "approximate, 24 probes"],
                             [["flat"],
                              ["hnsw:12:60:91", "hnsw:12:100:120", "hnsw:16:100:120", "hnsw:16:200:200"],
                              ["ivf:0:8", "ivf:0:16", "ivf:0:24", "ivf:0:32", "ivf:0:48"]], repeats, 0.99)
    bars = [("latents, exact: times faster than faiss flat", times_faster(latents, "exact", "flat"),
             "≥", 4.5),
            ("latents, exact: times faster than hnswlib at recall ≥ 0.99",
             times_faster(latents, "exact", "hnsw"), "≥", 4.5),
            ("latents, approximate at such a recall: times faster than hnswlib",
             times_faster(latents, "approximate, 24 probes", "hnsw"), "≥", 4.5)]
    texts, folder = [], os.environ.get("LATLAS_DATA", "")
    embeddings = pathlib.Path(folder) / "debian-packages/embeddings.npy"
    if folder and embeddings.exists():
        texts = neighbor_table("Debian packages, 63,666 × 384", embeddings, "cosine", 90,
                               ["approximate", "exact"],
                               [["flat"],
                                ["hnsw:12:60:91", "hnsw:12:100:91", "hnsw:16:100:91", "hnsw:16:200:91"],
                                ["ivf:256:24", "ivf:256:32", "ivf:256:40", "ivf:256:56"],
                                ["ivf:0:64", "ivf:0:96", "ivf:0:128", "ivf:0:192"]], repeats)
        bars += [("texts, exact: times faster than faiss flat", times_faster(texts, "exact", "flat"),
                  "≥", 1.6),
                 ("texts, approximate: times faster than hnswlib and faiss IVF",
                  times_faster(texts, "approximate", "hnsw", "ivf"), "≥", 2)]
    save_neighbors("neighbors", latents + texts, bars,
                   "Of each approximate peer's ladder of settings the first with recall ≥ 0.99 (latents) "
                   f"or {ENOUGH} (texts), else the last.", repeats)


def million(rows=1_000_000):
    """Latents of so many augmented digits, made once."""
    ensure_run()
    return common.peer_file("augmented_digits.py", rows, common.PROGRAM, RUN / "model.safetensors",
                            WORK, common.THREADS)


def neighbors_million(repeats=1):
    """Neighbors of a million latents of augmented digits, k = 15 and 90, against the peers."""
    data, rows, bars = million(), [], []
    for k in (15, 90):
        hnsw = ["hnsw:12:60:32", "hnsw:12:100:48", "hnsw:16:100:64", "hnsw:16:200:100"]
        descent = ["pynndescent:6:30", "pynndescent:6:60", "pynndescent"]
        found = neighbor_table("augmented digits' latents, 1,000,000 × 32", data, "euclidean", k,
                               ["approximate"],
                               [["ivf:1024:16", "ivf:1024:24", "ivf:1024:32"][k > 15:],
                                ["ivf:0:32", "ivf:0:48", "ivf:0:64"][k > 15:],
                                hnsw if k == 15 else ["hnsw:12:60:91", *hnsw[2:]],
                                descent if k == 15 else descent[::2]], repeats)
        rows += found
        bars.append((f"k = {k}: times faster than the fastest of faiss IVF, hnswlib and pynndescent",
                     times_faster(found, "approximate", "ivf", "hnsw", "pynndescent"), "≥", 3))
        save_neighbors("neighbors_million", rows, bars,
                       "Of each approximate peer's ladder of settings the first with recall ≥ "
                       f"{ENOUGH}, else the last.", repeats)


def neighbors_growth():
    """Neighbors from 10,000 to 10,000,000 rows, k = 15: seconds, memory, recall, exponent."""
    import numpy as np
    rows, last = [], None
    for n in (10_000, 100_000, 1_000_000, 10_000_000):
        data = million(max(n, 1_000_000))
        if n < 1_000_000:
            np.save(WORK / "growth.npy", np.load(data, mmap_mode="r")[:n])
            data = WORK / "growth.npy"
        _, peak, out = common.timed([SEARCH, "search", data, "euclidean", 15, "approximate", 0,
                                     WORK / "neighbors.npy"])
        seconds = json.loads(out)["seconds"]
        recall = measured(data, "euclidean")["recall"]
        rows.append({"rows": f"{n:,}", "seconds": f"{seconds:.2f}",
                     "times the row above": f"{seconds / last:.1f}" if last else "",
                     "exponent": f"{np.log10(seconds / last):.2f}" if last else "",
                     "recall": f"{recall:.4f}", "peak memory": f"{peak / 1e9:.2f} GB"})
        last = seconds
    text = common.table(rows, ["rows", "seconds", "times the row above", "exponent", "recall",
                               "peak memory"])
    text += ("\n\nApproximate search, k = 15, latents of augmented digits (32 numbers), defaults. Peak "
             "memory is that of the process, rows and result in both forms included.")
    common.save("neighbors_growth", text, {"rows": rows})


def exaggeration():
    """What exaggeration gives and takes: maps of 1,000,000 rows with late exaggeration 1, 1.5 and 2,
    and with early exaggeration in place of a start from groups; preset fast."""
    data, rows = million(), []
    labels = common.peer_file("augmented_digits.py", "labels", 1_000_000, WORK)
    for start, late in (("groups", "1"), ("groups", "1.5"), ("groups", "2"), ("exaggerated", "1")):
        target = WORK / f"exaggeration {start} {late}.npy"
        alone = [] if start == "groups" else ["--coarse-above", 2_000_000_000]
        result = fitted(data, target, "--preset", "fast", "--late-exaggeration", late, *alone)
        begin = time.monotonic()
        q = common.latlas("evaluate", "--data", data, "--map", target, "--labels", labels)["quality"]
        rows.append({"start": start, "late_exaggeration": late, "seconds": f"{result['seconds']:.1f}",
                     "iterations": f"{result['tsne']['iterations']:.0f}", "KL": f"{result['tsne']['kl']:.3f}",
                     "trustworthiness": f"{q['trustworthiness']:.4f}",
                     "recall@15": f"{q['recall_at_15']:.3f}",
                     "distance correlation": f"{q['spearman']:.3f}",
                     "label accuracy": f"{q['label_accuracy']:.3f}",
                     "scored in, s": f"{time.monotonic() - begin:.1f}"})
    text = common.table(rows, list(rows[0]))
    text += ("\n\nLatents of augmented digits, 1,000,000 × 32, 15 neighbors. KL is under the affinities of "
             "the fit. Scores of a sample of rows, by `latlas evaluate`, whose whole time stands last.")
    common.save("exaggeration", text, {"rows": rows})


def sizes(largest=1_000_000):
    """Maps of 1,000 to 1,000,000 rows (`--largest N` for more), preset fast: seconds, memory, exponents."""
    import numpy as np
    files = {n: million(max(n, 1_000_000)) for n in (1_000, 10_000, 60_000, 1_000_000, 10_000_000)
             if n <= largest}
    for n in files:
        if n < 1_000_000:
            np.save(WORK / f"sizes_{n}_rows.npy", np.load(files[n], mmap_mode="r")[:n])
            files[n] = WORK / f"sizes_{n}_rows.npy"
    runs = {n: [] for n in files}
    for repeat in range(5):  # in turn, so that a slow minute is everybody's; few of what takes long
        for n, data in files.items():
            if repeat < (5 if n < 1_000_000 else 3 if n < 10_000_000 else 1):
                runs[n].append(fitted(data, WORK / f"sizes_{n}.npy", "--preset", "fast"))
    rows, last, seconds, memory = [], None, {}, {}
    for n, results in runs.items():
        result = sorted(results, key=lambda r: r["seconds"])[len(results) // 2]
        seconds[n], memory[n] = result["seconds"], result["peak_memory_bytes"]
        times = seconds[n] / seconds[last] if last else None
        rows.append({"rows": f"{n:,}", "neighbors, s": f"{result['neighbors']['seconds']:.2f}",
                     "t-SNE, s": f"{result['tsne']['seconds']:.2f}",
                     "iterations": f"{result['tsne']['iterations']:.0f}",
                     "times the row above": f"{times:.1f}" if last else "",
                     "exponent": f"{np.log(times) / np.log(n / last):.2f}" if last else "",
                     "recall": f"{result['neighbors']['recall']:.4f}",
                     "peak memory": f"{result['peak_memory_bytes'] / 1e9:.2f} GB"})
        last = n
    text = common.table(rows, ["rows", "neighbors, s", "t-SNE, s", "iterations", "times the row above",
                               "exponent", "recall", "peak memory"])
    text += ("\n\nLatents of augmented digits (32 numbers), 15 neighbors, to the end; medians of alternating "
             "runs, 5 below a million rows, 3 of a million, 1 above. The t-SNE includes its divergence, of "
             "which the normalizer is sampled above 100,000 rows. Larger maps start from smaller ones and "
             "need fewer iterations.")
    checks = []
    if 1_000_000 in runs:
        checks += [("time of 1,000,000 / of 60,000", seconds[1_000_000] / seconds[60_000], "≤", 18),
                   ("peak memory of 1,000,000, GB", memory[1_000_000] / 1e9, "≤", 3)]
    if 10_000_000 in runs:
        checks += [("time of 10,000,000 / of 1,000,000", seconds[10_000_000] / seconds[1_000_000], "≤", 12),
                   ("peak memory of 10,000,000, GB", memory[10_000_000] / 1e9, "≤", 16)]
    text += common.bars(checks)
    common.save("sizes", text, {"rows": rows, "seconds": {n: [r["seconds"] for r in of]
                                                          for n, of in runs.items()}})


def steps():
    """Each step of a map as a share of what the machine can do: multiply-adds, memory, loads."""
    import numpy as np
    ensure_run()
    program = common.SOURCE / "build/release/bench/steps_bench"
    text = pathlib.Path(os.environ.get("LATLAS_DATA", "")) / "debian-packages/embeddings.npy"
    cases = [("MNIST latents, default", RUN / "latents_train.npy", "euclidean", 90, "default"),
             ("MNIST latents, fast", RUN / "latents_train.npy", "euclidean", 15, "fast")]
    if text.exists():
        cases.append(("Debian packages, default", text, "cosine", 90, "default"))
    rows, results = [], {}
    for name, file, metric, k, preset in cases:
        found = json.loads(common.timed([program, file, metric, k, preset, common.THREADS])[2])
        results[name] = found
        data = f"{name}, {found['rows']:,} × {found['columns']}"
        for step in found["steps"]:
            rows.append({"": data if step is found["steps"][0] else "", "step": step["step"],
                         "ms": f"{1e3 * step['seconds']:.1f}", "share": f"{step['share']:.0%}",
                         "of": step["bound"]})
    text = common.table(rows, ["", "step", "ms", "share", "of"])
    any_of = next(iter(results.values()))
    text += (f"\n\nCeilings of this machine, measured in the same run: {any_of['multiply_adds'] / 1e9:.0f} "
             f"GFLOP/s of multiply-adds in registers ({any_of['simd']}), {any_of['read'] / 1e9:.1f} GB/s read "
             f"from memory, {any_of['loads'] / 1e9:.2f} billion pairs a second loaded at the places of the "
             "very edges. A share is the least time that the named work takes at its ceiling, over the "
             "step's own; exact search passes 100% where it proves pairs needless.")
    common.save("steps", text, results)


def save_neighbors(name, rows, bars, ladders, repeats):
    text = common.table(rows, ["data", "k", "", "seconds", "ratio", "recall", "peak memory"])
    text += (f"\n\nSeconds from rows in memory to lists, index included; medians of {repeats} alternating "
             "runs. The ratio is to the first line of the data. Recall of 500 rows against exact search, by "
             f"one program for all. {ladders} flat and ivf:LISTS:NPROBE are faiss, "
             "hnsw:M:CONSTRUCTION:EF hnswlib, pynndescent:ITERATIONS:CANDIDATES itself. Peak memory is "
             "that of the process.")
    text += common.bars(bars)
    common.save(name, text, {"rows": rows})


def bars():
    """Every bar beside what was measured last, out of bench/results, as one table: bars.md."""
    rows = []
    for file in sorted(common.RESULTS.glob("*.json")):
        result = json.loads(file.read_text())
        rows += [{"bench": file.stem, **bar, "on": result["date"],
                  "machine": result["machine"]["processor"]} for bar in result.get("bars", [])]
    text = common.table(rows, ["bench", "bar", "measured", "", "on", "machine"])
    (common.RESULTS / "bars.md").write_text(
        "# bars\n\n`./dev bench all` measures all of them, `./dev bench bars` lists what was measured "
        f"last.\n\n{text}\n")


BENCHES = {f.__name__: f for f in (training, pca, layout, presets, small, raw, text_map, umap, field, job,
                                  bits, product, neighbors, neighbors_million, neighbors_growth,
                                  exaggeration, sizes, steps, python_overhead, notebook, bars)}


def main():
    names = sys.argv[1:]
    given = {}
    while names[:1] in (["--repeats"], ["--largest"], ["--slow"]) and names[1:2] and names[1].isdecimal():
        given[names[0][2:]] = int(names[1])
        names = names[2:]
    if names == ["all"]:
        names = list(BENCHES)
    if not names or any(n not in BENCHES for n in names):
        print("usage: ./dev bench [--repeats N] [--largest N] [--slow 0] NAME…\n" + "\n".join(
            f"  {name:17} {f.__doc__.splitlines()[0]}" for name, f in BENCHES.items())
            + "\n  all               All of them, some hours.")
        return 2 if names else 0
    WORK.mkdir(parents=True, exist_ok=True)
    for name in names:
        print(f"\n## {name}\n")
        function = BENCHES[name]
        known = inspect.signature(function).parameters
        function(**{key: value for key, value in given.items() if key in known})
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    sys.exit(main())
