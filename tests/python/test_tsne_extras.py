"""What the core's t-SNE can be given, given from Python: starts, neighbors, anchors, checkpoints."""

import pathlib
import pickle
import signal
import subprocess

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors as TheirNeighbors

import latlas

FEW = {"perplexity": 8, "max_iter": 150, "exaggeration_iterations": 50}


def fitted(X, **more):
    given = {name: more.pop(name) for name in ("neighbors", "anchors") if name in more}
    return latlas.TSNE(**{**FEW, **more}).fit(X, **given)


@pytest.fixture(scope="module")
def ring():
    """Rows on a noisy ring, whose graph of neighbors is of one piece: it has a spectral start."""
    draw = np.random.RandomState(1)
    turn = 2 * np.pi * np.arange(200) / 200
    return (np.c_[np.cos(turn), np.sin(turn), 0 * turn] +
            0.02 * draw.randn(200, 3)).astype(np.float32)


# --- starts ----------------------------------------------------------------------------------------

def test_the_spectral_start_is_another_one_and_the_same_each_time(ring):
    spectral = fitted(ring, init="spectral")
    assert np.array_equal(spectral.embedding_, fitted(ring, init="spectral", n_jobs=1).embedding_)
    assert not np.array_equal(spectral.embedding_, fitted(ring).embedding_)
    assert not spectral.notes_


def test_a_graph_in_pieces_has_no_spectral_start_and_says_so(data):
    with pytest.warns(UserWarning, match="falls apart"):
        spectral = fitted(data[0], init="spectral")
    assert np.array_equal(spectral.embedding_, fitted(data[0]).embedding_)


def test_precomputed_distances_have_a_spectral_start_too(ring):
    distances = np.linalg.norm(ring[:, None].astype(float) - ring, axis=2)
    of_distances = fitted(distances, init="spectral", metric="precomputed")
    assert of_distances.kl_divergence_ == pytest.approx(
        fitted(ring, init="spectral").kl_divergence_, rel=1e-3)


def test_an_earlier_map_can_be_the_start_and_is_kept(data):
    X, _ = data
    earlier = fitted(X).embedding_
    again = fitted(X, init=earlier, keep_start=True, max_iter=1)
    assert np.abs(again.embedding_ - earlier).max() < 0.1 * earlier.std()


PROGRAM = pathlib.Path(latlas.__file__).parents[2] / "latlas"


@pytest.mark.skipif(not PROGRAM.exists(), reason="only the package was built, not the program")
@pytest.mark.parametrize("start", ["pca", "spectral", "random"])
def test_maps_are_those_of_the_program(start, ring, tmp_path):
    np.save(tmp_path / "rows.npy", ring)
    subprocess.run([PROGRAM, "map", "rows.npy", "-o", "map.npy", "--start", start, "--perplexity", "8",
                    "--iterations", "150", "--exaggeration-iterations", "50", "--no-scores",
                    "--seed", "3"], cwd=tmp_path, check=True,
                   capture_output=True)
    assert np.array_equal(np.load(tmp_path / "map.npy"),
                          fitted(ring, init=start, random_state=3).embedding_)


# --- neighbors ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("estimator", [latlas.TSNE(**FEW), latlas.UMAP(n_neighbors=10, n_epochs=30)],
                         ids=["TSNE", "UMAP"])
def test_given_neighbors_give_the_map_of_those_found(estimator, data):
    X, _ = data
    found = estimator.fit_transform(X)
    assert np.array_equal(found, estimator.fit_transform(X, neighbors=latlas.knn(X, 24)))
    theirs = TheirNeighbors(n_neighbors=24).fit(X[::-1]).kneighbors()
    assert not np.array_equal(found, estimator.fit_transform(X, neighbors=theirs))


