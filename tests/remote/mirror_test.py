"""A workdir that is pushed from one machine and pulled on another one; kills in between."""

import itertools
import os
import shutil

import pytest

from synthmed_jax.errors import UserError
from synthmed_jax.remote import manifest, mirror
from synthmed_jax.remote.mirror import Mirror
from synthmed_jax.remote.store import Store, Unreachable
from tests.remote import faulty

FIRST = {
    "config.json": b"{}",
    "stages/diffusion.json": b"started",
    "diffusion/metrics.jsonl": b"1\n",
    "diffusion/checkpoints/10/d/a": b"weights of 10",
    "diffusion/checkpoints/10/_METADATA": b"10",
    "report/index.html": b"none yet",
    "empty": b"",
}
SECOND = {
    "config.json": b"{}",
    "stages/diffusion.json": b"finished",
    "diffusion/metrics.jsonl": b"1\n2\n",
    "diffusion/checkpoints/20/d/a": b"weights of 20",
    "diffusion/checkpoints/20/_METADATA": b"20",
    "diffusion/copy of the same": b"weights of 20",
    "report/index.html": b"a report",
    "empty": b"",
}


def put(root, files):
    """Makes a folder hold these files and nothing else; unchanged ones are left as they are."""
    for path, content in contents(root).items():
        if files.get(path) != content:
            (root / path).unlink()
    for path, content in files.items():
        if not (root / path).exists():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)


