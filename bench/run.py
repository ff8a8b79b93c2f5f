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

import common

WORK = common.SOURCE / "build/bench-work"
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


def pca():
    """PCA against scikit-learn on the same latents."""
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
    text += common.bars([("difference of the ratios", np.abs(ours - ratios).max(), "≤", 1e-5),
                         ("|cosine| of every component", cosine.min(), "≥", 0.9999)])
    common.save("pca", text,
                {"ratio_difference": float(np.abs(ours - ratios).max()), "cosine": cosine.tolist()})


def layout(repeats=1):
    """t-SNE of the 60,000 latents against openTSNE, scikit-learn-intelex and scikit-learn, all scored alike."""
    ensure_run()
    latents, labels = RUN / "latents_train.npy", RUN / "labels_train.npy"
    new, new_labels = RUN / "latents_test.npy", RUN / "labels_test.npy"
    runs = {name: [] for name in ("latlas", "latlas, fast", "openTSNE", "scikit-learn-intelex",
                                  "scikit-learn")}
    placing = {"latlas": [], "openTSNE": []}
    for _ in range(repeats):
        for name, preset in (("latlas", "default"), ("latlas, fast", "fast")):
            runs[name].append(fitted(latents, WORK / f"{name}.npy", "--preset", preset))
        both = fitted(latents, WORK / "latlas.npy", "--new", new, "--new-out",
                      WORK / "latlas_new.npy")
        placing["latlas"].append(both["placing_seconds"])
        for name, method, more in (("openTSNE", "opentsne", [new, WORK / "openTSNE_new.npy"]),
                                   ("scikit-learn-intelex", "intelex", []),
                                   ("scikit-learn", "sklearn", [])):
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
    text += (f"\n\n60,000 latents (32 numbers) of MNIST, perplexity 30, each program at its defaults, "
             f"neighbors included; medians of {repeats} alternating runs. Scores by `latlas evaluate` for "
             "all; KL under exact affinities of perplexity 30 with the exact normalizer (which `fast`, "
             "whose affinities are others, does not minimize). MulticoreTSNE 0.1 does not build with "
             "CMake 3.25.")
    ours, fast = scores["latlas"], scores["latlas, fast"]
    text += common.bars([
        ("times faster than openTSNE", ratio["openTSNE"], "≥", 16),
        ("times faster than scikit-learn-intelex", ratio["scikit-learn-intelex"], "≥", 4),
        ("times faster than scikit-learn", ratio["scikit-learn"], "≥", 45),
        ("KL", ours["kl"], "≤", min(scores[n]["kl"] for n in list(runs)[2:])),
        ("fast: times faster than the default", 1 / ratio["latlas, fast"], "≥", 2),
        ("fast: recall@15", fast["recall_at_15"], "≥", ours["recall_at_15"]),
        ("placing: times faster than openTSNE",
         common.median([b / a for a, b in zip(*placing.values())]), "≥", 20),
        ("placing: label accuracy", placed["latlas"], "≥", placed["openTSNE"])])
    common.save("layout", text, {"runs": runs, "scores": scores, "placing_seconds": placing,
                                 "placed_label_accuracy": placed})


def fitted(rows, target, *arguments):
    """A map by the program; `seconds` of its neighbors and its t-SNE, placing apart."""
    result = common.latlas("map", rows, "-o", target, "--no-scores", "--threads", common.THREADS,
                           *arguments)
    result["placing_seconds"] = result["tsne"].get("placing_seconds", 0)
    result["seconds"] = result["neighbors"]["seconds"] + result["tsne"]["seconds"]
    result["peak_memory_bytes"] = result["process_memory_bytes"]
    return result