@pytest.mark.parametrize("spoil, sentence", [
    (lambda d, i: (i, d), "whole numbers"),
    (lambda d, i: (d[:9], i[:9]), "a row for each of the 150"),
    (lambda d, i: (d, i[:, :3]), "a row for each of the 150"),
    (lambda d, i: (d, i.astype(np.int64) + 2**32), "outside the 150 rows"),
    (lambda d, i: (d, i - 1), "outside the 150 rows"),
    (lambda d, i: (d, np.where(i == i[0, 0], 0, i)), "row 0"),
    (lambda d, i: (d - 99, i), "between 0"), (lambda d, i: (-d, i), "do not ascend"),
    (lambda d, i: (d * np.nan, i), "distance of nan"),
    (lambda d, i: (d[:, :5], i[:, :5]), "24 neighbors"),
    (lambda d, i: d, "distances, indices"),
])
def test_unlawful_neighbors_are_refused(spoil, sentence, data):
    X, _ = data
    with pytest.raises(ValueError, match=sentence):
        fitted(X, neighbors=spoil(*latlas.knn(X, 24)))


@pytest.mark.parametrize("kind", ["uniform", "multiscale", "gaussian"])
def test_other_affinities_find_their_neighbors_and_place_new_rows(kind, data):
    X, labels = data
    tsne = fitted(X, affinities=kind, preset="fast" if kind == "uniform" else "default")
    placed = tsne.transform(X + 0.01)
    assert latlas.knn_accuracy(tsne.embedding_, labels, placed, labels, label_k=5) > 0.95


# --- anchors -----------------------------------------------------------------------------------------

def some_anchors(n, rows=(3, 50, 77)):
    places = np.full((n, 2), np.nan, np.float32)
    places[list(rows)] = [[5, 0], [-5, 1], [0, 7]]
    return places


def test_held_anchors_do_not_move(data):
    places = some_anchors(150)
    held = ~np.isnan(places[:, 0])
    map = fitted(data[0], anchors=places).embedding_
    assert np.array_equal(map[held], places[held])
    assert not np.array_equal(map[~held], fitted(data[0]).embedding_[~held])


def test_pulled_anchors_come_nearer_the_harder_they_are_pulled(data):
    places = some_anchors(150)
    rows = ~np.isnan(places[:, 0])
    off = [np.linalg.norm(fitted(data[0], anchors=places, anchor_strength=s).embedding_[rows] -
                          places[rows], axis=1).mean() for s in (0.1, 1, 100)]
    assert off[0] > off[1] > off[2] > 0


@pytest.mark.parametrize("anchors, more, sentence", [
    (np.zeros((3, 2)), {}, "shape"),
    (np.zeros((150, 3)), {}, "shape"),
    (np.where(np.arange(300).reshape(150, 2) == 7, np.nan, 0), {}, "NaN"),
    (np.full((150, 2), np.inf), {}, "neither a place"),
    (some_anchors(150), {"anchor_strength": -1}, "strength"),
])
def test_unlawful_anchors_are_refused(anchors, more, sentence, data):
    with pytest.raises(ValueError, match=sentence):
        fitted(data[0], anchors=anchors, **more)


# --- checkpoints -------------------------------------------------------------------------------------

def stop_at(step):
    return lambda report: report.stage == "t-SNE" and report.step >= step


def test_a_fit_goes_on_from_its_checkpoint_to_the_same_bits(data, tmp_path):
    X, _ = data
    kept = tmp_path / "fit.safetensors"
    stopped = fitted(X, checkpoint=kept, callback=stop_at(50))
    assert kept.exists() and stopped.n_iter_ < 60
    whole, resumed = fitted(X), fitted(X, checkpoint=str(kept))
    assert np.array_equal(resumed.embedding_, whole.embedding_)
    assert resumed.trace_ == whole.trace_ and resumed.n_iter_ == whole.n_iter_
    assert not kept.exists()  # which a whole fit removes


def test_a_fit_ended_by_control_c_is_kept(data, tmp_path):
    X, _ = data
    kept = tmp_path / "fit.safetensors"

    def control_c(report):
        if report.stage == "t-SNE" and report.step >= 75:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fitted(X, checkpoint=kept, checkpoint_every=10_000, callback=control_c)
    assert kept.exists()
    assert np.array_equal(fitted(X, checkpoint=kept).embedding_, fitted(X).embedding_)


