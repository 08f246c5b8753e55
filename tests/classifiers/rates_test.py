import numpy as np

from synthmed_jax.classifiers.rates import rate_at


def test_rate_warms_up_then_falls_to_zero():
    steps = np.arange(100)
    rates = np.array([float(rate_at("cosine", s, np.int32(100), np.int32(10))) for s in steps])
    np.testing.assert_allclose(rates[:10], np.arange(1, 11) / 10, rtol=1e-6)
    assert np.all(np.diff(rates[10:]) < 0)
    assert rates[-1] < 1e-3


def test_a_constant_rate_stays_after_its_warm_up():
    rates = [float(rate_at("constant", s, np.int32(50), np.int32(5))) for s in range(50)]
    np.testing.assert_allclose(rates, [*(np.arange(1, 6) / 5), *[1] * 45], rtol=1e-6)
