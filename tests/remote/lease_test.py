"""Who may work in a remote workdir."""

import time

import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.remote import lease
from synthmed_jax.remote.lease import Lease, Lost
from synthmed_jax.remote.store import Store


@pytest.fixture
def hold(url):
    """Makes leases of machines: name, seconds between pushes -> lease, not acquired."""
    return lambda machine, seconds=600.0: Lease(Store(url), machine, seconds)


def test_a_second_run_is_refused_until_the_first_ends(hold):
    first, second = hold("a"), hold("b")
    first.acquire()
    with pytest.raises(
        UserError,
        match=r"^another run is at work in faulty://.*: process \d+ on \S+, last seen alive \d+ s "
        r"ago\. .* in 30 min it is taken for dead; --take_over takes",
    ):
        second.acquire()
    first.release()
    second.acquire()
    second.check()


@pytest.mark.parametrize(("seconds", "minutes"), [(60.0, 30), (600.0, 30), (3600.0, 180)])
def test_a_run_that_is_not_heard_of_in_time_is_taken_for_dead(hold, monkeypatch, seconds, minutes):
    first, second = hold("a", seconds), hold("b", 10.0)
    first.acquire()
    now = time.time()
    monkeypatch.setattr(lease.time, "time", lambda: now + 60 * minutes - 5)
    with pytest.raises(UserError, match="is at work"):
        second.acquire()
    first.renew()
    monkeypatch.setattr(lease.time, "time", lambda: now + 60 * minutes + 5)
    with pytest.raises(UserError, match="is at work"):
        second.acquire()
    monkeypatch.setattr(lease.time, "time", lambda: now + 120 * minutes)
    second.acquire()
    with pytest.raises(Lost, match="was taken over by process"):
        first.renew()


def test_a_run_that_was_killed_in_the_same_copy_is_dead(hold):
    hold("a").acquire()
    hold("a").acquire()


def test_copies_that_can_not_be_locked_are_not_taken_for_dead(hold):
    hold("").acquire()
    with pytest.raises(UserError, match="is at work"):
        hold("").acquire()


def test_who_lost_the_workdir_neither_renews_nor_lets_go(hold):
    first, second = hold("a"), hold("b")
    first.acquire()
    second.acquire(take_over=True)
    for action in (first.renew, first.check):
        with pytest.raises(Lost):
            action()
    first.release()
    second.check()


def test_a_lease_is_renewed_while_a_long_push_goes_on(hold, monkeypatch, url):
    first = hold("a")
    first.acquire()
    now = time.time()
    before = Store(url).read(lease.NAME)
    first.renew_if_due()
    assert Store(url).read(lease.NAME) == before
    monkeypatch.setattr(lease.time, "time", lambda: now + 601)
    first.renew_if_due()
    assert Store(url).read(lease.NAME) != before


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"token": 1}'])
def test_a_lease_of_another_program_is_refused(hold, url, text):
    Store(url).write(lease.NAME, text)
    with pytest.raises(UserError, match=r"lease\.json is not what a run writes there"):
        hold("a").acquire()
