import numpy as np

from synthmed_jax.explain import choice


def test_telling_images_are_the_surest_right_and_wrong_and_the_least_certain():
    probabilities = np.array(
        [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8], [0.45, 0.55], [0.1, 0.9], [0.7, 0.3]]
    )
    labels = np.array([0, 0, 0, 0, 1, 1, 0])
    # Class 1 has no mistake.
    assert choice.telling(probabilities, labels) == {
        0: ["surest right"],
        3: ["surest wrong"],
        1: ["least certain"],
        5: ["surest right"],
        4: ["least certain"],
    }
    assert choice.telling(probabilities[:1], labels[:1]) == {0: ["surest right", "least certain"]}
    assert choice.telling(probabilities[3:4], labels[3:4]) == {0: ["surest wrong", "least certain"]}


def test_a_sample_has_so_many_of_each_class_and_no_image_twice():
    labels = np.repeat([0, 1, 2], [30, 4, 10])
    drawn = choice.sample(labels, 6, seed=0)
    np.testing.assert_array_equal(np.bincount(labels[drawn]), [6, 4, 6])
    assert len(set(drawn.tolist())) == len(drawn)
    np.testing.assert_array_equal(drawn, choice.sample(labels, 6, seed=0))
    assert set(drawn) != set(choice.sample(labels, 6, seed=1))
