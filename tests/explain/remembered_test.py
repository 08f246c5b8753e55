import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax.explain.predictor import Predictor, make_view
from synthmed_jax.explain.remembered import RememberedPredictor
from synthmed_jax.explain.study import study

SEGMENTS = np.array([[0, 0, 1], [0, 2, 1], [2, 2, 1]], np.int32)
MASKS = np.random.default_rng(0).random((11, 3)) < 0.5
IMAGES = np.random.default_rng(1).integers(0, 256, (2, 3, 3, 1)).astype(np.uint8)


def logits(weights, images):
    return weights * images.reshape(len(images), -1)[:, :2].astype(jnp.float32)


@pytest.fixture
def asked(monkeypatch):
    """What reaches a network, by method."""
    asked = []
    for name in ("masked", "probabilities"):
        method = getattr(Predictor, name)

        def noted(self, *question, name=name, method=method):
            asked.append(name)
            return method(self, *question)

        monkeypatch.setattr(Predictor, name, noted)
    return asked


def test_the_network_is_asked_once(tmp_path, asked):
    view = make_view(IMAGES[0], SEGMENTS)
    plain = Predictor(logits, jnp.float32(0.01), 4)
    wanted = plain.masked(view, MASKS), plain.probabilities(IMAGES)
    asked.clear()
    for _ in range(2):  # The second one starts again, as after a kill.
        predictor = RememberedPredictor(logits, jnp.float32(0.01), 4, tmp_path / "answers")
        found = predictor.masked(view, MASKS), predictor.probabilities(IMAGES)
        jax.tree.map(np.testing.assert_array_equal, found, wanted)
    assert asked == ["masked", "probabilities"]


def test_every_other_question_is_asked(tmp_path, asked):
    def ask(weights, image, segments, masks):
        predictor = RememberedPredictor(logits, jnp.float32(weights), 4, tmp_path)
        return predictor.masked(make_view(image, segments), masks)

    first = (0.01, IMAGES[0], SEGMENTS, MASKS)
    ask(*first)
    for place, other in enumerate((0.02, IMAGES[1], SEGMENTS.T, ~MASKS)):
        question = [*first]
        question[place] = other
        found = ask(*question)
        view = make_view(*question[1:3])
        plain = Predictor(logits, jnp.float32(question[0]), 4).masked(view, question[3])
        np.testing.assert_array_equal(found, plain)
    assert asked == ["masked"] * 9


def test_an_answer_cut_short_is_asked_for_again(tmp_path, asked):
    predictor = RememberedPredictor(logits, jnp.float32(0.01), 4, tmp_path)
    wanted = predictor.probabilities(IMAGES)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for damaged in (b"", whole[:-3], b"no answer"):
        path.write_bytes(damaged)
        np.testing.assert_array_equal(predictor.probabilities(IMAGES), wanted)
        assert path.read_bytes() == whole
    assert asked == ["probabilities"] * 4


def first_region(view, label):
    """In the place of Grad-CAM, which is not asked by masks."""
    return np.eye(view.num_regions)[0]


def test_a_study_that_was_broken_off_goes_on(quadrant, discs, settings, tmp_path, asked):
    class Killed(BaseException):
        pass

    answer = quadrant.probabilities(discs[None])[0]

    def explained(limit):
        asked.clear()
        predictor = RememberedPredictor(quadrant.logits, quadrant.variables, 64, tmp_path)
        ask = predictor._answer

        def until_killed(*question):
            if len(asked) == limit:
                raise Killed
            return ask(*question)

        predictor._answer = until_killed
        return study(predictor, first_region, discs, settings, 2, answer)

    # LIME under both seeds, occlusion, deletion and insertion.
    whole = study(quadrant, first_region, discs, settings, 2, answer)
    with pytest.raises(Killed):
        explained(1)
    found = explained(None)
    assert asked == ["masked"] * 2
    assert found.numbers == whole.numbers
    np.testing.assert_array_equal(found.explanation.weights, whole.explanation.weights)