def test_a_fit_that_died_goes_on_from_its_last_save(data, tmp_path):
    X, _ = data
    kept = tmp_path / "fit.safetensors"
    seen = []

    def copy_of_the_save(report):
        seen.append(report.step)
        if kept.exists():
            kept.rename(tmp_path / "saved")
        return False

    whole = fitted(X, checkpoint=kept, checkpoint_every=40, callback=copy_of_the_save)
    (tmp_path / "saved").rename(kept)
    steps = []
    resumed = fitted(X, checkpoint=kept, callback=lambda report: steps.append(report.step))
    assert np.array_equal(resumed.embedding_, whole.embedding_)
    assert seen[-1] == steps[-1] and len(steps) < len(seen)


def test_a_checkpoint_of_another_fit_is_refused_and_stays(data, tmp_path):
    X, _ = data
    kept = tmp_path / "fit.safetensors"
    fitted(X, checkpoint=kept, callback=stop_at(50))
    for other, more in ((X + X[::-1], {}), (X, {"early_exaggeration": 4}), (X, {"init": "random"})):
        with pytest.raises(ValueError, match="(?i)checkpoint|resume|state"):
            fitted(other, checkpoint=kept, **more)
    kept.write_bytes(kept.read_bytes()[:-9])
    with pytest.raises(OSError, match="fit.safetensors"):
        fitted(X, checkpoint=kept)
    assert kept.exists()


def test_a_checkpoint_that_cannot_be_written_is_an_error(data, tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        fitted(data[0], checkpoint=tmp_path / "nowhere" / "fit.safetensors", checkpoint_every=10)


@pytest.mark.parametrize("name, value", [("checkpoint_every", 0), ("checkpoint", 7),
                                         ("anchor_strength", "hard"), ("learning_rate", None),
                                         ("init", "laplacian")])
def test_parameters_of_the_wrong_kind_are_named(name, value, data):
    with pytest.raises(ValueError, match=f"TSNE: {name} is {value!r}"):
        fitted(data[0], **{name: value})


# --- new rows --------------------------------------------------------------------------------------

def test_new_rows_come_in_batches_and_after_pickling(ring):
    X, new = ring[:150], ring[150:] + np.float32(0.01)
    tsne = fitted(X)
    at_once = tsne.transform(new)
    batches = np.concatenate([tsne.transform(new[:7]), tsne.transform(new[7:])])
    np.testing.assert_array_equal(batches, at_once)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(tsne)).transform(new), at_once)
    tsne.fit(X[::-1])  # nothing is left of the fit before
    np.testing.assert_array_equal(tsne.transform(X[:5]), tsne.embedding_[::-1][:5])


def test_what_is_made_for_new_rows_follows_the_estimator(ring):
    X, new = ring[:150], ring[150:] + np.float32(0.01)
    tsne = fitted(X)
    before = tsne.transform(new)
    tsne.embedding_ = tsne.embedding_ + np.float32(5)  # as by latlas.align
    np.testing.assert_allclose(tsne.transform(new), before + 5, atol=0.05)
    other = fitted(X.astype(float), metric="manhattan")
    other.set_params(metric="euclidean")
    np.testing.assert_array_equal(other.transform(X[:5]), other.embedding_[:5])


def test_many_rows_are_searched_approximately_and_each_by_itself():
    X = np.random.RandomState(0).rand(21000, 3).astype(np.float32)
    tsne = latlas.TSNE(perplexity=5, max_iter=3).fit(X)
    new = np.concatenate([X[:40], X[40:80] + np.float32(1e-3)])
    placed = tsne.transform(new)
    np.testing.assert_array_equal(placed[:40], tsne.embedding_[:40])
    np.testing.assert_array_equal(np.concatenate([tsne.transform(new[i:i + 1]) for i in range(80)]),
                                  placed)
