"""The estimators are what scikit-learn's users take them for."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.decomposition import PCA as TheirPCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import NearestNeighbors as TheirNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

import latlas

# Small enough for a test; what is checked does not depend on it.
SMALL = {
    "PCA": lambda **more: latlas.PCA(**more),
    "NearestNeighbors": lambda **more: latlas.NearestNeighbors(**more),
    "Autoencoder": lambda **more: latlas.Autoencoder(**{"latent": 3, "epochs": 5, **more}),
    "TSNE": lambda **more: latlas.TSNE(**{"perplexity": 2, "max_iter": 60, **more}),
    "UMAP": lambda **more: latlas.UMAP(**{"n_neighbors": 5, "n_epochs": 30, "init": "pca", **more}),
}
TRANSFORMERS = ["PCA", "Autoencoder", "TSNE", "UMAP"]
MAPS = ["TSNE", "UMAP"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SMALL)
def test_passes_all_checks_of_scikit_learn(name):
    results = check_estimator(SMALL[name](n_jobs=1), on_fail=None, on_skip=None)
    bad = [(r["check_name"], r["exception"]) for r in results
           if r["status"] not in ("passed", "skipped")]
    assert not bad, bad
    assert [r["check_name"] for r in results if r["status"] == "skipped"] in \
        ([], ["check_array_api_input"])  # which scikit-learn runs only where SciPy's switch is set
    assert not any(r["expected_to_fail"] for r in results)


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_stands_in_a_pipeline(name, data):
    X, labels = data
    pipe = make_pipeline(SMALL[name](), LogisticRegression(max_iter=1000)).fit(X, labels)
    assert pipe.score(X, labels) > 0.6


def test_grid_search_finds_its_way_through_parameters(data):
    X, labels = data
    search = GridSearchCV(make_pipeline(latlas.PCA(), LogisticRegression()),
                          {"pca__n_components": [1, 2, 4]}, cv=3).fit(X, labels)
    assert search.best_score_ > 0.9
    search = GridSearchCV(latlas.Autoencoder(epochs=10), {"latent": [1, 4]}, cv=2).fit(X)
    assert search.best_params_ == {"latent": 4}  # by score, the negative loss


@pytest.mark.parametrize("name", SMALL)
def test_clone_copies_parameters_and_nothing_else(name, data):
    fitted = SMALL[name](n_jobs=1).fit(data[0])
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not [a for a in vars(copy) if a.endswith("_")]


def test_what_changes_nothing_is_a_parameter_like_any_other(data):
    X, labels = data
    pca = latlas.PCA(2, random_state=3)
    assert clone(pca).random_state == 3 and repr(pca) == "PCA(n_components=2, random_state=3)"
    assert pca.set_params(svd_solver="full").get_params()["svd_solver"] == "full"
    search = GridSearchCV(make_pipeline(latlas.PCA(2), LogisticRegression()),
                          {"pca__svd_solver": ["full", "arpack"], "pca__random_state": [1]}, cv=2)
    assert search.fit(X, labels).best_params_["pca__random_state"] == 1
    for unlawful in (latlas.UMAP(n_components=3), clone(latlas.UMAP(n_components=3)),
                     latlas.UMAP().set_params(n_components=3)):
        with pytest.raises(ValueError, match="UMAP: n_components is 3, it can only be 2"):
            unlawful.fit(X)
    with pytest.warns(UserWarning, match="UMAP: n_components is 1, but maps have 2 dimensions"):
        assert SMALL["UMAP"](n_components=1).fit_transform(X).shape[1] == 2


@pytest.mark.parametrize("name", ["PCA", "NearestNeighbors", "TSNE", "UMAP"])
def test_files_that_know_fewer_parameters_are_read(name, data, tmp_path):
    fitted = SMALL[name]().fit(data[0])
    wanted = fitted.get_params()
    placed = fitted.transform(data[0][:5]) if name != "NearestNeighbors" else None
    del fitted.n_jobs  # as if a later version had added it
    vars(fitted).pop("_fit_seed", None)
    fitted.save(tmp_path / "kept")
    for again in (latlas.load(tmp_path / "kept"), pickle.loads(pickle.dumps(fitted))):
        assert again.get_params() == wanted
        if placed is not None:
            assert np.array_equal(again.transform(data[0][:5]), placed)


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_pickle_and_file_give_the_same_estimator_back(name, data, tmp_path):
    X, _ = data
    fitted = SMALL[name]().fit(X)
    fitted.save(tmp_path / "kept.safetensors")
    for again in (pickle.loads(pickle.dumps(fitted)), latlas.load(tmp_path / "kept.safetensors")):
        assert type(again) is type(fitted)
        assert again.get_params() == fitted.get_params()
        assert np.array_equal(again.transform(X[:7] + 0.1), fitted.transform(X[:7] + 0.1))


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_output_can_be_a_data_frame(name, data):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(data[0], index=[f"row{i}" for i in range(len(data[0]))])
    X.columns = [f"column{i}" for i in range(X.shape[1])]
    frame = SMALL[name]().set_output(transform="pandas").fit_transform(X)
    assert list(frame.index) == list(X.index)
    assert list(frame)[0] == f"{name.lower()}0"


@pytest.mark.parametrize("kind", ["csr_matrix", "csc_array", "coo_matrix", "lil_matrix"])
@pytest.mark.parametrize("name", ["PCA", "TSNE", "UMAP", "NearestNeighbors"])
def test_sparse_rows_give_what_dense_ones_give(name, kind, data):
    X = np.where(data[0] > 1, data[0], 0).astype(np.float32)
    dense, sparse = SMALL[name]().fit(X), SMALL[name]().fit(getattr(sp, kind)(X))
    if name == "NearestNeighbors":
        assert np.array_equal(dense.kneighbors()[1], sparse.kneighbors()[1])
    else:
        assert np.array_equal(dense.transform(X), sparse.transform(getattr(sp, kind)(X)))


@pytest.mark.parametrize("name", SMALL)
def test_same_bytes_for_any_number_of_threads(name, data):
    X, _ = data
    result = (lambda e: e.kneighbors()[0]) if name == "NearestNeighbors" else \
        (lambda e: e.transform(X + np.float32(0.01)))
    first = result(SMALL[name](n_jobs=1).fit(X))
    for n_jobs in (2, 3, 7):
        assert result(SMALL[name](n_jobs=n_jobs).fit(X)).tobytes() == first.tobytes()


@pytest.mark.parametrize("name", MAPS)
def test_a_new_row_stands_where_it_stands_alone(name, data):
    X, _ = data
    fitted = SMALL[name]().fit(X)
    new = X[:20] + np.float32(0.3)
    together = fitted.transform(new)
    for i in range(5):
        assert fitted.transform(new[i:i + 1]).tobytes() == together[i:i + 1].tobytes()


@pytest.mark.parametrize("name", MAPS)
def test_fitted_rows_map_onto_themselves(name, data):
    X, _ = data
    fitted = SMALL[name]().fit(X)
    assert np.array_equal(fitted.transform(X), fitted.embedding_)


def test_tsne_separates_clusters_and_places_new_points_among_them(data):
    X, labels = data
    fitted = latlas.TSNE(perplexity=10).fit(X)
    assert latlas.label_accuracy(fitted.embedding_, labels, label_k=5) > 0.98
    new = fitted.transform(X + np.float32(0.05))
    assert latlas.knn_accuracy(fitted.embedding_, labels, new, labels, label_k=5) > 0.98


def test_random_state_decides_and_none_is_zero(data):
    X, _ = data
    make = lambda state: SMALL["TSNE"](random_state=state, init="random").fit_transform(X)  # noqa: E731
    assert np.array_equal(make(None), make(0))
    assert not np.array_equal(make(0), make(1))
    assert np.array_equal(make(np.random.RandomState(3)), make(np.random.RandomState(3)))


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_random_state_may_be_a_state_of_numpy(make, data, tmp_path):
    X, new = data[0], data[0][:9] + np.float32(0.3)
    fitted = SMALL["UMAP"](random_state=make(3), init="random")
    copy, pickled = clone(fitted), pickle.loads(pickle.dumps(fitted))  # each with a state of its own
    first = fitted.fit_transform(X)
    assert np.array_equal(first, copy.fit_transform(X))
    assert np.array_equal(first, pickled.fit_transform(X))
    placed = fitted.transform(new)
    assert np.array_equal(placed, fitted.transform(new))  # only fits draw from it
    assert np.array_equal(placed, pickle.loads(pickle.dumps(fitted)).transform(new))
    assert not np.array_equal(first, fitted.fit_transform(X))
    for estimator in (fitted, SMALL["Autoencoder"](random_state=make(3)).fit(X)):
        with pytest.raises(ValueError, match="random_state is .* cannot be written"):
            estimator.save(tmp_path / "kept")


def test_files_of_autoencoders_keep_parameters_of_numpys_kinds(data, tmp_path):
    model = latlas.Autoencoder(latent=np.int64(3), hidden=np.array([5, 4]), epochs=np.int64(2),
                               learning_rate=np.float32(0.25)).fit(data[0])
    model.save(tmp_path / "kept")
    again = latlas.load(tmp_path / "kept")
    assert (again.epochs, list(again.hidden), again.learning_rate) == (2, [5, 4], 0.25)
    assert np.array_equal(clone(again).fit_transform(data[0]), model.transform(data[0]))


@pytest.mark.parametrize("call", [
    lambda tsne, X: tsne.fit(X), lambda tsne, X: tsne.fit_transform(X),
    lambda tsne, X: tsne.set_output(transform="pandas").fit_transform(X),
    lambda tsne, X: make_pipeline(latlas.PCA(2), tsne).fit_transform(X)],
    ids=["fit", "fit_transform", "set_output", "pipeline"])
def test_warnings_point_at_the_line_of_the_user(call, data):
    pytest.importorskip("pandas")
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        call(latlas.TSNE(perplexity=5, max_iter=20, angle=0.3), data[0])
    assert {str(w.message)[:16] for w in heard} == {"TSNE: angle has ", "TSNE: all 20 ite"}
    assert {w.filename for w in heard} == {__file__}
    assert {w.lineno for w in heard} == {call.__code__.co_firstlineno}


def test_transform_says_once_that_the_map_is_wide(data):
    fitted = latlas.TSNE(n_components=3, perplexity=5, max_iter=60).fit(data[0])
    fitted.embedding_ = fitted.embedding_ * np.float32(1e4)  # wider than its grid can be fine
    with pytest.warns(UserWarning, match="spacing was enlarged"):
        fitted.transform(data[0][:9] + np.float32(0.1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.transform(data[0][:5] + np.float32(0.1))
    again = pickle.loads(pickle.dumps(fitted))
    with pytest.warns(UserWarning, match="spacing was enlarged"):
        again.transform(data[0][:9] + np.float32(0.1))


@pytest.mark.parametrize("n_components", [None, 2, 0.9])
def test_pca_agrees_with_scikit_learn(n_components, data):
    X, _ = data
    ours, theirs = latlas.PCA(n_components).fit(X), TheirPCA(n_components).fit(X.astype(float))
    assert ours.n_components_ == theirs.n_components_
    for name in ("explained_variance_", "explained_variance_ratio_", "singular_values_", "mean_",
                 "noise_variance_"):
        assert np.allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-5, atol=1e-6), name
    assert np.allclose(np.abs(ours.components_), np.abs(theirs.components_), atol=1e-4)
    back = ours.inverse_transform(ours.transform(X))
    assert np.allclose(back, theirs.inverse_transform(theirs.transform(X)), atol=1e-3)


def test_whitened_coordinates_have_variance_one(data):
    assert np.allclose(latlas.PCA(3, whiten=True).fit_transform(data[0]).var(axis=0, ddof=1), 1,
                       atol=1e-4)


def test_knn_agrees_with_scikit_learn(data):
    X, _ = data
    distances, indices = latlas.knn(X, 4)
    theirs = TheirNeighbors(n_neighbors=4).fit(X.astype(float)).kneighbors()
    assert np.allclose(distances, theirs[0], atol=1e-5)
    assert (indices == theirs[1]).mean() > 0.99
    distances, indices = latlas.knn(X, 1, queries=X)
    assert np.array_equal(indices[:, 0], np.arange(len(X))) and not distances.any()


def test_graph_of_neighbors_is_scikit_learns(data):
    ours = latlas.NearestNeighbors(n_neighbors=3).fit(data[0]).kneighbors_graph(mode="distance")
    theirs = TheirNeighbors(n_neighbors=3).fit(data[0]).kneighbors_graph(mode="distance")
    assert abs(ours - theirs).max() < 1e-4


@pytest.mark.parametrize("metric", ["manhattan", "chebyshev", "l2", "cosine", "correlation"])
def test_maps_take_the_metrics_of_scikit_learn(metric, data):
    X, labels = data
    fitted = latlas.TSNE(perplexity=5, max_iter=300, metric=metric).fit(X)
    assert latlas.label_accuracy(fitted.embedding_, labels, label_k=5) > 0.9
    assert fitted.transform(X[:3] * np.float32(1.001)).shape == (3, 2)


@pytest.mark.parametrize("estimator", [latlas.TSNE(perplexity=5, max_iter=100, init="random"),
                                       latlas.UMAP(n_neighbors=16, n_epochs=30, init="random")])
def test_metrics_of_scikit_learn_see_float64_where_it_is_given(estimator):
    X = 1e6 + 1e-2 * np.random.RandomState(0).randn(60, 3)  # in float32 all rows are almost equal
    neighbors = TheirNeighbors(n_neighbors=15, metric="manhattan").fit(X).kneighbors()
    wanted = clone(estimator).fit_transform(X, neighbors=neighbors)
    fitted = clone(estimator).set_params(metric="manhattan").fit(X)
    assert np.array_equal(fitted.embedding_, wanted)
    assert np.array_equal(fitted.transform(X[:9]), wanted[:9])
    assert fitted.transform(X[:9]).dtype == np.float32


def test_autoencoder_learns_and_counts_its_epochs():
    data = latlas.load_dataset("synthetic", train=600, test=100)
    model = latlas.Autoencoder(latent=16, epochs=4, batch_size=64)
    model.fit(data.train, validation_data=(data.test, data.test_labels))
    assert model.loss_ == "binary_crossentropy" and model.output_activation_ == "sigmoid"
    losses = model.history_["val_loss"]
    assert len(losses) == 4 and losses[-1] < losses[0] and model.n_iter_ == 4
    assert model.score(data.test) == pytest.approx(-losses[-1], rel=1e-6)
    # Bytes are read as value / 255, so both ways give the same bits.
    again = clone(model).fit(data.train.astype(np.float32) / np.float32(255))
    assert again.transform(data.test).tobytes() == model.transform(data.test).tobytes()
    assert model.inverse_transform(model.transform(data.test)).tobytes() == \
        model.reconstruct(data.test).tobytes()
    assert "decoder.0" in model.summary()


def test_models_are_files_of_the_program(tmp_path, data):
    from latlas import _safetensors

    model = SMALL["Autoencoder"]().fit(data[0])
    model.save(tmp_path / "model.safetensors")
    tensors, metadata = _safetensors.parse((tmp_path / "model.safetensors").read_bytes(), "file")
    assert metadata["format"] == "latlas autoencoder"
    assert set(tensors) == {"encoder.0.kernel", "encoder.0.bias", "decoder.0.kernel",
                            "decoder.0.bias"}


def test_rows_as_the_core_wants_them_meet_the_same_checks(data):
    rows, _ = data
    pca = latlas.PCA(2).fit(rows)
    assert pca.n_features_in_ == rows.shape[1] and not hasattr(pca, "feature_names_in_")
    np.testing.assert_array_equal(pca.components_, latlas.PCA(2).fit(rows.tolist()).components_)
    assert pca._rows(rows) is rows  # no copy
    with pytest.raises(ValueError, match="features"):
        pca.transform(rows[:, :-1].copy())
    with pytest.raises(ValueError, match="sample"):
        latlas.PCA(1).fit(rows[:1])
    with pytest.raises(ValueError, match="NaN"):
        latlas.PCA(1).fit(np.where(np.arange(rows.size).reshape(rows.shape) == 5, np.nan, rows)
                          .astype(np.float32))
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(rows, columns=[f"c{i}" for i in range(rows.shape[1])])
    pca.fit(frame)
    with pytest.warns(UserWarning, match="feature names"):
        pca.transform(rows)
    pca.fit(rows)
    assert not hasattr(pca, "feature_names_in_")
