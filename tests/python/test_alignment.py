"""Maps turned to lie near each other, and sequences laid out to follow each other."""

import numpy as np
import pytest

import latlas
from conftest import clusters

FEW = {"perplexity": 8, "max_iter": 150, "exaggeration_iterations": 50}


def turned(map, by=0.7, scale=1.0, shift=(3, -2)):
    turn = np.array([[np.cos(by), np.sin(by)], [np.sin(by), -np.cos(by)]])  # mirrors, too
    return (scale * map.astype(float) @ turn.T + shift).astype(np.float32)


def test_procrustes_undoes_turns_mirrors_and_shifts():
    map = clusters(d=2)[0]
    found = latlas.procrustes(turned(map), map)
    assert found.residual < 1e-5 and found.scale == 1
    assert np.allclose(found.transform(turned(map)), map, atol=1e-4)
    assert np.allclose(found.rotation @ found.rotation.T, np.eye(2))
    assert latlas.procrustes(turned(map), map, reflection=False).residual > 1
    stretched = latlas.procrustes(turned(map, scale=4), map, scale=True)
    assert stretched.scale == pytest.approx(0.25) and stretched.residual < 1e-5


def test_align_is_procrustes_applied():
    map = clusters(d=2)[0]
    other = map + np.random.RandomState(5).randn(*map.shape).astype(np.float32)
    aligned = latlas.align(turned(other), map)
    found = latlas.procrustes(turned(other), map)
    assert np.array_equal(aligned, found.transform(turned(other)))
    assert np.sqrt(((aligned - map) ** 2).sum(1).mean()) == pytest.approx(found.residual, rel=1e-4)


def test_maps_that_do_not_belong_together_are_refused():
    map = clusters(d=2)[0]
    for other in (map[:9], np.c_[map, map[:, 0]], map * np.nan):
        with pytest.raises(ValueError):
            latlas.procrustes(map, other)
    with pytest.raises(ValueError, match="columns"):
        latlas.procrustes(map, map).transform(np.zeros((4, 3)))


def epochs_of(n=120, steps=3):
    X = clusters(n)[0]
    draw = np.random.RandomState(2)
    return [X + 0.3 * draw.randn(*X.shape).astype(np.float32) for _ in range(steps)]


def test_a_sequence_ends_in_the_map_of_its_last_rows():
    sequence = epochs_of()
    aligned = latlas.aligned_tsne(sequence, **FEW)
    assert np.array_equal(aligned.maps[-1], latlas.TSNE(**FEW).fit(sequence[-1]).embedding_)
    assert len(aligned.maps) == len(aligned.kl_divergence) == 3 and len(aligned.moved) == 2
    steps = [np.sqrt(((b - a) ** 2).sum(1).mean()) for a, b in zip(aligned.maps, aligned.maps[1:])]
    assert np.allclose(steps, aligned.moved, rtol=1e-4)


def test_alignment_calms_a_sequence():
    loose, calm = (latlas.aligned_tsne(epochs_of(), alignment=a, **FEW) for a in (0, 100))
    assert calm.moved.max() < 0.5 * loose.moved.min()


def test_a_sequence_is_read_from_its_end_one_at_a_time():
    asked = []

    class Lazy:
        def __len__(self):
            return 3

        def __getitem__(self, step):
            asked.append(step)
            return epochs_of()[step]

    assert np.array_equal(latlas.aligned_tsne(Lazy(), **FEW).maps[0],
                          latlas.aligned_tsne(epochs_of(), **FEW).maps[0])
    assert asked == [2, 1, 0]


def test_unlawful_sequences_are_refused():
    good = epochs_of()
    for sequence, more, sentence in (
            ([], {}, "empty"), ([good[0][:50], good[1]], {}, "50 rows"), (good, {"alignment": -1}, "-1"),
            (good, {"metric": "precomputed"}, "precomputed"), (good, {"checkpoint": "x"}, "checkpoint"),
            ([good[0] * np.nan, good[1]], {}, "(?i)nan|finite")):
        with pytest.raises(ValueError, match=sentence):
            latlas.aligned_tsne(sequence, **{**FEW, **more})


def test_what_reading_a_sequence_raises_comes_out():
    class Torn(list):
        def __getitem__(self, step):
            if step == 0:
                raise OSError("torn")
            return super().__getitem__(step)

    with pytest.raises(OSError, match="torn"):
        latlas.aligned_tsne(Torn(epochs_of()), **FEW)


def test_a_stopped_sequence_leaves_the_last_maps():
    seen = []

    def in_the_second_map(report):
        if report.stage == "t-SNE":
            seen.append(report.step)
        return len(seen) > 7  # of five reports a map

    stopped = latlas.aligned_tsne(epochs_of(), callback=in_the_second_map, **FEW)
    assert len(stopped.maps) == 1
    assert np.array_equal(stopped.maps[0], latlas.TSNE(**FEW).fit(epochs_of()[-1]).embedding_)
