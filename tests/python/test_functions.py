"""Functions: scores, datasets, runs, tables, progress, figures."""

import json
import math
import struct

import numpy as np
import pytest
import sklearn
from sklearn.manifold import trustworthiness as their_trustworthiness

import latlas
from latlas import _core, _safetensors


# --- scores ------------------------------------------------------------------------------------------

def test_scores_one_by_one_are_those_together(data):
    X, labels = data
    map = latlas.PCA(2).fit_transform(X)
    together = latlas.evaluate_map(X, map, labels, k=7)
    for name in ("trustworthiness", "continuity", "recall", "spearman"):
        assert getattr(latlas, name)(X, map, k=7) == together[name], name
    assert latlas.label_accuracy(map, labels) == together["label_accuracy"]
    assert "label_accuracy" not in latlas.evaluate_map(X, map)
    assert latlas.evaluate_map(X, map, labels=None) == latlas.evaluate_map(X, map)


def test_trustworthiness_is_scikit_learns(data):
    X, _ = data
    map = latlas.PCA(2).fit_transform(X)
    assert latlas.trustworthiness(X, map, k=7) == \
        pytest.approx(their_trustworthiness(X, map, n_neighbors=7), abs=2e-3)


def test_sampled_scores_know_their_error(data):
    X, _ = data
    map = latlas.PCA(2).fit_transform(X)
    exact, sampled = latlas.recall(X, map), latlas.recall(X, map, exact_rows=20, sample_rows=50)
    assert exact.standard_error == 0 and exact.rows == len(X)
    assert sampled.standard_error > 0 and sampled.rows == 50 and "±" in repr(sampled)
    assert abs(sampled - exact) < 5 * sampled.standard_error


def test_labels_may_be_texts_numbers_and_categories(data):
    pandas = pytest.importorskip("pandas")
    X, labels = data
    texts = np.array(["a", "b", "c"])[labels]
    first = latlas.label_accuracy(X, labels)
    for other in (texts, texts.tolist(), labels.astype(float), pandas.Series(texts),
                  pandas.Categorical(texts), pandas.Series(texts, dtype="category")):
        assert latlas.label_accuracy(X, other) == first


@pytest.mark.parametrize("labels, sentence", [
    ([1, 2], "2 for 150 rows"), ([None] + ["a"] * 149, "row 0 .* has none"),
    ([1.0] * 149 + [math.nan], "row 149 .* has none"), (np.zeros((150, 2)), "2 dimensions")])
def test_bad_labels_are_refused(labels, sentence, data):
    with pytest.raises(ValueError, match=sentence):
        latlas.label_accuracy(data[0], labels)


def test_divergence_is_that_of_the_fit(data):
    X, _ = data
    fitted = latlas.TSNE(perplexity=10).fit(X)
    assert latlas.kl_divergence(X, fitted.embedding_, perplexity=10) == \
        pytest.approx(fitted.kl_divergence_, rel=1e-3)
    other = latlas.PCA(2).fit_transform(X)
    assert latlas.kl_divergence(X, other, perplexity=10) > fitted.kl_divergence_


def test_probes_read_labels_that_are_there(data):
    X, labels = data
    for score in (latlas.knn_accuracy, latlas.probe_accuracy):
        assert score(X[:100], labels[:100], X[100:], labels[100:]) > 0.95
        with pytest.raises(ValueError, match="test_labels: 3 for 50"):
            score(X[:100], labels[:100], X[100:], [1, 2, 3])


# --- parameters --------------------------------------------------------------------------------------

@pytest.mark.parametrize("step", ["autoencoder", "training", "neighbors", "pca", "tsne", "place",
                                  "umap", "evaluate", "probe", "synthetic"])
def test_parameters_explain_themselves(step):
    fields = latlas.parameters(step)
    assert fields and all(f["name"] and f["help"] for f in fields)


@pytest.mark.parametrize("name, struct, fixed", [
    ("TSNE", "tsne", {"seed", "dimensions"}), ("UMAP", "umap", {"seed"}),
    ("NearestNeighbors", "neighbors", set()), ("Autoencoder", "autoencoder", {"seed"}),
    ("Autoencoder", "training", {"seed"})])
def test_every_field_of_the_core_is_a_parameter(name, struct, fixed):
    estimator = getattr(latlas, name)
    fields = {f["name"] for f in latlas.parameters(struct)} - fixed
    assert set(estimator._fields[struct].values()) == fields
    assert set(estimator._fields[struct]) <= set(estimator().get_params())
    assert all(keyword in estimator.__doc__ for keyword in estimator().get_params())


# --- progress ----------------------------------------------------------------------------------------

def test_callbacks_hear_of_every_stage_and_may_stop(data):
    heard = []
    model = latlas.TSNE(perplexity=5, max_iter=500, stop_below=0,
                        callback=lambda r: heard.append(r) or (r.stage == "t-SNE" and r.step >= 100)).fit(data[0])
    assert model.n_iter_ == 100 and not model.converged_  # 0 to 100
    assert heard[-1].stage == "t-SNE" and heard[-1].of == 500 and heard[-1].loss > 0
    model = latlas.Autoencoder(epochs=50, callback=lambda r: r.val_loss == r.val_loss)
    model.fit(data[0], validation_data=data[0])
    assert model.n_iter_ < 50


def test_errors_of_callbacks_arrive(data):
    def callback(report):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        latlas.TSNE(perplexity=5, callback=callback).fit(data[0])


def test_a_stop_without_a_result_is_an_error(data):
    with pytest.raises(RuntimeError, match="stopped by the callback"):
        latlas.knn(data[0], 3, callback=lambda report: True)


