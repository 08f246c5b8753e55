"""A run in a remote workdir: pushes while it works, what stands in the way, and its end."""

import contextlib
import sys
import threading
import time

import pytest

import synthmed_jax
from synthmed_jax import runner, stopping
from synthmed_jax.errors import UserError
from synthmed_jax.remote import lease, manifest, sync
from synthmed_jax.remote.store import Store
from synthmed_jax.remote.sync import Sync
from synthmed_jax.shard import Shard
from tests.remote import faulty

OFTEN = Sync(push_minutes=0.05 / 60)


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch):
    monkeypatch.setattr(sync, "_LOOK_SECONDS", 0.01)


def there(url):
    """Names of the files of the remote workdir."""
    pushed = manifest.read(Store(url))
    return set(pushed.files) if pushed else set()


def wait_for(condition):
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came about")


def write(root, name, text="x"):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def test_all_is_pushed_at_the_end_and_the_workdir_let_go_of(url, tmp_path):
    with sync.kept(url, tmp_path / "a", Sync()) as (root, _):
        write(root, "result")
        assert Store(url).read(lease.NAME)
    assert Store(url).read(lease.NAME) is None
    with sync.kept(url, tmp_path / "b", Sync()) as (root, _):
        assert (root / "result").read_text() == "x"


def test_it_is_pushed_every_so_often(url, tmp_path):
    with sync.kept(url, tmp_path, OFTEN) as (root, _):
        for name in ("first", "second"):
            write(root, name)
            wait_for(lambda name=name: name in there(url))


def test_the_end_of_a_stage_is_pushed_at_once(url, tmp_path):
    with sync.kept(url, tmp_path, Sync(push_minutes=1000.0)) as (root, _):
        write(root, "split/split.json")
        time.sleep(0.1)
        assert there(url) == set()
        write(root, "stages/split.json")
        wait_for(lambda: there(url) == {"split/split.json", "stages/split.json"})


@pytest.mark.parametrize("error", [RuntimeError, stopping.Stopped(15), KeyboardInterrupt])
def test_what_a_run_has_done_is_pushed_when_it_is_broken_off(url, tmp_path, error):
    with (
        contextlib.suppress(RuntimeError, KeyboardInterrupt),
        sync.kept(url, tmp_path, Sync()) as (root, _),
    ):
        write(root, "result")
        raise error
    assert there(url) == {"result"}
    assert Store(url).read(lease.NAME) is None


def test_a_network_that_is_gone_for_a_while_costs_nothing(url, tmp_path, capsys):
    with sync.kept(url, tmp_path, OFTEN) as (root, _):
        write(root, "first")
        wait_for(lambda: "first" in there(url))
        faulty.LEFT[:] = [0]
        write(root, "second")
        said = []
        wait_for(lambda: said.append(capsys.readouterr().out) or "not pushed" in "".join(said))
        time.sleep(0.3)  # some more pushes fail, which is said once
        faulty.LEFT.clear()
        wait_for(lambda: "second" in there(url))
    said = "".join([*said, capsys.readouterr().out])
    assert said.count("note: not pushed: ") == 1
    assert (
        "can't be reached (ConnectionError: the network is gone). The run goes on here; it is"
        in said
    )
    assert said.count("is up to date again") == 1


@pytest.mark.parametrize("broken_off", [False, True])
def test_a_network_that_is_gone_at_the_end_is_told_loudly(url, tmp_path, capsys, broken_off):
    roots = []

    def work():
        with sync.kept(url, tmp_path, Sync()) as (root, _):
            roots.append(root)
            write(root, "result")
            faulty.LEFT[:] = [0]
            if broken_off:
                raise RuntimeError

    with pytest.raises(RuntimeError if broken_off else UserError) as raised:
        work()
    faulty.LEFT.clear()
    message = capsys.readouterr().err if broken_off else str(raised.value)
    assert f"1 files (1 B) are NOT PUSHED to {url}: " in message
    assert f"They are kept in {roots[0]}: give the same command again on this machine" in message
    assert there(url) == set()
    # The advice is right, and the lease that could not be let go of is this machine's own.
    with sync.kept(url, tmp_path, Sync()):
        pass
    assert there(url) == {"result"}


def test_a_storage_that_does_not_answer_at_the_beginning_is_told(url, tmp_path):
    faulty.LEFT[:] = [0]
    with (
        pytest.raises(UserError, match="can't be reached"),
        sync.kept(url, tmp_path, Sync()),
    ):
        pass


def test_a_second_run_is_refused_on_this_machine_and_on_another(url, tmp_path):
    with sync.kept(url, tmp_path / "a", Sync()):
        for cache, where in (("a", "on this machine"), ("b", r"process \d+ on")):
            with (
                pytest.raises(UserError, match=f"^another run is at work in .*({where})"),
                sync.kept(url, tmp_path / cache, Sync()),
            ):
                pass


def test_a_run_whose_workdir_is_taken_over_pushes_nothing_more(url, tmp_path):
    roots = []

    def work():
        with sync.kept(url, tmp_path / "a", Sync()) as (root, _):
            roots.append(root)
            write(root, "of a")
            with sync.kept(url, tmp_path / "b", Sync(take_over=True)) as (other, _):
                write(other, "of b")
                assert there(url) == set()
                faulty.CALLS.clear()
                write(root, "stages/split.json")  # which asks for a push
                time.sleep(0.3)
                assert faulty.CALLS == []

    with pytest.raises(UserError, match=r"was taken over by process .* --from=.* takes over in a"):
        work()
    assert there(url) == {"of b"}
    assert {path.name for path in roots[0].iterdir()} == {"of a", "stages"}


