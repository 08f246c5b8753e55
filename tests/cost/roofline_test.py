import collections

import pytest

from synthmed_jax.cost import chips, roofline
from synthmed_jax.cost.work import Kernel, Work

TARGET = chips.parse("a100:8")
CHIP = TARGET.chip


def work_of(*kernels, **more):
    return Work(collections.Counter(kernels), **more)


def test_each_kernel_takes_what_holds_it_up():
    large = Kernel(int(1e12), "bfloat16", int(1e6))
    wide = Kernel(0, "", int(1e9))
    small = Kernel(0, "", 16)
    found = roofline.times(work_of(large, large, wide, small, small, small), TARGET, 1)
    assert found.compute == pytest.approx(2 * 1e12 / (chips.COMPUTE_SHARE * 312e12))
    assert found.bandwidth == pytest.approx(1e9 / (chips.BANDWIDTH_SHARE * 2.039e12))
    assert found.launch == pytest.approx(3 * CHIP.launch)
    assert found.between == 0
    assert found.total == pytest.approx(found.compute + found.bandwidth + found.launch)
    assert found.bound == "compute"


def test_a_sum_over_devices_is_sent_almost_twice():
    summed = work_of(summed=10**9, collectives=1)
    assert roofline.times(summed, TARGET, 1).between == 0
    seconds = {n: roofline.times(summed, TARGET, n).between - n * CHIP.launch for n in (2, 8)}
    once = 1e9 / (chips.LINK_SHARE * CHIP.link)
    assert seconds[2] == pytest.approx(once)
    assert seconds[8] == pytest.approx(2 * 7 / 8 * once)


def test_what_is_computed_on_the_way_may_take_more_than_the_model_finds():
    assert roofline.memory(work_of(arguments=10, memory=16)) == 10 + chips.TEMPORARIES * 6


def test_beyond_one_machine_the_network_carries_the_sums():
    summed = work_of(summed=10**9)
    inside, beyond = (
        roofline.times(summed, chips.Target(CHIP, n), n).between * n / (n - 1) for n in (8, 16)
    )
    assert beyond / inside == pytest.approx(CHIP.link / CHIP.network)