@pytest.mark.parametrize("with_tqdm", [True, False])
def test_verbose_shows_progress(with_tqdm, data, capsys, monkeypatch):
    if with_tqdm:
        pytest.importorskip("tqdm")
    else:
        monkeypatch.setitem(__import__("sys").modules, "tqdm.auto", None)
    latlas.TSNE(perplexity=5, max_iter=100, verbose=1).fit(data[0])
    out, err = capsys.readouterr()
    assert "t-SNE" in (err if with_tqdm else out)


# --- files -------------------------------------------------------------------------------------------

def whole():
    return _safetensors.to_bytes({"a": np.arange(6, dtype=np.float32).reshape(2, 3)}, {"key": "é"})


def test_safetensors_come_back():
    tensors, metadata = _safetensors.parse(whole(), "file")
    assert tensors["a"].tolist() == [[0, 1, 2], [3, 4, 5]] and metadata == {"key": "é"}


def header(text, values=b""):
    return struct.pack("<Q", len(text)) + text + values


@pytest.mark.parametrize("damaged", [
    b"", b"\0" * 7, whole()[:20], whole()[:-1], header(b"no json"), header(b"[]"), header(b"{"),
    header(b'{"a": 3}'), header(b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}', b"1234"),
    header(b'{"a": {"dtype": "X9", "shape": [1], "data_offsets": [0, 4]}}', b"1234"),
    header(b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, -4]}}', b"1234"),
    header(b'{"a": {"dtype": "F32", "shape": ["x"], "data_offsets": [0, 4]}}', b"1234"),
    header(b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}}', b"1234"),
    header(b'{"a": {"dtype": "F32", "shape": [1e9], "data_offsets": [0, 4]}}', b"1234"),
    header(b'{"__metadata__": []}'), header(b'{"__metadata__": {"format": 3}}'),
    struct.pack("<Q", 2**63) + b"{}", header(b"[" * 100000)])
def test_damaged_files_are_refused(damaged, tmp_path):
    (tmp_path / "file").write_bytes(damaged)
    with pytest.raises(OSError, match="file"):
        latlas.load(tmp_path / "file")


def test_an_estimator_of_another_kind_is_refused(data, tmp_path):
    path = tmp_path / "pca"
    path.write_bytes(_safetensors.to_bytes({}, {"format": "latlas estimator 2", "class": "os.system",
                                                "state": "{}"}))
    with pytest.raises(OSError, match="no estimator"):
        latlas.load(path)
    for state in ('{"x": {"tensor": "gone"}}', "[1]", '{"x": {"float": "0x1p99999"}}',
                  '{"x": ' + "[" * 5000 + "]" * 5000 + "}"):
        path.write_bytes(_safetensors.to_bytes({}, {"format": "latlas estimator 2", "class": "PCA",
                                                    "state": state}))
        with pytest.raises(OSError, match="damaged"):
            latlas.load(path)


@pytest.mark.parametrize("about", ["{", "[]", '{"params": 3}', '{"history": 3}', '{"params": {"latent": {}}}'])
def test_a_model_with_damaged_parameters_is_refused(about, data, tmp_path):
    model = latlas.Autoencoder(latent=2, epochs=1).fit(data[0])
    (tmp_path / "model").write_bytes(model._model.to_bytes({"python": about}))
    with pytest.raises(OSError, match="model: its parameters are damaged"):
        latlas.load(tmp_path / "model")


def test_an_estimator_that_cannot_be_written_says_why(data, tmp_path):
    model = latlas.TSNE(perplexity=5, max_iter=20, callback=lambda report: False).fit(data[0])
    with pytest.raises(ValueError, match="callback is .* cannot be written"):
        model.save(tmp_path / "map")
    assert not list(tmp_path.iterdir())


# --- datasets and runs -------------------------------------------------------------------------------

