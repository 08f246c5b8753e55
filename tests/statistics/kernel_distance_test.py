import numpy as np
import pytest

from synthmed_jax.statistics import kernel_distance as kernels
from synthmed_jax.statistics.kernel_distance import kernel_distance, paired_difference


def draw(rng, count, shift=0.0):
    return rng.normal(shift, 1, (count, 4))


def test_it_is_the_mean_of_kernels_of_different_images():
    rng = np.random.default_rng(0)
    a, b = draw(rng, 3), draw(rng, 4)

    def kernel(x, y):
        return (x @ y / 4 + 1) ** 3

    def among(images):
        n = len(images)
        return np.mean([kernel(images[i], images[j]) for i in range(n) for j in range(n) if i != j])

    across = np.mean([[kernel(x, y) for y in b] for x in a])
    found = kernel_distance(a, b)
    assert found.value == pytest.approx(among(a) + among(b) - 2 * across)
    np.testing.assert_allclose(found.towards, [np.mean([kernel(x, y) for x in a]) for y in b])


def test_few_images_of_one_distribution_are_at_0_on_average():
    rng = np.random.default_rng(0)
    values = [kernel_distance(draw(rng, 20), draw(rng, 5)).value for _ in range(3000)]
    assert abs(np.mean(values)) < 4 * np.std(values) / len(values) ** 0.5
    assert min(values) < 0 < np.std(values)


@pytest.mark.parametrize("count", [5, 50])
def test_its_mean_does_not_depend_on_how_many_images_there_are(count):
    rng = np.random.default_rng(1)
    # E k(x, y) of independent normal x, y with means m: 1 + 3 m + 3 E u^2 + E u^3 of u = x.y / 4.
    many = np.mean([kernel_distance(draw(rng, 400, 0.5), draw(rng, 400)).value for _ in range(40)])
    values = [kernel_distance(draw(rng, count, 0.5), draw(rng, count)).value for _ in range(3000)]
    assert abs(np.mean(values) - many) < 4 * np.std(values) / len(values) ** 0.5 + 0.02 * many


def test_many_images_are_measured_in_blocks(monkeypatch):
    rng = np.random.default_rng(2)
    a, b = draw(rng, 23), draw(rng, 7)
    whole = kernel_distance(a, b)
    monkeypatch.setattr(kernels, "_BLOCK", 5)
    blocks = kernel_distance(a, b)
    assert blocks.value == pytest.approx(whole.value)
    np.testing.assert_allclose(blocks.towards, whole.towards)


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_an_interval_holds_the_difference_of_other_draws_and_other_real_images(shift):
    """Real images are drawn anew each time: an interval over the sets alone is too short."""
    rng = np.random.default_rng(3)

    def once(size, sets, reference):
        real = draw(rng, reference)
        ours, others = (
            [kernel_distance(draw(rng, size, by), real) for _ in range(sets)]
            for by in (shift, -0.1)
        )
        values = np.subtract([d.value for d in ours], [d.value for d in others])
        return paired_difference(ours, others), values

    truth = once(3000, 20, 3000)[0].mean
    hits, of_sets = 0, 0
    for _ in range(300):
        found, values = once(100, 4, 40)
        assert found.low < found.mean < found.high
        assert found.mean == pytest.approx(values.mean())
        hits += found.low <= truth <= found.high
        half = 3.182 * values.std(ddof=1) / 2  # Student's t with three degrees of freedom
        of_sets += abs(values.mean() - truth) <= half
    assert 0.94 <= hits / 300 <= 1
    assert of_sets < hits - 15


def test_a_candidate_does_not_differ_from_itself():
    rng = np.random.default_rng(4)
    real = draw(rng, 9)
    distances = [kernel_distance(draw(rng, 20), real) for _ in range(3)]
    assert paired_difference(distances, distances) == (0, 0, 0)


@pytest.mark.parametrize(("a", "b"), [((1, 4), (5, 4)), ((5, 4), (1, 4)), ((5, 4), (5, 3))])
def test_too_few_images_or_other_features_are_refused(a, b):
    with pytest.raises(ValueError, match="two rows or more of each, of one length"):
        kernel_distance(np.zeros(a), np.zeros(b))