def contents(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def nothing():
    pass


def push(copy):
    return copy.push(nothing, nothing)


@pytest.fixture
def machine(url, tmp_path):
    """Opens the workdir on a machine of some name, as a process that begins does."""
    return lambda name: Mirror(Store(url), tmp_path / name, "run")


@pytest.fixture
def pushed(machine):
    """The workdir on a first machine, which has pushed FIRST."""
    copy = machine("a")
    assert copy.pull() == (0, 0)
    put(copy.root, FIRST)
    assert push(copy) == len(FIRST)
    return copy


def test_another_machine_gets_what_was_pushed(machine, pushed):
    other = machine("b")
    assert other.pull() == (len(FIRST), sum(map(len, FIRST.values())))
    assert contents(other.root) == FIRST
    put(other.root, SECOND)
    assert push(other) == 8  # of which two are gone
    again = machine("a")
    again.pull()
    assert contents(again.root) == SECOND
    # Not even as empty folders, which would be taken for checkpoints.
    assert [path.name for path in (again.root / "diffusion" / "checkpoints").iterdir()] == ["20"]


def test_a_restart_on_the_same_machine_moves_nothing(machine, pushed):
    put(pushed.root, SECOND)  # and the process is killed
    faulty.CALLS.clear()
    again = machine("a")
    assert again.pull() == (0, 0)
    assert contents(again.root) == SECOND
    assert faulty.CALLS == []
    push(again)
    faulty.CALLS.clear()
    once_more = machine("a")
    assert once_more.pull() == (0, 0)
    assert push(once_more) == 0
    assert faulty.CALLS == []


def test_only_what_is_other_is_moved(url, machine, pushed):
    faulty.CALLS.clear()
    (pushed.root / "new").write_bytes(b"new")
    (pushed.root / "the same").write_bytes(FIRST["config.json"])
    assert push(pushed) == 2
    assert sum(what == "upload" for what, _ in faulty.CALLS) == 1
    faulty.CALLS.clear()
    (pushed.root / "new").unlink()
    push(pushed)
    assert [what for what, _ in faulty.CALLS] == ["write", "move", "remove"]
    assert len(Store(url).find(manifest.OBJECTS)) == len(set(FIRST.values()))


def pushes():
    """Numbers of changes after which the storage stops to answer."""
    return range(14)


@pytest.mark.parametrize("changes", pushes())
@pytest.mark.parametrize("by", ["this machine", "another machine"])
def test_a_push_that_is_broken_off_anywhere_leaves_one_state_or_the_other(
    url, machine, pushed, changes, by
):
    put(pushed.root, SECOND)
    faulty.LEFT[:] = [changes]
    broken = False
    try:
        push(pushed)
    except Unreachable:
        broken = True
    assert broken == (changes < 13), "pushes() no longer goes to the end of a push"
    faulty.LEFT.clear()
    other = machine("b")
    other.pull()
    seen = contents(other.root)
    assert seen in (FIRST, SECOND)
    # What was begun goes on, on either machine, to the same end.
    copy = machine("a") if by == "this machine" else other
    copy.pull()
    if by == "this machine":
        assert contents(copy.root) == SECOND
    put(copy.root, SECOND)
    push(copy)
    third = machine("c")
    third.pull()
    assert contents(third.root) == SECOND
    assert set(Store(url).find(manifest.OBJECTS)) == {
        content.sha256 for content in manifest.read(Store(url)).files.values()
    }
    assert [path for path in copy.root.parent.iterdir() if path.name.startswith("run.")] == []


def test_all_kills_of_a_push_are_tried(machine, pushed):
    """Both ends of the parameters above are reached: nothing was written, and all was."""
    put(pushed.root, SECOND)
    faulty.CALLS.clear()
    push(pushed)
    assert len([what for what, _ in faulty.CALLS if what != "download"]) == max(pushes())


@pytest.mark.parametrize("files", range(len(FIRST)))
def test_a_pull_that_is_broken_off_is_done_again(machine, pushed, monkeypatch, files):
    other = machine("b")
    monkeypatch.setattr(mirror, "_BATCH", 1)
    real, count = Store.download, itertools.count()

    def download(self, pairs):
        if next(count) == files:
            raise Unreachable("the network is gone")
        real(self, pairs)

    monkeypatch.setattr(Store, "download", download)
    with pytest.raises(Unreachable):
        other.pull()
    monkeypatch.setattr(Store, "download", real)
    again = machine("b")
    assert again.pull()[0] == len(FIRST) - files
    assert contents(again.root) == FIRST


def test_what_was_not_pushed_while_another_machine_went_on_is_set_aside(
    machine, pushed, capsys, tmp_path
):
    (pushed.root / "mine").write_bytes(b"not pushed")
    other = machine("b")
    other.pull()
    put(other.root, SECOND)
    push(other)
    again = machine("a")
    again.pull()
    assert contents(again.root) == SECOND
    (aside,) = (path for path in (tmp_path / "a").iterdir() if path.name.startswith("run."))
    assert contents(aside) == FIRST | {"mine": b"not pushed"}
    assert str(aside) in capsys.readouterr().out


def test_a_remote_workdir_that_was_deleted_begins_anew_and_the_copy_is_kept(
    url, machine, pushed, tmp_path
):
    (pushed.root / "mine").write_bytes(b"not pushed")
    Store(url).remove([manifest.NAME])
    again = machine("a")
    again.pull()
    assert contents(again.root) == {}
    (aside,) = (path for path in (tmp_path / "a").iterdir() if path.name.startswith("run."))
    assert contents(aside) == FIRST | {"mine": b"not pushed"}


@pytest.mark.parametrize("text", [None, "", "{}", '{"copy": 1, "commits": [], "files": {"a": 1}}'])
def test_a_copy_of_which_nothing_is_known_is_set_aside(machine, pushed, tmp_path, text):
    (pushed.root / "mine").write_bytes(b"not pushed")
    state = tmp_path / "a" / "state.json"
    state.unlink() if text is None else state.write_text(text)
    again = machine("a")
    again.pull()
    assert contents(again.root) == FIRST
    assert len([path for path in (tmp_path / "a").iterdir() if path.name.startswith("run.")]) == 1


def test_a_copy_that_was_cleaned_away_is_fetched_and_never_pushed_as_empty(machine, pushed):
    shutil.rmtree(pushed.root)
    again = machine("a")
    assert again.pull()[0] == len(FIRST)
    assert contents(again.root) == FIRST


@pytest.mark.parametrize("content", [None, b"flipped bits."])
def test_objects_that_are_not_what_was_pushed_are_never_used(url, machine, pushed, capsys, content):
    store = Store(url)
    digest = manifest.read(store).files["diffusion/checkpoints/10/d/a"].sha256
    name = manifest.object_of(digest)
    store.remove([name]) if content is None else store.write(name, content)
    other = machine("b")
    other.pull()
    whole = dict(FIRST)
    del whole["diffusion/checkpoints/10/d/a"]
    assert contents(other.root) == whole
    assert "no longer what was pushed of diffusion/checkpoints/10/d/a" in capsys.readouterr().out


def test_an_object_that_was_deleted_there_is_pushed_again(url, machine, pushed):
    store = Store(url)
    digest = manifest.read(store).files["config.json"].sha256
    store.remove([manifest.object_of(digest)])
    push(pushed)
    assert digest in store.find(manifest.OBJECTS)
    other = machine("b")
    other.pull()
    assert contents(other.root) == FIRST


def test_half_written_files_and_checkpoints_stay_here(machine, pushed):
    unfinished = {
        ".lock": b"",
        ".locks/classify": b"",
        "diffusion/.best.json.77.tmp": b"{",
        "diffusion/checkpoints/20.orbax-checkpoint-tmp-5/d/a": b"half",
    }
    put(pushed.root, FIRST | unfinished)
    assert push(pushed) == 0


def test_a_push_that_may_not_be_confirmed_changes_nothing(machine, pushed):
    put(pushed.root, SECOND)

    def refuse():
        raise UserError("taken over")

    with pytest.raises(UserError, match="taken over"):
        pushed.push(nothing, refuse)
    other = machine("b")
    other.pull()
    assert contents(other.root) == FIRST


def test_a_large_file_that_changes_while_it_is_pushed_is_not_pushed(machine, pushed, monkeypatch):
    monkeypatch.setattr("synthmed_jax.remote.snapshot._COPIED_BYTES", 3)
    large = pushed.root / "large"
    large.write_bytes(b"large file")
    real = Store.upload

    def upload(self, pairs):
        with large.open("ab") as file:
            file.write(b" grows")
        real(self, pairs)

    monkeypatch.setattr(Store, "upload", upload)
    with pytest.raises(Unreachable, match="was written to while it was pushed"):
        push(pushed)
    monkeypatch.setattr(Store, "upload", real)
    push(machine_of(pushed))
    other = machine("b")
    other.pull()
    assert contents(other.root) == FIRST | {"large": b"large file grows"}


def machine_of(copy):
    """The same process tries again."""
    return copy


def test_a_report_can_be_opened_there_by_its_name(url, pushed):
    assert Store(url).read("report/index.html") == FIRST["report/index.html"]
    put(pushed.root, SECOND)
    push(pushed)
    assert Store(url).read("report/index.html") == SECOND["report/index.html"]


@pytest.mark.parametrize("path", ["../outside", "/etc/x", "a/../../x", "a//b", "", "./a", "a\0b"])
def test_a_manifest_that_would_write_elsewhere_is_refused(url, machine, pushed, path, tmp_path):
    content = next(iter(manifest.read(Store(url)).files.values()))
    manifest.write(Store(url), manifest.make({path: content}))
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(UserError, match="is not what this version writes for a workdir"):
        machine("b").pull()
    assert sorted(os.listdir(tmp_path)) == sorted([*before, "b"])


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"version": 2}', b"\xff"])
def test_a_manifest_of_another_program_is_refused(url, machine, text):
    Store(url).write(manifest.NAME, text)
    with pytest.raises(UserError, match=r"manifest\.json is not what this version writes"):
        machine("a").pull()