def test_datasets_are_found_or_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("LATLAS_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(OSError, match=r"load_dataset\('mnist', fetch=True\)"):
        latlas.load_dataset("mnist")
    with pytest.raises(ValueError, match="did you mean 'mnist'"):
        latlas.load_dataset("mnits")
    found = latlas.load_dataset("mnist", or_synthetic=True, train=30, test=20)
    assert found.name == "synthetic" and found.train.shape == (30, 784)
    assert found.train.dtype == np.uint8 and len(found.test_labels) == 20
    assert "30 training and 20 test images" in repr(found)


def test_downloads_are_known_by_their_sha256(tmp_path, monkeypatch):
    import hashlib
    import http.server
    import threading

    from latlas import _datasets

    content = bytes(range(256)) * 1000

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            begin = int((self.headers.get("Range") or "bytes=0-")[6:-1])
            self.send_response(206 if begin else 200)
            self.end_headers()
            self.wfile.write({"/right": content, "/other": content[::-1],
                              "/broken": content[:5000]}.get(self.path, b"wrong" + bytes(begin))[begin:])

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        base = f"http://127.0.0.1:{server.server_port}"
        digest, target = hashlib.sha256(content).hexdigest(), str(tmp_path / "file")
        with pytest.raises(OSError, match="served other bytes"):
            _datasets._fetch_file([f"{base}/other"], target, len(content), digest)
        assert not list(tmp_path.iterdir())
        with pytest.raises(OSError, match="ended after 5000 of 256000 bytes"):
            _datasets._fetch_file([f"{base}/broken"], target, len(content), digest)
        assert (tmp_path / "file.part").read_bytes() == content[:5000]  # an interrupted attempt
        _datasets._fetch_file([f"{base}/wrong-host", f"{base}/right"], target, len(content), digest)
        assert (tmp_path / "file").read_bytes() == content
    finally:
        server.shutdown()


def test_mnist_where_it_is_at_hand():
    if _core.find_dataset("mnist") is None:
        pytest.skip("MNIST is not on this machine")
    mnist = latlas.load_dataset("mnist", train=100)
    assert mnist.train.shape == (100, 784) and mnist.test.shape == (10000, 784)
    assert mnist.class_names == [str(i) for i in range(10)]


def make_run(folder, data):
    X, labels = data
    latlas.Autoencoder(latent=3, epochs=2).fit(X).save(folder / "model.safetensors")
    (folder / "manifest.json").write_text(json.dumps({"seed": 0}))
    (folder / "metrics.json").write_text(json.dumps({"tsne": {"kl": 1.5}}))
    (folder / "recipe.toml").write_text("seed = 0\n")
    (folder / "history.csv").write_text("epoch,loss,val_loss,seconds\n1,0.5,0.6,0.1\n2,0.4,0.5,0.1\n")
    np.save(folder / "tsne_train.npy", X[:, :2])
    np.save(folder / "labels_train.npy", labels.astype(np.uint8))


def test_runs_are_read(tmp_path, data):
    make_run(tmp_path, data)
    run = latlas.read_run(tmp_path)
    assert run.metrics["tsne"]["kl"] == 1.5 and run.manifest == {"seed": 0}
    assert run.history["val_loss"] == [0.6, 0.5] and "seed" in run.recipe
    assert np.array_equal(run.tsne_train, data[0][:, :2]) and run.arrays == ["labels_train",
                                                                              "tsne_train"]
    assert run.model.transform(data[0]).shape == (150, 3)
    with pytest.raises(AttributeError, match="no array 'umap_train'; it has labels_train"):
        run.umap_train
    with pytest.raises(OSError, match="no run directory"):
        latlas.read_run(tmp_path / "elsewhere")
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(OSError, match="manifest.json: is no JSON"):
        latlas.read_run(tmp_path)
    np.save(tmp_path / "evil.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(OSError, match="evil"):
        run.evil


# --- tables ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_tables_come_in_and_maps_go_out(ending, tmp_path, data):
    pandas = pytest.importorskip("pandas")
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    X, labels = data
    frame = latlas.map_frame(X[:, :3], labels, name=[f"row {i}" for i in range(len(X))])
    assert list(frame) == ["x", "y", "z", "label", "name"]
    path = tmp_path / f"map.{ending}"
    latlas.write_map(path, X[:, :2], labels)
    rows, found = latlas.read_table(path, label="label")
    assert np.allclose(rows, X[:, :2]) and (np.asarray(found) == labels).all()
    assert latlas.read_table(path, columns=["y"])[0].shape == (150, 1)
    with pytest.raises(OSError, match="no column 'z'; it has x, y, label"):
        latlas.read_table(path, columns=["z"])
    assert isinstance(found, pandas.Series)


def test_arrays_are_tables_too(tmp_path, data):
    latlas.write_map(tmp_path / "map.npy", data[0][:, :2])
    assert np.array_equal(latlas.read_table(tmp_path / "map.npy")[0], data[0][:, :2])
    with pytest.raises(ValueError, match="no named columns"):
        latlas.read_table(tmp_path / "map.npy", label="x")
    with pytest.raises(ValueError, match="are known"):
        latlas.write_map(tmp_path / "map.xlsx", data[0][:, :2])


def test_anndata_is_written_as_scanpy_writes_it(data):
    anndata = pytest.importorskip("anndata")
    X, _ = data
    adata = anndata.AnnData(X.copy())
    assert latlas.tl.pca(adata, n_comps=4) is None and adata.obsm["X_pca"].shape == (150, 4)
    latlas.tl.tsne(adata, perplexity=10, max_iter=50)
    assert adata.obsm["X_tsne"].shape == (150, 2) and adata.uns["tsne"]["params"]["use_rep"] == "X_pca"
    other = latlas.tl.umap(adata, use_rep="X", n_epochs=20, init="pca", copy=True)
    assert "X_umap" in other.obsm and "X_umap" not in adata.obsm
    with pytest.raises(ValueError, match="no 'X_other'"):
        latlas.tl.tsne(adata, use_rep="X_other")


def test_anndata_is_written_whatever_scikit_learn_is_set_to(data):
    anndata = pytest.importorskip("anndata")
    pytest.importorskip("pandas")
    adata = anndata.AnnData(data[0].copy())
    with sklearn.config_context(transform_output="pandas"):
        latlas.tl.pca(adata)
        latlas.tl.tsne(adata, perplexity=10, max_iter=10)
        latlas.tl.umap(adata, n_epochs=5, a=1.5, b=0.9)
    assert adata.obsm["X_pca"].shape == (150, 5)
    assert all(isinstance(adata.obsm[f"X_{name}"], np.ndarray) for name in ("pca", "tsne", "umap"))
    assert adata.uns["umap"]["params"]["a"] == 1.5


def test_anndata_pca_takes_the_flagged_genes(data):
    anndata = pytest.importorskip("anndata")
    X, _ = data
    adata = anndata.AnnData(X.copy())
    latlas.tl.pca(adata, n_comps=3)
    whole = latlas.PCA(3).fit(X)
    assert np.allclose(adata.varm["PCs"], whole.components_.T)
    assert np.array_equal(adata.obsm["X_pca"], whole.transform(X))
    adata.var["highly_variable"] = np.arange(X.shape[1]) != 2
    latlas.tl.pca(adata, n_comps=3)
    some = latlas.PCA(3).fit(X[:, [0, 1, 3, 4, 5]])
    assert (adata.varm["PCs"][2] == 0).all() and np.array_equal(adata.obsm["X_pca"],
                                                                some.transform(X[:, [0, 1, 3, 4, 5]]))
    assert adata.uns["pca"]["params"]["mask_var"] == "highly_variable"
    other = latlas.tl.pca(adata, n_comps=3, mask_var=None, key_added="all", copy=True)
    assert np.array_equal(other.obsm["all"], whole.transform(X)) and "all" not in adata.obsm
    assert np.allclose(other.varm["all"], whole.components_.T)
    adata.layers["counts"] = X[:, ::-1].copy()
    latlas.tl.pca(adata, n_comps=3, layer="counts", mask_var=None)
    assert np.array_equal(adata.obsm["X_pca"], latlas.PCA(3).fit_transform(X[:, ::-1]))
    assert adata.uns["pca"]["params"]["layer"] == "counts"
    latlas.tl.pca(adata, n_comps=3, svd_solver="arpack", random_state=1, mask_var=None)
    assert np.array_equal(adata.obsm["X_pca"], whole.transform(X))
    with pytest.raises(ValueError, match="zero_center is False, it can only be True"):
        latlas.tl.pca(adata, zero_center=False)
    with pytest.raises(ValueError, match="adata.layers has no 'raw'; it has counts"):
        latlas.tl.pca(adata, layer="raw")
    for wrong, sentence in (("missing", "no 'missing'"), (np.zeros(6, bool), "one at least"),
                            (np.ones(4, bool), "6 truth values"), (np.arange(6), "type int64")):
        with pytest.raises(ValueError, match=sentence):
            latlas.tl.pca(adata, mask_var=wrong)


def neighbors_of_scanpy(adata, k, key="neighbors", metric="euclidean"):
    """What sc.pp.neighbors leaves: of each row the k nearest, in no order, and here one more of row 0
    and row 1 itself."""
    from scipy.sparse import csr_matrix

    n = adata.n_obs
    graph = csr_matrix((n, n)).tolil()
    distances, indices = latlas.knn(adata.X, k + 1, metric=metric)
    for row in range(n):
        for near in range(k + (row == 0))[::-1]:
            graph[row, indices[row, near]] = distances[row, near]
    graph = graph.tocsr()
    graph = graph + csr_matrix(([1e-30], ([1], [1])), shape=(n, n))
    adata.obsp[f"{key}_distances"] = graph
    adata.uns[key] = {"distances_key": f"{key}_distances", "connectivities_key": "not read",
                      "params": {"n_neighbors": k + 1, "method": "umap", "metric": metric}}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_anndata_maps_take_the_neighbors_that_scanpy_found(metric, data):
    anndata = pytest.importorskip("anndata")
    given, own = anndata.AnnData(data[0].copy()), anndata.AnnData(data[0].copy())
    neighbors_of_scanpy(given, 24, "mine", metric)
    few = {"perplexity": 8, "max_iter": 60}
    latlas.tl.tsne(given, neighbors_key="mine", **few)
    latlas.tl.tsne(own, metric=metric, **few)
    assert np.array_equal(given.obsm["X_tsne"], own.obsm["X_tsne"])
    assert given.uns["tsne"]["params"]["neighbors_key"] == "mine"
    assert given.uns["tsne"]["params"]["metric"] == metric
    latlas.tl.umap(given, neighbors_key="mine", maxiter=20, gamma=2.0, init_pos="X_tsne")
    latlas.tl.umap(own, n_neighbors=25, n_epochs=20, repulsion_strength=2.0, metric=metric,
                   init=own.obsm["X_tsne"])
    assert np.array_equal(given.obsm["X_umap"], own.obsm["X_umap"])
    for more, sentence in (({"neighbors_key": "other"}, "no 'other'; run sc.pp.neighbors"),
                           ({"neighbors_key": "mine", "use_rep": "X"}, "leave out use_rep"),
                           ({"neighbors_key": "mine", "perplexity": 30}, "90 neighbors")):
        with pytest.raises(ValueError, match=sentence):
            latlas.tl.tsne(given, **more)
    fewer = given[::2].copy()  # takes the neighbors that were left out away
    with pytest.raises(ValueError, match=r"cell \d+ has \d+ of 24 neighbors .* sc.pp.neighbors again"):
        latlas.tl.umap(fewer, neighbors_key="mine")
    del given.obsp["mine_distances"]
    with pytest.raises(ValueError, match="adata.obsp has no 'mine_distances'"):
        latlas.tl.tsne(given, neighbors_key="mine")


@pytest.mark.filterwarnings("ignore")
def test_anndata_maps_read_layers(data):
    anndata = pytest.importorskip("anndata")
    adata = anndata.AnnData(data[0].copy())
    adata.layers["other"] = data[0][:, ::-1] * np.float32(2)
    latlas.tl.tsne(adata, layer="other", perplexity=8, max_iter=50)
    assert np.array_equal(adata.obsm["X_tsne"], latlas.TSNE(perplexity=8, max_iter=50, random_state=0)
                          .fit_transform(np.ascontiguousarray(adata.layers["other"])))
    assert adata.uns["tsne"]["params"]["layer"] == "other"
    latlas.tl.umap(adata, layer="other", n_epochs=5)
    assert adata.uns["umap"]["params"]["layer"] == "other"
    for more, sentence in (({"layer": "none"}, "layers has no 'none'; it has other"),
                           ({"layer": "other", "use_rep": "X_tsne"}, "takes the place of X")):
        with pytest.raises(ValueError, match=sentence):
            latlas.tl.umap(adata, **more)


@pytest.mark.parametrize("name", latlas.tl.__all__)
def test_what_is_no_anndata_is_refused(name, data):
    pandas = pytest.importorskip("pandas")
    for rows in (pandas.DataFrame(data[0]), data[0]):
        with pytest.raises(ValueError, match=f"^tl.{name}: adata is a .*, it must be an AnnData; .* "
                                             f"latlas.{name.upper()}$"):
            getattr(latlas.tl, name)(rows)


# --- figures -----------------------------------------------------------------------------------------

@pytest.fixture
def figure():
    plt = pytest.importorskip("matplotlib.pyplot")
    yield plt
    plt.close("all")


def test_plot_gives_up_on_names_when_the_map_is_full(figure, data):
    import matplotlib.pyplot as plt

    rows = np.random.RandomState(0).rand(400, 2)
    _, ax = plt.subplots(figsize=(3, 2))
    latlas.plot(rows, [f"a rather long name, number {i}" for i in range(400)], ax=ax)
    assert 1 <= len(ax.texts) <= 120
    assert f"{400 - len(ax.texts)} names found no room" in ax.get_xlabel()
    with pytest.raises(ValueError, match="map has no rows"):
        latlas.plot(rows[:0])


def test_plot_keeps_the_ends_of_long_names(figure, data):
    rows = np.repeat([[0.0, 0.0], [9.0, 9.0]], 20, axis=0)
    ax = latlas.plot(rows, ["x" * 60 + str(i // 20) for i in range(40)])
    names = sorted(t.get_text() for t in ax.texts)
    assert [n[-2:] for n in names] == ["x0", "x1"] and all("…" in n and len(n) == 40 for n in names)


def test_names_stand_at_the_densest_place_of_their_category(figure, data):
    X, labels = data
    map = latlas.PCA(2).fit_transform(X)
    ax = latlas.plot(map, labels, names=["ant", "bee", "cat"], title="Insects, and a cat")
    texts = {t.get_text(): t.get_position() for t in ax.texts}
    for label, name in enumerate(["ant", "bee", "cat"]):
        distance = np.linalg.norm(map - texts[name], axis=1)
        assert labels[np.argsort(distance)[:5]].tolist().count(label) >= 4, name
    assert ax.get_title("left") == "Insects, and a cat"


def test_many_points_become_one_picture_in_which_every_category_is_seen(figure):
    draw = np.random.RandomState(0)
    map = draw.randn(20000, 2)
    labels = np.where(draw.rand(20000) < 0.001, 1, 0)
    map[labels == 1] += 6  # some twenty points beside twenty thousand
    ax = latlas.plot(map, labels)
    (image,) = ax.images
    picture = np.asarray(image.get_array())
    red = (picture[..., 0] > 180) & (picture[..., 2] < 60) & (picture[..., 3] > 60)
    assert red.any() and not ax.collections
    assert picture[..., 3].max() > 200


def test_coverage_holds_the_ink_of_every_dot():
    from latlas import _plot

    x, y = np.array([20.3, 40.0]), np.array([25.9, 30.5])
    for radius in (0.6, 1.7, 4.0):
        pixels, ink = _plot._coverage(x, y, 80, 60, radius)
        assert ink.sum() == pytest.approx(2 * math.pi * radius**2, rel=1e-9)
        assert len(np.unique(pixels)) == len(pixels) and (ink > 0).all()
        # The same from the pass over the whole picture that many dots take.
        many = np.tile(x, 400), np.tile(y, 400)
        again, inks = _plot._coverage(*many, 80, 60, radius)
        assert np.array_equal(again, pixels) and np.allclose(inks, 400 * ink)


def test_test_points_are_rings(figure, data):
    X, labels = data
    map = latlas.PCA(2).fit_transform(X)
    ax = latlas.plot(map, labels, test=map[:30], test_labels=labels[:30])
    rings = [c for c in ax.collections if len(c.get_facecolors()) == 0]
    assert len(rings) == 1 and len(rings[0].get_offsets()) == 30
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["training (150)", "test (30)"]


def test_figures_stand_on_axes_that_are_given(figure, data):
    X, labels = data
    _, axes = figure.subplots(2, 2)
    assert latlas.plot(X, ax=axes[0, 0]) is axes[0, 0]
    assert latlas.plot(X, test=X[:9] + 1, ax=axes[0, 1]) is axes[0, 1]
    assert latlas.plot_history({"loss": [3, 2], "val_loss": [3.1, 2.0]}, ax=axes[1, 0]) is axes[1, 0]
    assert latlas.plot_variance([0.5, 0.3], ax=axes[1, 1]) is axes[1, 1]
    images = np.random.rand(6, 64)
    assert latlas.plot_images(images, images, height=8, width=8).images


@pytest.mark.parametrize("arguments, sentence", [
    ({"labels": [1]}, "labels: 1 for 150"), ({"test": np.zeros((3, 1))}, "test has 1 columns"),
    ({"labels": np.zeros(150), "test": np.zeros((3, 2)), "test_labels": [1]}, "test_labels: 1 for 3"),
    ({"labels": np.arange(150), "names": ["a"]}, "names: 1"),
    ({"labels": np.arange(150) % 3, "colors": ["red"]}, "colors: 1 for 3"),
    ({"map": np.full((4, 2), np.nan)}, "row 0")])
def test_figures_refuse_what_does_not_fit(figure, arguments, sentence, data):
    with pytest.raises(ValueError, match=sentence):
        latlas.plot(**{"map": data[0][:, :2], **arguments})


@pytest.mark.parametrize("queries", [None, 7])
def test_knn_by_inner_product_gives_the_largest_products(queries):
    rows = np.random.RandomState(0).randn(60, 5).astype(np.float32)
    asked = rows if queries is None else rows[:queries] + 1
    distances, indices = latlas.knn(rows, 4, queries=None if queries is None else asked,
                                    metric="inner_product")
    products = asked.astype(float) @ rows.T.astype(float)
    if queries is None:
        np.fill_diagonal(products, -np.inf)
    assert np.array_equal(indices, np.argsort(-products, axis=1)[:, :4])
    assert np.allclose(distances, -np.take_along_axis(products, indices, 1), rtol=1e-6)


@pytest.mark.parametrize("estimator", [latlas.TSNE, latlas.UMAP])
def test_no_map_is_made_of_inner_products(estimator, data):
    with pytest.raises(ValueError, match="since weights are made of distances"):
        estimator(metric="inner_product").fit(data[0])


def test_scores_under_cosine_are_those_of_rows_of_norm_one(data):
    rows, labels = data
    draw = np.random.RandomState(3)
    stretched = (rows * draw.choice([0.25, 1, 16], size=(len(rows), 1))).astype(np.float32)  # exact
    unit = (rows / np.linalg.norm(rows.astype(float), axis=1, keepdims=True)).astype(np.float32)
    map = latlas.PCA(2).fit_transform(rows)
    for score in (latlas.trustworthiness, latlas.continuity, latlas.recall, latlas.spearman):
        assert score(rows, map, metric="cosine") == score(stretched, map, metric="cosine")
        assert score(rows, map, metric="cosine") == pytest.approx(score(unit, map), abs=2e-3)
        assert score(stretched, map) != score(stretched, map, metric="cosine")
    both = latlas.evaluate_map(stretched, map, labels, metric="cosine")
    assert both["recall"] == latlas.recall(rows, map, metric="cosine")
    with pytest.raises(ValueError, match="metric"):
        latlas.recall(rows, map, metric="manhattan")
    with pytest.raises(ValueError, match="norm 0"):
        latlas.recall(np.vstack([rows, 0 * rows[:1]]), np.vstack([map, map[:1]]), metric="cosine")


@pytest.mark.parametrize("caller, call", [
    ("TSNE", lambda X, **given: latlas.TSNE(perplexity=5, **given).fit(X)),
    ("UMAP", lambda X, **given: latlas.UMAP(**given).fit(X)),
    ("NearestNeighbors", lambda X, **given: latlas.NearestNeighbors(**given).fit(X)),
    ("knn", lambda X, **given: latlas.knn(X, 3, **given)),
    ("knn_recall", lambda X, **given: latlas.knn_recall(latlas.knn(X, 3), X, **given)),
    ("novelty", lambda X, **given: latlas.novelty(X, X, **given)),
    ("recall", lambda X, **given: latlas.recall(X, X[:, :2], **given)),
    ("evaluate_map", lambda X, **given: latlas.evaluate_map(X, X[:, :2], **given)),
    ("kl_divergence", lambda X, **given: latlas.kl_divergence(X, X[:, :2], **given))])
@pytest.mark.parametrize("metric", ["euclidian", 3, None])
def test_errors_about_metrics_name_the_caller(caller, call, metric, data):
    sentence = f"metric is {metric!r}, it must be"
    if caller in ("TSNE", "UMAP") and metric == "euclidian":
        sentence = "metric: 'euclidian' is unknown; did you mean 'euclidean'?"
    with pytest.raises(ValueError) as raised:
        call(data[0], metric=metric)
    assert str(raised.value).startswith(f"{caller}: {sentence}")


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_strangers_are_far_from_everything(metric, data):
    rows = data[0]
    like = rows + 0.05 * np.random.RandomState(1).randn(*rows.shape).astype(np.float32)
    away = -40 * rows[:1] if metric == "cosine" else rows[:1] + 500
    found = latlas.novelty(rows, np.vstack([like, away]), metric=metric)
    assert found.far.dtype == bool and found.far[-1] and found.far[:-1].mean() < 0.05
    assert found.distance[-1] > found.distance_limit > 1 and found.density.shape == (len(rows) + 1,)
    assert np.array_equal(found.far, (found.distance > found.distance_limit)
                          | (found.density > found.density_limit))
    alone = latlas.novelty(rows, away, metric=metric)  # whoever comes along
    assert alone.distance[0] == found.distance[-1] and alone.density[0] == found.density[-1]
    assert latlas.novelty(rows, like, metric=metric, quantile=0.5).far.sum() > found.far.sum()
    assert len(latlas.novelty(rows, rows[:0], metric=metric).far) == 0


@pytest.mark.parametrize("arguments, sentence", [
    ({"metric": "inner_product"}, "no distance"), ({"metric": "manhattan"}, "metric"),
    ({"k": 0}, "k is 0"), ({"quantile": 2}, "quantile"), ({"train": np.ones((1, 6))}, "2 or more"),
    ({"new": np.full((2, 6), np.nan)}, "row 0"), ({"new": np.ones((2, 5))}, "5")])
def test_novelty_refuses(arguments, sentence, data):
    with pytest.raises(ValueError, match=sentence):
        latlas.novelty(**{"train": data[0], "new": data[0], **arguments})


def test_the_recall_of_graphs_of_any_origin(data):
    rows = data[0]
    distances, indices = latlas.knn(rows, 8)
    assert latlas.knn_recall((distances, indices), rows) == 1
    distances2, indices2 = latlas.knn(rows, 10)  # of the true eight these lack the two nearest
    worse = latlas.knn_recall((distances2[:, 2:], indices2[:, 2:]), rows)
    assert worse == pytest.approx(6 / 8) and worse.standard_error == 0 and worse.rows == len(rows)
    sampled = latlas.knn_recall((distances, indices), rows, sample=20)
    assert sampled == 1 and sampled.rows == 20
    with pytest.raises(ValueError, match="row 3"):
        latlas.knn_recall((np.where(np.arange(len(rows))[:, None] == 3, distances[:, ::-1], distances),
                           indices), rows)
    with pytest.raises(ValueError, match="distances, indices"):
        latlas.knn_recall((indices, distances), rows)


# --- figures of what people have ----------------------------------------------------------------------

def offsets_of(ax):
    return np.concatenate([c.get_offsets() for c in ax.collections])


def test_numbers_color_a_map_with_a_bar(figure, data):
    map = latlas.PCA(2).fit_transform(data[0])
    values = map[:, 0].astype(float)
    values[:5] = np.nan
    ax = latlas.plot(map, values=values)
    dots, bar = ax.collections[0], ax.figure.axes[1]
    low, high = bar.get_ylim()
    assert low == pytest.approx(np.nanmin(values)) and high == pytest.approx(np.nanmax(values))
    left = dots.get_offsets()[:, 0]
    colors = dots.get_facecolors()[:, :3]
    known = ~np.isin(left, map[:5, 0])
    from matplotlib import colormaps
    expected = colormaps["viridis"]((left - low) / (high - low))[:, :3]
    assert np.allclose(colors[known], expected[known], atol=0.02)
    assert len(np.unique(colors[~known], axis=0)) == 1  # the gray of those without a number


def colors_by_label(ax, map, labels):
    """The color of the dots of each label, which they share."""
    dots = ax.collections[0]
    place = {tuple(at): i for i, at in enumerate(np.float32(map))}
    own = labels[[place[tuple(np.float32(at))] for at in dots.get_offsets()]]
    found = [np.unique(dots.get_facecolors()[own == label, :3], axis=0) for label in np.unique(labels)]
    assert all(len(colors) == 1 for colors in found)
    return np.concatenate(found)


@pytest.mark.parametrize("cmap, places", [
    ("viridis", [0.0, 0.5, 1.0]), ("plasma_r", [0.0, 0.5, 1.0]), ("hsv", [0.0, 1 / 3, 2 / 3]),
    ("tab10", [0, 1, 2])])  # a list of few colors, by number
def test_categories_take_the_colors_of_a_colormap(figure, cmap, places, data):
    from matplotlib import colormaps

    map, labels = latlas.PCA(2).fit_transform(data[0]), data[1]
    wanted = np.array([colormaps[cmap](place)[:3] for place in places])
    for given in (cmap, colormaps[cmap]):
        found = colors_by_label(latlas.plot(map, labels, cmap=given), map, labels)
        assert np.allclose(found, wanted, atol=1 / 250)
    many = np.arange(150) % 23  # tab10's ten colors again, darker and lighter
    assert len(np.unique(colors_by_label(latlas.plot(map, many, cmap=cmap), map, many), axis=0)) == 23


def test_sizes_of_dots_are_those_of_matplotlib(figure, data):
    map = latlas.PCA(2).fit_transform(data[0])
    assert latlas.plot(map, s=36).collections[0].get_sizes() == [36]
    assert latlas.plot(map, radius=3).collections[0].get_sizes() == [36]


@pytest.mark.parametrize("arguments, sentence", [
    ({"cmap": "nope"}, "'nope' is not a valid"), ({"cmap": "tab10", "colors": ["red"] * 3}, "give one"),
    ({"s": 3, "radius": 1}, "give one"), ({"s": 0}, "s is 0, it must be one number above 0"),
    ({"s": [1] * 150}, "one number"), ({"radius": "big"}, "radius is 'big'"),
    ({"map": np.zeros((150, 1))}, "map has 1 columns, a picture needs 2; .* histogram")])
def test_figures_refuse_what_they_cannot_draw(figure, arguments, sentence, data):
    with pytest.raises(ValueError, match=sentence):
        latlas.plot(**{"map": data[0], "labels": data[1], **arguments})


def test_axes_of_three_dimensions_are_refused(figure, data):
    with pytest.raises(ValueError, match="plot draws in two"):
        latlas.plot(data[0][:, :3], ax=figure.figure().add_subplot(projection="3d"))


def test_many_numbers_are_a_picture_of_means(figure):
    draw = np.random.RandomState(0)
    map = draw.rand(6000, 2).astype(np.float32)
    image = latlas.plot(map, values=map[:, 0], cmap="gray").images[0].get_array()
    inked = image[:, :, 3] > 100
    columns = np.tile(np.arange(image.shape[1]), (image.shape[0], 1))[inked]
    shades = image[:, :, 0][inked].astype(float)
    assert np.corrcoef(columns, shades)[0, 1] > 0.98


def test_rows_without_a_label_are_gray(figure, data):
    pandas = pytest.importorskip("pandas")
    map, labels = latlas.PCA(2).fit_transform(data[0]), data[1]
    texts = np.array(["a", "b", "c"])[labels]
    for given in ([None, *texts[1:]], pandas.Series([pandas.NA, *texts[1:]], dtype="string"),
                  pandas.Categorical([None, *texts[1:]]), np.r_[np.nan, labels[1:]]):
        ax = latlas.plot(map, given, show_names=False)
        here = np.argmin(np.abs(offsets_of(ax) - map[0]).sum(axis=1))
        red, green, blue = ax.collections[0].get_facecolors()[here][:3]
        assert max(red, green, blue) - min(red, green, blue) < 0.1
        assert len(ax.get_legend().get_texts()) == 3
    with pytest.raises(ValueError, match="row 0"):  # scores need them all
        latlas.label_accuracy(map, [None, *texts[1:]])


def test_polars_labels_are_labels(figure, data):
    polars = pytest.importorskip("polars")
    map, labels = latlas.PCA(2).fit_transform(data[0]), data[1]
    texts = np.array(["b", "a", "c"])[labels]
    for series in (polars.Series(labels), polars.Series(texts),
                   polars.Series(texts, dtype=polars.Categorical)):
        assert latlas.label_accuracy(map, series) == latlas.label_accuracy(map, labels)
        latlas.plot(map, series)


def test_test_points_need_no_labels_and_stay_seen(figure, data):
    map, labels = latlas.PCA(2).fit_transform(data[0]), data[1]
    ax = latlas.plot(map, labels, test=map[:30] + 0.1)
    assert len(ax.collections) == 2 and len(ax.collections[1].get_offsets()) == 30
    ax = latlas.plot(map, labels, test=map[:30], test_labels=np.full(30, 7))  # a class of their own
    assert len(ax.collections[1].get_offsets()) == 30
    # Without labels they lie on top, however many training points there are.
    draw = np.random.RandomState(0)
    images = latlas.plot(draw.randn(20000, 2), test=draw.randn(500, 2)).images
    assert len(images) == 2
    orange = images[1].get_array()
    assert (orange[orange[:, :, 3] > 0][:, 0] > 200).all()


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_texts_stand_out_from_the_page(figure, style, data):
    from matplotlib import colors as mc

    map, labels = latlas.PCA(2).fit_transform(data[0]), data[1]

    def lightness(color):
        return float(np.dot(mc.to_rgb(color), (0.2126, 0.7152, 0.0722)))
    with figure.style.context(style):
        for ax in (latlas.plot(map, labels, title="Title", footnote="note"),
                   latlas.plot_history({"loss": [3, 2]}, title="Title"),
                   latlas.plot_variance([0.5, 0.3], title="Title")):
            page = lightness(ax.get_facecolor())
            for text in (*ax.texts, ax._left_title):
                assert abs(lightness(text.get_color()) - page) > 0.35, text
            assert abs(lightness(ax.spines["bottom"].get_edgecolor()) - page) < 0.45  # and lines do not


def test_long_texts_break_and_dollars_are_dollars(figure, data):
    map, labels = latlas.PCA(2).fit_transform(data[0]), data[1]
    fig, axes = figure.subplots(1, 2, figsize=(10, 4), layout="constrained")
    ax = latlas.plot(map, labels, names=["US$ 1 to US$ 2", "$^$", "c"], ax=axes[0], title="word " * 40,
                     footnote="note " * 40)
    fig.canvas.draw()
    for text in (ax._left_title, ax.xaxis.label):
        box = text.get_window_extent()
        assert box.x1 <= fig.bbox.x1 and box.x1 < axes[1].get_window_extent().x0 + 5, text
    assert {t.get_text() for t in ax.texts} >= {"US$ 1 to US$ 2", "$^$"}
    assert all(t.get_clip_on() for t in ax.texts)


def test_charts_count_in_whole_numbers(figure):
    ax = latlas.plot_history({"loss": [3.0]})
    assert ax.lines[0].get_marker() == "o"
    for ax in (latlas.plot_history({"loss": [3, 2, 1]}), latlas.plot_variance([0.5, 0.3])):
        ax.figure.canvas.draw()
        assert all(float(t).is_integer() for t in ax.get_xticks())


@pytest.mark.parametrize("arguments, sentence", [
    ({"labels": np.linspace(0, 1, 150)}, "color by number with values="),
    ({"values": np.arange(149)}, "149 for 150"),
    ({"values": np.arange(150), "labels": np.arange(150) % 2}, "give one"),
    ({"values": ["a"] * 150}, "one number a point"),
    ({"values": np.full(150, np.inf)}, "row 0")])
def test_figures_refuse_colors_that_mean_nothing(figure, arguments, sentence, data):
    with pytest.raises(ValueError, match=sentence):
        latlas.plot(data[0][:, :2], **arguments)
    with pytest.raises(ValueError, match="fractions"):
        latlas.plot_images(np.full((3, 64), 99.0), height=8, width=8)
    assert latlas.plot_images(np.full((3, 64), 255), height=8, width=8).images[0].get_array().max() == 1


# --- what other libraries' callers pass ---------------------------------------------------------------

def test_arguments_of_namesakes_that_change_nothing_are_taken(data):
    X = data[0]
    plain = latlas.PCA(2).fit_transform(X)
    given = latlas.PCA(n_components=2, random_state=0, svd_solver="full", copy=True, tol=0.0)
    assert np.array_equal(plain, given.fit_transform(X))
    latlas.UMAP(n_components=2, low_memory=True, densmap=False, output_metric="euclidean", n_epochs=2,
                transform_seed=7).fit(X)
    latlas.NearestNeighbors(algorithm="brute", p=2).fit(X)
    for call, sentence in ((lambda: latlas.UMAP(n_components=3).fit(X), "it can only be 2"),
                           (lambda: latlas.UMAP(n_neighbors=None).fit(X), "n_neighbors is None"),
                           (lambda: latlas.UMAP(min_dist=None).fit(X), "min_dist is None"),
                           (lambda: latlas.UMAP(a=1.5).fit(X), "give both or none"),
                           (lambda: latlas.TSNE(perplexity=None).fit(X), "perplexity is None"),
                           (lambda: latlas.NearestNeighbors(None).fit(X), "n_neighbors is None"),
                           (lambda: latlas.NearestNeighbors(search="x").fit(X), "search is 'x'"),
                           (lambda: latlas.PCA(svd_solver="magic").fit(X), "svd_solver is 'magic'"),
                           (lambda: latlas.knn(X, 5, k=3), "'k' is unknown"),
                           (lambda: latlas.parameters("tnse"), "known are .*tsne"),
                           (lambda: latlas.PCA(2).fit(X).inverse_transform([1, 2]), "2: rows and columns"),
                           (lambda: latlas.PCA(2).fit(X).inverse_transform(X), "2 components"),
                           (lambda: latlas.PCA(2).fit(X).inverse_transform(1j * plain), "complex")):
        with pytest.raises(ValueError, match=sentence):
            call()


def test_given_neighbors_come_nearest_first(data):
    X = data[0]
    distances, indices = latlas.knn(X, 30)
    for estimator in (latlas.TSNE(perplexity=10, max_iter=10), latlas.UMAP(n_epochs=5)):
        with pytest.raises(ValueError, match="row 0 .* do not ascend"):
            estimator.fit(X, neighbors=(distances[:, ::-1], indices[:, ::-1]))


def test_a_callback_may_answer_in_numpys_truth(data):
    seen = []

    def stop(report):
        seen.append(report.step if report.stage == "t-SNE" else 0)
        return report.stage == "t-SNE" and np.float64(report.step) >= 50
    model = latlas.TSNE(perplexity=10, stop_below=0, max_iter=400, callback=stop).fit(data[0])
    assert model.n_iter_ < 100 and max(seen) < 100


def test_a_bar_that_ended_by_its_rule_is_full(data, monkeypatch):
    tqdm = pytest.importorskip("tqdm.auto")
    bars = []

    class Bar(tqdm.tqdm):
        def __init__(self, *arguments, **keywords):
            bars.append(self)
            super().__init__(*arguments, **keywords)
    monkeypatch.setattr(tqdm, "tqdm", Bar)
    latlas.TSNE(perplexity=10, verbose=1).fit(data[0])
    assert bars and all(bar.n == bar.total for bar in bars)
