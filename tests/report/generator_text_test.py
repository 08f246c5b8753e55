import dataclasses

from synthmed_jax.report import generator_text
from synthmed_jax.report.files import Generator
from synthmed_jax.report.formats import n_is


def with_generators(contents, **generators):
    return dataclasses.replace(contents, generators=generators)


def test_the_weights_are_named_with_why_training_ended(contents):
    (sentence,) = generator_text.generators(contents)
    assert sentence.startswith("Images are drawn from the average of the weights")
    assert "half-life of 250 steps at step 600 (the lowest validation loss, 0.1234)" in sentence
    assert "Training ended at step 900: all 900 steps were taken." in sentence
    assert f"of {n_is(11)} val images is 3.21 ± 0.05 bits per dimension" in sentence
    assert "prior 0.0012, steps 2.23, decoder 0.98." in sentence


def test_one_model_per_class_is_said_of_its_class(contents):
    end = dataclasses.replace(contents.generators[""].end, val_loss=None)
    (sentence,) = generator_text.generators(
        with_generators(contents, glioma=Generator((), end), notumor=Generator((), None))
    )
    assert sentence.startswith("Images of glioma are drawn")
    assert "the last; nothing was validated" in sentence
    assert "bits" not in sentence


def test_distances_are_given_with_their_n(contents):
    text = generator_text.distance_numbers(contents.fidelity)
    assert f"nearest of {n_is(12)} fit images: synthetic 0.11 ({n_is(21)})" in text
    assert f"real validation images 0.12 ({n_is(12)}); ratio 0.92." in text


def test_without_val_images_no_ratio_is_given(contents):
    fidelity = dataclasses.replace(contents.fidelity, ratio=None, median_val=None, num_val=0)
    assert "ratio" not in generator_text.distance_numbers(fidelity)
    assert generator_text.distance_numbers(None) == ""


def test_the_symmetries_that_were_compared_are_named(contents):
    assert "under dihedral flips too" in generator_text.distance_limits(contents.fidelity)
    plain = dataclasses.replace(contents.fidelity, flips="none")
    for fidelity in (plain, None):
        assert "flips" not in generator_text.distance_limits(fidelity)