def small(repeats=3):
    """t-SNE of 10,000 latents against scikit-learn."""
    import numpy as np
    ensure_run()
    np.save(WORK / "small.npy", np.load(RUN / "latents_train.npy")[:10_000])
    np.save(WORK / "small_labels.npy", np.load(RUN / "labels_train.npy")[:10_000])
    ours, theirs = [], []
    for _ in range(repeats):
        ours.append(fitted(WORK / "small.npy", WORK / "small_latlas.npy")["seconds"])
        theirs.append(common.peer("peer_layout.py", "sklearn", WORK / "small.npy",
                                  WORK / "small_sklearn.npy")["seconds"])
    scores = {name: score(f"small_{name}.npy", WORK / "small.npy", WORK / "small_labels.npy")
              for name in ("latlas", "sklearn")}
    times = common.median([b / a for a, b in zip(ours, theirs)])
    rows = [{"": name, "seconds": f"{common.median(s):.2f}", "KL": f"{q['kl']:.3f}",
             "trustworthiness": f"{q['trustworthiness']:.4f}",
             "label accuracy": f"{q['label_accuracy']:.4f}"}
            for (name, q), s in zip(scores.items(), (ours, theirs))]
    text = common.table(rows, ["", "seconds", "KL", "trustworthiness", "label accuracy"])
    text += (f"\n\nThe first 10,000 training latents of MNIST, defaults, neighbors included; medians of "
             f"{repeats} alternating runs.")
    text += common.bars([("times faster than scikit-learn", times, "≥", 50),
                         ("KL", scores["latlas"]["kl"], "≤", scores["sklearn"]["kl"])])
    common.save("small", text, {"latlas_seconds": ours, "sklearn_seconds": theirs, "scores": scores})


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


def text_map(repeats=1):
    """t-SNE of 63,666 text embeddings (cosine) against openTSNE, by their sections."""
    import numpy as np
    folder = pathlib.Path(os.environ.get("LATLAS_DATA", "")) / "debian-packages"
    if not (folder / "embeddings.npy").exists():
        sys.exit("bench: text_map needs debian-packages: set LATLAS_DATA")
    rows_file, labels = folder / "embeddings.npy", f"{folder / 'packages.tsv'}:section"
    ours, theirs = [], []
    for _ in range(repeats):
        ours.append(fitted(rows_file, WORK / "text_latlas.npy", "--metric", "cosine"))
        theirs.append(common.peer("peer_layout.py", "opentsne-cosine", rows_file,
                                  WORK / "text_opentsne.npy"))
    rows, scores = [], {}
    for name, file, of in (("latlas", "text_latlas.npy", ours), ("openTSNE", "text_opentsne.npy", theirs)):
        s = scores[name] = common.latlas("evaluate", "--data", rows_file, "--metric", "cosine", "--map",
                                         WORK / file, "--labels", labels, "--kl", "30")["quality"]
        rows.append({"": name, "seconds": f"{common.median([r['seconds'] for r in of]):.1f}",
                     "section accuracy": f"{s['label_accuracy']:.4f}", "KL": f"{s['kl']:.3f}",
                     "recall@15": f"{s['recall_at_15']:.3f}",
                     "trustworthiness": f"{s['trustworthiness']:.4f}",
                     "peak memory": f"{max(r['peak_memory_bytes'] for r in of) / 1e9:.2f} GB"})
    text = common.table(rows, ["", "seconds", "section accuracy", "KL", "recall@15", "trustworthiness",
                               "peak memory"])
    text += ("\n\nDescriptions of every Debian package, 63,666 × 384, cosine, each program at its "
             "defaults, neighbors included. Section accuracy: the vote of the 10 nearest in the map.")
    text += common.bars([
        ("times faster than openTSNE",
         common.median([b["seconds"] / a["seconds"] for a, b in zip(ours, theirs)]), "≥", 10),
        ("section accuracy", scores["latlas"]["label_accuracy"], "≥",
         scores["openTSNE"]["label_accuracy"])])
    common.save("text_map", text, {"latlas": ours, "openTSNE": theirs, "scores": scores})


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
        ("times faster", common.median([b / a for a, b in zip(ours, seconds)]), "≥", 15),
        ("peak memory, GB", max(memory) / 1e9, "≤", 1.5)])
    common.save("job", text, {"latlas_seconds": ours, "memory": memory, "notebook": theirs})


def bits():
    """The same bytes of every array for 1, 2 and 4 threads and under every instruction set."""
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


