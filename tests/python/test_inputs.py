"""Rows come in many wrappings, and some of them are traps."""

import multiprocessing
import os
import pickle
import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pytest
from sklearn.base import clone

import latlas


def fit(X):
    return latlas.PCA(2).fit_transform(X)


def map_of(X):
    return latlas.TSNE(perplexity=2, max_iter=20).fit_transform(X)


class OnlyArray:
    def __init__(self, X):
        self.X = X

    def __array__(self, dtype=None, copy=None):
        return self.X if dtype is None else self.X.astype(dtype)


class OnlyDlpack:
    def __init__(self, X):
        self.X = X

    def __dlpack__(self, **more):
        return self.X.__dlpack__(**more)

    def __dlpack_device__(self):
        return self.X.__dlpack_device__()


def polars_frame(X):
    return pytest.importorskip("polars").DataFrame(X)


def pandas_frame(X):
    return pytest.importorskip("pandas").DataFrame(X)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("wrap", [
    lambda X: X.tolist(), lambda X: X.astype(float), np.asfortranarray, OnlyArray, OnlyDlpack,
    pandas_frame, polars_frame, lambda X: X.astype(object), lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    lambda X: X[::-1][::-1], lambda X: np.ma.array(X), lambda X: np.frombuffer(
        X.tobytes(), np.float32).reshape(X.shape)],
    ids=["lists", "float64", "fortran", "__array__", "dlpack", "pandas", "polars", "objects",
         "strided", "reversed", "unmasked", "read-only"])
def test_every_wrapping_of_the_same_numbers_gives_the_same_result(wrap, data):
    X = data[0]
    assert fit(wrap(X)).tobytes() == fit(X).tobytes()
    assert latlas.knn(wrap(X), 3)[1].tobytes() == latlas.knn(X, 3)[1].tobytes()


def rows():
    return np.random.RandomState(0).rand(30, 4).astype(np.float32)


def with_value(value, at=(7, 2)):
    X = rows()
    X[at] = value
    return X


def masked():
    X = np.ma.array(rows())
    X[3, 1] = np.ma.masked
    return X