def test_a_second_ctrl_c_says_what_is_not_pushed(url, tmp_path, monkeypatch, capsys):
    def stop(*_):
        raise stopping.Stopped(2)

    def work():
        with sync.kept(url, tmp_path, Sync()) as (root, _):
            write(root, "result")
            monkeypatch.setattr(lease.Lease, "renew", stop)
            stop()

    with pytest.raises(stopping.Stopped):
        work()
    assert "1 files (1 B) are NOT PUSHED" in capsys.readouterr().err


def test_another_host_sees_what_the_one_that_keeps_the_workdir_has_pushed(url, tmp_path):
    with (
        sync.kept(url, tmp_path, Sync(push_minutes=1000.0)) as (root, push),
        sync.followed(url, tmp_path, 1, ("stages", "diffusion")) as (other, pull),
    ):
        write(root, "synthetic/a.png")
        for name in ("stages/split.json", "diffusion/best"):
            write(root, name, name)
            push()
            pull()
            assert (other / name).read_text() == name
        assert not (other / "synthetic").exists()
        (root / "diffusion/best").unlink()
        push()
        pull()
        assert not (other / "diffusion").exists()
        faulty.LEFT[:] = [0]
        write(root, "synthetic/b.png")
        with pytest.raises(UserError, match="NOT PUSHED"):
            push()
        with pytest.raises(UserError, match="can't be reached"):
            pull()
        faulty.LEFT.clear()
    assert there(url) == {"stages/split.json", "synthetic/a.png", "synthetic/b.png"}


def test_reading_neither_holds_nor_writes(url, tmp_path):
    with sync.kept(url, tmp_path / "a", Sync()) as (root, _):
        write(root, "result")
        faulty.LEFT.clear()
    faulty.CALLS.clear()
    with sync.read(url, tmp_path / "b") as copy:
        assert (copy / "result").read_text() == "x"
    assert {what for what, _ in faulty.CALLS} == {"download"}


def test_no_thread_is_left(url, tmp_path):
    before = threading.active_count()
    with sync.kept(url, tmp_path, Sync()):
        pass
    assert threading.active_count() == before


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan")])
def test_minutes_out_of_range_are_refused(minutes):
    with pytest.raises(UserError, match=r"^--push_minutes=.* must be above 0"):
        Sync(push_minutes=minutes)


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(UserError, match=r"for want of a package .*requirements-remote\.txt"):
        Store("s3://bucket/run")


def test_a_protocol_that_nobody_knows_is_told():
    with pytest.raises(UserError, match="can't be opened: Protocol not known"):
        Store("nonsense://bucket/run")


def test_a_run_in_a_remote_workdir_is_the_run_in_a_folder(url, tmp_path, phantom_config, capsys):
    config = phantom_config(data__cache_dir=str(tmp_path / "cache"))
    runner.run(config, url, ["split"])
    runner.run(config, tmp_path / "local", ["split"])
    store = Store(url)
    for name, content in manifest.read(store).files.items():
        pushed = store.read(manifest.object_of(content.sha256))
        if name not in ("run.json", "config.json"):
            assert pushed == (tmp_path / "local" / name).read_bytes(), name
    elsewhere = phantom_config(data__cache_dir=str(tmp_path / "elsewhere"))
    capsys.readouterr()
    runner.run(elsewhere, url, ["split"])
    assert "split: finished, nothing to do" in capsys.readouterr().out
    runner.run(elsewhere, url, ["split"], dry_run=True)
    runner.run(elsewhere, tmp_path / "from", ["split"], source=url)
    capsys.readouterr()
    opened = synthmed_jax.load(url, cache_dir=tmp_path / "elsewhere")
    assert len(opened.fit.images) + len(opened.val.images) == 32


def test_shards_need_a_folder(url, phantom_config):
    with pytest.raises(UserError, match=r"^--workdir=faulty://.* can't be shared by --shard"):
        runner.run(phantom_config(), url, ["classify"], shard=Shard(1, 2))
    assert Store(url).find() == {}


def test_a_workdir_among_the_remote_images_is_refused(url, tmp_path, phantom_config):
    config = phantom_config(data__cache_dir=str(tmp_path / "cache"))
    config.data.update(name="folder", dir=url)
    with pytest.raises(UserError, match=r"run/out lies in data\.dir="):
        runner.run(config, f"{url}/out", ["split"])
    assert Store(url).find() == {}


@pytest.mark.parametrize("field", ["data__dir", "predict__dir"])
def test_a_secret_in_the_settings_is_refused_before_anything_is_written(
    tmp_path, phantom_config, field
):
    config = phantom_config(**{field: "https://host/images?sig=secret"})
    with pytest.raises(
        UserError, match=r"^config\.\w+\.dir=https://host/images was given"
    ) as raised:
        runner.run(config, tmp_path / "run", ["split"])
    assert "secret" not in str(raised.value)
    assert not (tmp_path / "run").exists()
