import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from synthmed_jax.shares import Shares

SHARES = st.builds(Shares, st.integers(1, 200), st.integers(1, 17), st.integers(1, 5))


@given(SHARES)
def test_each_row_counts_once_and_in_order(shares):
    assert shares.rows.shape == shares.counts.shape == (shares.devices, shares.local)
    np.testing.assert_array_equal(shares.rows[shares.counts], np.arange(shares.size))
    assert shares.is_even == shares.counts.all()


@given(SHARES)
def test_devices_have_nearly_as_many_and_no_more_filling_than_parts_need(shares):
    own = shares.counts.sum(axis=1)
    assert own.max() - own.min() <= 1
    assert shares.local % shares.parts == 0
    assert 0 <= shares.local - own.max() < shares.parts
    # What fills a share up lies between its first row and its last: another host has no others.
    has_some = own > 0
    first, last = shares.starts[:-1][has_some], shares.starts[1:][has_some] - 1
    rows = shares.rows[has_some]
    assert ((first[:, None] <= rows) & (rows <= last[:, None])).all()


@given(SHARES, st.integers(0, 99))
def test_the_mean_over_weighted_shares_is_that_of_the_batch(shares, seed):
    x = np.random.default_rng(seed).normal(size=shares.size)
    mean = (x[shares.rows] * shares.weights).mean(axis=1).mean()
    np.testing.assert_allclose(mean, x.mean(), rtol=1e-5, atol=1e-6)