HOSTILE = {
    "texts in objects": (lambda: np.array([["1", "2"], [3, 4]], dtype=object), "texts"),
    "objects": (lambda: np.array([[1, "two"], [3, 4]], dtype=object), "two|numbers|convert"),
    "texts": (lambda: np.array([["1", "2"], ["3", "4"]]), "texts"),
    "one text": (lambda: "rows", "texts"),
    "complex": (lambda: rows() + 1j, "complex"),
    "one dimension": (lambda: rows()[0], "1D|dimensions"),
    "three dimensions": (lambda: rows()[None], "dim"),
    "no rows": (lambda: rows()[:0], "0 sample|0 rows|no row|are 0"),
    "no columns": (lambda: rows()[:, :0], "0 feature|column"),
    "NaN": (lambda: with_value(np.nan), "NaN in row 7, column 2"),
    "infinity": (lambda: with_value(-np.inf), "infinity in row 7, column 2"),
    "masked": (masked, r"1 masked values, the first at \(3, 1\)"),
    "ragged": (lambda: [[1.0, 2.0], [3.0]], "inhomogeneous|sequence|numbers"),
    "nothing": (lambda: None, "array|numbers|None"),
    "dates": (lambda: rows().astype("datetime64[s]"), "numbers|convert|datetime|float"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("use", [fit, map_of, lambda X: latlas.knn(X, 2),
                                 lambda X: latlas.Autoencoder(epochs=1).fit(X)],
                         ids=["PCA", "TSNE", "knn", "Autoencoder"])
def test_bad_rows_get_one_clear_sentence(name, use):
    make, pattern = HOSTILE[name]
    with pytest.raises((ValueError, TypeError), match=f"(?i){pattern}"):
        use(make())


def test_new_rows_of_another_width_are_refused(data):
    fitted = latlas.PCA(2).fit(data[0])
    with pytest.raises(ValueError, match="6 features"):
        fitted.transform(data[0][:, :4])


@pytest.mark.parametrize("arguments, sentence", [
    ({"perplexity": -1}, "perplexity is -1"), ({"perplexity": 150}, "must be less than n_samples"),
    ({"perplexity": "many"}, "perplexity is 'many'"), ({"max_iter": 0}, "iterations is 0"),
    ({"max_iter": 2.5}, "iterations is 2.5, it must be a whole number"),
    ({"learning_rate": "fast"}, "learning_rate is 'fast'"), ({"init": "best"}, "init is 'best'"),
    ({"init": np.zeros((3, 2))}, r"init has the shape \(3, 2\)"),
    ({"init": np.full((150, 2), np.nan)}, "NaN"), ({"method": "magic"}, "method is 'magic'"),
    ({"random_state": -1}, "random_state is -1"), ({"n_jobs": 0}, "n_jobs is 0"),
    ({"callback": 3}, "callback is 3"), ({"momentum": 2}, "momentum is 2, it must be between"),
    ({"search": "nowhere"}, "search is 'nowhere'"),
])
def test_bad_parameters_are_named_with_their_bounds(arguments, sentence, data):
    with pytest.raises(ValueError, match=sentence):
        latlas.TSNE(**{"perplexity": 5, "max_iter": 20, **arguments}).fit(data[0])


def test_unknown_parameters_are_told_from_known_ones():
    with pytest.raises(TypeError, match="^TSNE: 'perplexty' is unknown; did you mean 'perplexity'\\?$"):
        latlas.TSNE(perplexty=30)
    with pytest.raises(ValueError, match="^TSNE: 'perplexty' is unknown; did you mean 'perplexity'\\?$"):
        latlas.TSNE().set_params(perplexty=30)
    with pytest.raises(TypeError, match="^UMAP: 'zzz' is unknown; known are n_neighbors, n_components, "):
        latlas.UMAP(zzz=3)
    with pytest.raises(TypeError, match="PCA: too many positional"):
        latlas.PCA(2, True)


@pytest.mark.parametrize("make", [
    lambda rate: latlas.TSNE(perplexity=5, max_iter=20, learning_rate=rate),
    lambda rate: latlas.UMAP(n_epochs=5, learning_rate=rate),
    lambda rate: latlas.Autoencoder(latent=2, epochs=1, learning_rate=rate)],
    ids=["TSNE", "UMAP", "Autoencoder"])
@pytest.mark.parametrize("rate", [0, 0.0, -1, float("nan"), float("inf"), True])
def test_rates_that_lead_nowhere_are_refused(make, rate, data):
    with pytest.raises(ValueError, match=f"learning_rate is {rate:g}|learning_rate is {rate}"):
        make(rate).fit(data[0])


def test_random_states_of_no_kind_are_refused(data):
    with pytest.raises(ValueError, match="random_state is 1.5, it must be a whole number"):
        latlas.TSNE(perplexity=5, random_state=1.5).fit(data[0])


def test_parameters_without_effect_say_so(data):
    with pytest.warns(UserWarning, match="angle has no effect"):
        latlas.TSNE(perplexity=5, max_iter=20, angle=0.2).fit(data[0])


def test_a_limit_that_acts_is_a_warning_and_a_note(data):
    model = latlas.TSNE(perplexity=60, max_iter=20)
    with pytest.warns(UserWarning, match="perplexity lowered from 60 to 49.6"):
        model.fit(data[0])
    assert any("lowered" in note for note in model.notes_)


def test_float32_rows_are_not_copied():
    X = np.random.RandomState(0).rand(2000, 500).astype(np.float32)
    for use in (lambda: latlas.NearestNeighbors().fit(X), lambda: latlas.PCA(2).fit(X)):
        use()
        tracemalloc.start()
        use()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < X.nbytes / 4  # NumPy reports its arrays to tracemalloc
    fitted = latlas.NearestNeighbors().fit(X)
    assert np.shares_memory(fitted._fit_X, X)


def test_results_own_their_memory(data):
    distances, indices = latlas.knn(data[0], 3)
    copy = indices.copy()
    del distances
    latlas.knn(data[0][::-1], 3)
    assert np.array_equal(indices, copy) and indices.flags.writeable


def _child(queue, X):
    many = np.random.RandomState(0).rand(5000, 4).astype(np.float32)
    latlas.load_dataset("synthetic", train=2000, test=10)
    latlas.NearestNeighbors(search="approximate").fit(many).kneighbors(many[:9])
    latlas.procrustes(many[:, :2], many[:, 2:])
    queue.put(latlas.TSNE(perplexity=5, max_iter=50, n_jobs=2).fit_transform(X))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_works_on_one_thread_and_gives_the_same(data):
    X = data[0]
    here = latlas.TSNE(perplexity=5, max_iter=50, n_jobs=2).fit_transform(X)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_child, args=(queue, X))
    child.start()
    try:
        assert np.array_equal(queue.get(timeout=120), here)
    finally:
        child.kill()
        child.join()


CHANGED = """
import numpy as np, threading, warnings, latlas
warnings.simplefilter("ignore")
X, done = np.random.RandomState(0).rand(600, 6).astype(np.float32), threading.Event()
def write():
    while not done.is_set():
        X[:] = np.random.rand(*X.shape)
threading.Thread(target=write, daemon=True).start()
for _ in range(5):
    try:
        latlas.TSNE(perplexity=5, max_iter=50).fit(X)
    except ValueError:
        pass
done.set()
X[:] = np.random.RandomState(0).rand(600, 6)
print(np.isfinite(latlas.TSNE(perplexity=5, max_iter=50).fit_transform(X)).all())
"""


def test_rows_that_change_during_a_fit_spoil_it_and_nothing_else():
    # As documented, rows are not copied: whoever writes into them meanwhile gets a map of neither.
    done = subprocess.run([sys.executable, "-c", CHANGED], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout.split()[-1] == "True", done.stderr


def test_bytes_are_pixels_only_where_the_fit_saw_bytes(tmp_path):
    whole = np.random.RandomState(0).randint(0, 256, (80, 12))
    floats = whole.astype(np.float32)
    model = latlas.Autoencoder(latent=2, epochs=2).fit(floats, validation_data=whole.astype(np.uint8))
    assert model.history_["val_loss"][-1] == pytest.approx(-model.score(floats), rel=1e-5)
    model.save(tmp_path / "model")
    for one in (model, latlas.load(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(one.transform(whole.astype(np.uint8)), one.transform(floats))


def test_threads_may_fit_side_by_side(data):
    from concurrent.futures import ThreadPoolExecutor

    X = data[0]
    one = map_of(X)
    with ThreadPoolExecutor(3) as pool:
        for other in pool.map(map_of, [X] * 6):
            assert np.array_equal(one, other)


INTERRUPTED = """
import numpy as np, os, signal, sys, threading, time, latlas
X = np.random.RandomState(0).rand(400, 8).astype(np.float32)
begun = []
def callback(report):
    if not begun:
        begun.append(True)
        os.kill(os.getpid(), signal.SIGINT)
try:
    latlas.TSNE(max_iter=1000000, stop_below=0, perplexity=10, callback=callback).fit(X)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_control_c_interrupts_a_fit():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True,
                          timeout=300)
    assert done.stdout.strip() == "interrupted", done.stderr


def test_umap_refuses_sparse_distances_whose_absent_ones_would_be_zero(data):
    from scipy.spatial.distance import cdist
    import scipy.sparse
    rows, _ = data
    with pytest.raises(ValueError, match="sparse distances"):
        latlas.UMAP(metric="precomputed", init="random").fit(scipy.sparse.csr_matrix(cdist(rows, rows)))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_pixels_in_a_data_frame_are_read_as_pixels_in_an_array(library):
    frames = pytest.importorskip(library)
    pixels = np.random.RandomState(0).randint(0, 256, (60, 5)).astype(np.uint8)
    frame = frames.DataFrame({f"p{i}": column for i, column in enumerate(pixels.T)})
    model = latlas.Autoencoder(latent=2, epochs=2).fit(pixels)
    assert np.array_equal(model.transform(frame), model.transform(pixels))


def test_floats_given_to_a_model_of_pixels_are_warned_of(tmp_path):
    pixels = np.random.RandomState(0).randint(0, 256, (60, 5)).astype(np.uint8)
    model = latlas.Autoencoder(latent=2, epochs=2, loss="mean_squared_error").fit(pixels)
    model.save(tmp_path / "kept")
    for kept in (model, latlas.load(tmp_path / "kept"), pickle.loads(pickle.dumps(model))):
        for use in (kept.transform, kept.score, kept.reconstruct):
            with pytest.warns(UserWarning, match="divide them by 255") as heard:
                use(pixels.astype(float))
            assert len(heard) == 1 and heard[0].filename == __file__
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                use(pixels)
                use(pixels / 255)
    with pytest.warns(UserWarning, match="divide them by 255"):
        clone(model).fit(pixels, validation_data=pixels.astype(float))
    with warnings.catch_warnings():  # what was fitted on numbers knows numbers
        warnings.simplefilter("error")
        clone(model).fit(pixels.astype(float)).transform(pixels.astype(float))