def neighbor_table(name, rows, metric, k, ours, peers, repeats):
    """One data set: searches in turn, recall of a sample of each; returns rows of a table."""
    program = common.SOURCE / "build/release/bench/neighbors_bench"
    seconds, memory, recall = {}, {}, {}
    for repeat in range(repeats):
        for method, probes in ours:
            label = f"latlas, {method}"
            _, peak, out = common.timed([program, "search", rows, metric, k, method, probes,
                                         WORK / "neighbors.npy"])
            seconds.setdefault(label, []).append(json.loads(out)["seconds"])
            memory[label] = peak
            if repeat == 0:
                recall[label] = measured(program, rows, metric)
        for method in peers:
            result = common.peer("peer_neighbors.py", method, rows, metric, k,
                                 WORK / "neighbors.npy", common.THREADS)
            seconds.setdefault(method, []).append(result["seconds"])
            memory[method] = result["peak_memory_bytes"]
            if repeat == 0:
                recall[method] = measured(program, rows, metric)
    first = common.median(next(iter(seconds.values())))
    return [{"data": name, "k": k, "": label, "seconds": f"{common.median(s):.2f}",
             "ratio": f"{common.median(s) / first:.2f}", "recall": f"{recall[label]['recall']:.4f}",
             "peak memory": f"{memory[label] / 1e9:.2f} GB"} for label, s in seconds.items()]


def measured(program, rows, metric):
    return json.loads(common.timed([program, "recall", rows, metric, WORK / "neighbors.npy", 500])[2])


def neighbors(repeats=1):
    """Neighbors of 60,000 latents, exact and approximate, against faiss and hnswlib."""
    ensure_run()
    rows = neighbor_table("MNIST latents, 60,000 × 32", RUN / "latents_train.npy", "euclidean", 90,
                          [("exact", 1), ("approximate", 128)], ["flat", "hnsw:100", "hnsw:200", "ivf:32"],
                          repeats)
    text = os.environ.get("LATLAS_DATA", "")
    embeddings = pathlib.Path(text) / "debian-packages/embeddings.npy"
    if text and embeddings.exists():
        rows += neighbor_table("Debian packages, 63,666 × 384", embeddings, "cosine", 90,
                               [("exact", 1), ("approximate", 192)],
                               ["flat", "hnsw:200", "ivf:64"], repeats)
    save_neighbors("neighbors", rows)


def neighbors_million(repeats=1):
    """Neighbors of a million mixed latents, k = 15 and 90, against the peers."""
    import numpy as np
    ensure_run()
    latents = np.load(RUN / "latents_train.npy")
    random = np.random.default_rng(0)
    # Each row is a digit's latents, moved three times towards one of its ten nearest.
    graph = WORK / "neighbors.npy"
    program = common.SOURCE / "build/release/bench/neighbors_bench"
    common.timed([program, "search", RUN / "latents_train.npy", "euclidean", 10, "exact", 1, graph])
    near = np.load(graph).astype(int)
    pick = random.integers(0, len(latents), 1_000_000)
    share = random.random((1_000_000, 3), dtype="float32") / 2
    data = latents[pick]
    for column in range(3):
        other = latents[near[pick, random.integers(0, 10, len(pick))]]
        data = data + share[:, column:column + 1] * (other - data)
    np.save(WORK / "million.npy", data.astype("float32"))
    rows = []
    for k in (15, 90):
        rows += neighbor_table("mixed MNIST latents, 1,000,000 × 32", WORK / "million.npy",
                               "euclidean", k, [("approximate", 128)],
                               ["ivf:32", "hnsw:100", "pynndescent"], repeats)
    save_neighbors("neighbors_million", rows)


def save_neighbors(name, rows):
    text = common.table(rows, ["data", "k", "", "seconds", "ratio", "recall", "peak memory"])
    text += ("\n\nSeconds from rows in memory to lists, index included. Recall of 500 rows against exact "
             "search, by one program for all. Peak memory is that of the process.")
    common.save(name, text, {"rows": rows})


BENCHES = {f.__name__: f for f in (training, pca, layout, small, raw, text_map, umap, job, bits, product, neighbors,
                                  neighbors_million)}


def main():
    names = sys.argv[1:]
    repeats = {}
    if names[:1] == ["--repeats"] and names[1:2] and names[1].isdecimal():
        repeats = {"repeats": int(names[1])}
        names = names[2:]
    if not names or any(n not in BENCHES for n in names):
        print("usage: ./dev bench [--repeats N] NAME…\n" + "\n".join(
            f"  {name:17} {f.__doc__.splitlines()[0]}" for name, f in BENCHES.items()))
        return 2 if names else 0
    WORK.mkdir(parents=True, exist_ok=True)
    for name in names:
        print(f"\n## {name}\n")
        function = BENCHES[name]
        function(**(repeats if "repeats" in inspect.signature(function).parameters else {}))
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    sys.exit(main())
