from hypothesis import given
from hypothesis import strategies as st

from synthmed_jax.diffusion.stop import Validation, best_of, reason_to_stop


def history(losses, nearness):
    return [
        Validation(100 * (i + 1), 50, loss, near)
        for i, (loss, near) in enumerate(zip(losses, nearness, strict=True))
    ]


def test_it_stops_where_the_loss_rises_while_samples_come_nearer():
    validations = history([0.3, 0.2, 0.25, 0.3], [1.2, 1.0, 0.9, 0.8])
    reason = reason_to_stop(validations, patience=2)
    for part in ("0.2000 at step 200", "0.3000", "1.00 to 0.80"):
        assert part in reason


def test_either_sign_alone_is_not_enough():
    assert reason_to_stop(history([0.2, 0.3, 0.4], [1.0, 1.0, 1.1]), patience=2) is None
    assert reason_to_stop(history([0.4, 0.3, 0.2], [1.0, 0.9, 0.8]), patience=2) is None


def test_it_waits_for_its_patience_and_without_patience_for_ever():
    validations = history([0.2, 0.3, 0.4], [1.0, 0.9, 0.8])
    assert reason_to_stop(validations, patience=3) is None
    assert reason_to_stop(validations, patience=2)
    assert reason_to_stop(validations, patience=0) is None


def test_what_was_not_measured_stops_nothing():
    assert reason_to_stop(history([0.2, 0.3, 0.4], [None] * 3), patience=1) is None
    assert reason_to_stop([], patience=1) is None
    assert best_of([]) is None


@given(st.lists(st.tuples(st.floats(0.1, 1), st.floats(0, 2)), max_size=12), st.integers(0, 5))
def test_a_stop_always_has_the_best_validation_patience_validations_back(values, patience):
    validations = history([v[0] for v in values], [v[1] for v in values])
    if reason_to_stop(validations, patience):
        best = best_of(validations)
        assert best.val_loss == min(v[0] for v in values)
        assert len(validations) - 1 - validations.index(best) >= patience > 0
