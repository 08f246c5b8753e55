import pathlib
import subprocess
import sys

import jax
import numpy as np
import pytest

from synthmed_jax import checkpoint, hosts, parallel
from synthmed_jax.diffusion.step import init_state
from synthmed_jax.errors import UserError
from synthmed_jax.metrics_log import read_metrics
from tests import several_hosts
from tests.free_port import free_port

_PROGRAM = pathlib.Path(several_hosts.__file__)


def test_alone_there_is_one_host_that_leads_and_nothing_to_tell():
    assert (hosts.count(), hosts.index(), hosts.follows()) == (1, 0, False)
    with hosts.joined(None, lambda: False), hosts.helped({"stage": "diffusion"}):
        hosts.tell("step")
        assert hosts.gathered([1, 2]) == [[1, 2]]
    state = {"w": np.arange(3.0)}
    assert parallel.from_leader(state) is state
    assert parallel.rows_of_this_host(8) == slice(0, 8)
    assert parallel.devices_of_all_hosts() == jax.local_devices()


@pytest.mark.parametrize("address", ["node1", "node1:", "node1:port"])
def test_an_address_needs_its_port(address):
    with (
        pytest.raises(UserError, match="--coordinator="),
        hosts.joined(hosts.Cluster(address, 2, 0), lambda: False),
    ):
        pass


def test_a_start_that_jax_refuses_says_what_to_give():
    with pytest.raises(UserError, match="give --coordinator"):
        hosts._join(hosts.Cluster("127.0.0.1:9", 2, 5))


class _NoPulse:
    """In the place of `Pulse`: nobody is told anything."""

    def __init__(self, *_):
        self.start = self.stop = lambda: None
        self.fail = lambda why: None


_GLOO = "UNKNOWN: Gloo all-reduce failed: Connection"
_GONE = "another host, with which it takes a step, is gone"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (jax.errors.JaxRuntimeError(f"{_GLOO} closed by peer [127.0.0.1]"), _GONE),
        (jax.errors.JaxRuntimeError(f"{_GLOO} reset by peer"), _GONE),
        (jax.errors.JaxRuntimeError(f"{_GLOO} timed out"), f"^{_GLOO} timed out$"),
        # Of a storage, and of what this program prints to.
        (ConnectionResetError("Connection reset by peer"), "^Connection reset by peer$"),
        (BrokenPipeError("Broken pipe"), "^Broken pipe$"),
    ],
)
def test_a_sum_that_a_neighbour_does_not_take_says_that_it_is_gone(monkeypatch, error, sentence):
    monkeypatch.setattr(hosts, "_join", lambda cluster: hosts._Job(None, 0, 2))
    monkeypatch.setattr(hosts, "Pulse", _NoPulse)
    monkeypatch.setattr(hosts, "_leave", lambda: None)

    def work():
        with hosts.joined(hosts.Cluster(), lambda: False):
            raise error

    with pytest.raises(UserError if sentence == _GONE else type(error), match=sentence):
        work()


@pytest.fixture
def as_third_of_four(monkeypatch):
    monkeypatch.setattr(hosts, "_job", hosts._Job(None, 2, 4))


def test_a_host_has_its_rows_of_a_batch(as_third_of_four):
    assert hosts.follows()
    assert parallel.rows_of_this_host(12) == slice(6, 9)
    assert parallel.device_count_of_all_hosts() == 4 * jax.local_device_count()


def test_hosts_must_have_equal_numbers_of_devices(as_third_of_four):
    with pytest.raises(UserError, match="4 hosts have 2 devices together, and this one has 2"):
        parallel.connect_hosts()


def test_orbax_is_told_of_one_host_while_it_saves_and_no_longer(as_third_of_four, monkeypatch):
    monkeypatch.setattr(jax, "process_count", lambda: 4)
    with checkpoint._as_only_host():
        assert (jax.process_count(), jax.process_index()) == (1, 0)
    assert jax.process_count() == 4


def test_two_hosts_train_and_draw_what_one_does(tmp_path):
    """Two processes of one device each against this one, which has two devices."""
    port = str(free_port())
    runs = [
        subprocess.Popen(
            [sys.executable, str(_PROGRAM), str(tmp_path / "two"), "1", port, "2", str(index)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for index in range(2)
    ]
    several_hosts.work(tmp_path / "one")
    said = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    one, two = (read_metrics(tmp_path / name / "training/metrics.jsonl") for name in ("one", "two"))
    # Sums over devices are added in another order.
    np.testing.assert_allclose(
        [record["loss"] for record in two], [record["loss"] for record in one], rtol=1e-5
    )
    like = init_state(several_hosts.settings(), several_hosts.model())
    states = [
        checkpoint.restore(tmp_path / name / "training/checkpoints", like).state
        for name in ("one", "two")
    ]
    # Adam divides by the size of gradients, small ones too: of a step of 1e-2, a hundredth.
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4), *states)
    drawn = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}
        for folder in map(tmp_path.joinpath, ("one/synthetic", "two/synthetic", "two/reported"))
    ]
    assert len(drawn[0]) == sum(several_hosts.COUNTS) + 1
    assert drawn[0] == drawn[1] == drawn[2]
