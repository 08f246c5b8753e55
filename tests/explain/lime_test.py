import numpy as np
import pytest

from synthmed_jax.data import phantom
from synthmed_jax.explain import lime

SIZE = 32


def _phantoms(count, channels=1):
    images = np.stack([phantom.draw(0, i % 4, i, SIZE)[0] for i in range(count)])
    return np.repeat(images[..., None], channels, axis=-1)


def _quadrant_predictor(images):
    """Class 1 is as likely as the lower left quadrant is bright; nothing else matters."""
    scaled = images.astype(np.float64) / (255 if images.dtype == np.uint8 else 1)
    bright = scaled[:, SIZE // 2 :, : SIZE // 2].mean(axis=(1, 2, 3))
    other = np.full_like(bright, 0.1)
    return np.stack([0.9 - bright, bright, other], axis=-1).astype(np.float32)


def _explain(images, predict_fn=_quadrant_predictor, **options):
    return lime.explain(
        images, predict_fn, **{"num_samples": 300, "batch_size": 64, "seed": 0, **options}
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_quadrant_that_decides_gets_the_weight(channels, dtype):
    # An even bright disc in each quadrant; only the lower left one's counts.
    y, x = np.mgrid[:SIZE, :SIZE]
    disc = ((x % 16 - 8) ** 2 + (y % 16 - 8) ** 2 < 16) * 255
    image = np.repeat(disc[..., None], channels, axis=-1).astype(np.uint8)
    image = (image if dtype == np.uint8 else image.astype(np.float32) / 255)[None]
    (found,) = _explain(image, labels=np.array([1]))
    weights = dict(found.weights[1])
    region, weight = max(weights.items(), key=lambda item: item[1])
    rows, columns = np.nonzero(found.segments == region)
    assert rows.min() >= SIZE // 2 - 1
    assert columns.max() <= SIZE // 2
    assert weight > 0.01
    # Regions wholly outside the quadrant get next to nothing.
    inside = set(np.unique(found.segments[SIZE // 2 :, : SIZE // 2]).tolist())
    assert max(abs(w) for r, w in weights.items() if r not in inside) < weight / 4
    assert found.r2 > 0.8
    assert found.label == 1


def test_same_seed_same_answer_whatever_the_batch_size_and_the_neighbours():
    images = _phantoms(3)
    reference = _explain(images, num_samples=100)
    for again in (
        _explain(images, num_samples=100),
        _explain(images, num_samples=100, batch_size=37),
    ):
        for one, other in zip(reference, again, strict=True):
            np.testing.assert_array_equal(one.segments, other.segments)
            assert one.weights == other.weights
            assert one.r2 == other.r2
    (alone,) = _explain(images[2:], num_samples=100)
    assert alone.weights == reference[2].weights
    assert _explain(images[:1], num_samples=100, seed=1)[0].weights != reference[0].weights


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_predictor_sees_its_own_images_in_batches_of_one_size(channels, dtype):
    images = _phantoms(2, channels).astype(dtype)
    seen = []

    def predict(batch):
        seen.append(batch.copy())
        return _quadrant_predictor(batch / np.float32(1 if dtype == np.uint8 else 255))

    _explain(images, predict, num_samples=50, batch_size=16)
    assert {(batch.shape, batch.dtype) for batch in seen} == {
        ((16, SIZE, SIZE, channels), np.dtype(dtype))
    }
    # The first image of each neighbourhood is the unperturbed one, back in its own form.
    np.testing.assert_array_equal(seen[1][0], images[0])


def test_explains_the_predicted_class_and_weighs_every_region_for_every_class():
    (found,) = _explain(_phantoms(1))
    assert found.label == found.probabilities.argmax() == 0
    for weights in found.weights.values():
        assert sorted(region for region, _ in weights) == list(range(found.segments.max() + 1))
    assert sorted(found.weights) == [0, 1, 2]
    # Probabilities sum to a constant, so do the weights of a region over the classes.
    totals = np.zeros(found.segments.max() + 1)
    for weights in found.weights.values():
        for region, weight in weights:
            totals[region] += weight
    np.testing.assert_allclose(totals, 0, atol=1e-6)


def test_prints_no_progress_bar(capfd):
    _explain(_phantoms(1), num_samples=20)
    assert capfd.readouterr() == ("", "")


def test_segments_number_about_forty_to_sixty_at_64_px_without_gaps():
    for label in range(4):
        image = phantom.draw(0, label, 0, 64)[0][..., None]
        for shaped in (image, np.repeat(image, 3, axis=-1), image.astype(np.float32) / 127.5 - 1):
            regions = lime.segment(shaped, 55)
            assert regions.dtype == np.int32
            assert 38 <= regions.max() + 1 <= 60
            np.testing.assert_array_equal(np.unique(regions), np.arange(regions.max() + 1))


def test_a_constant_image_can_be_explained():
    (found,) = _explain(np.zeros((1, SIZE, SIZE, 1), np.float32), num_samples=20)
    assert np.isfinite([w for _, w in found.weights[found.label]]).all()


def test_choose_images_takes_right_and_wrong_or_least_certain_of_each_class():
    probabilities = np.array(
        [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8], [0.45, 0.55], [0.1, 0.9], [0.7, 0.3]]
    )
    labels = np.array([0, 0, 0, 0, 1, 1, 0])
    # Class 0: surest right 0, surest wrong 3; class 1 has no mistake: surest 5, least certain 4.
    np.testing.assert_array_equal(lime.choose_images(probabilities, labels), [0, 3, 4, 5])
    np.testing.assert_array_equal(lime.choose_images(probabilities[:1], labels[:1]), [0])
    np.testing.assert_array_equal(lime.choose_images(probabilities[3:4], labels[3:4]), [0])


def test_refuses_other_images():
    with pytest.raises(ValueError, match=r"\[N,S,S,1\]"):
        _explain(np.zeros((1, SIZE, SIZE), np.uint8))
    with pytest.raises(ValueError, match="float64"):
        _explain(np.zeros((1, SIZE, SIZE, 1)))
