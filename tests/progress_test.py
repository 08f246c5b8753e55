import sys

import tqdm

from synthmed_jax.progress import file_progress_bar, progress_bar


def test_quick_work_on_files_shows_nothing(capsys):
    assert list(file_progress_bar(["b", "a"], "reading")) == ["b", "a"]
    assert capsys.readouterr().err == ""


def test_slow_work_on_files_shows_and_leaves_nothing_behind(capsys, monkeypatch):
    now = 0.0
    monkeypatch.setattr(tqdm.std, "time", lambda: now)
    seen = []
    for file in file_progress_bar(["a", "b", "c"], "reading"):
        seen.append(file)
        now += 1.5
    assert seen == ["a", "b", "c"]
    written = capsys.readouterr().err
    assert "reading:" in written
    assert written.rsplit("\r", 2)[1].strip() == ""  # wiped


def test_a_bar_says_what_is_done_and_goes_on_where_an_earlier_run_ended(capsys):
    with progress_bar(description="diffusion", total=10, initial=4, unit="step") as bar:
        bar.update(6)
    written = capsys.readouterr().err
    assert "diffusion:  40%" in written
    assert "4/10" in written
    assert "diffusion: 100%" in written
    assert "step" in written


def test_a_file_of_messages_is_not_flooded(monkeypatch, capsys):
    assert progress_bar(description="x").mininterval == 30
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert progress_bar(description="x").mininterval == 0.2
    capsys.readouterr()


def test_everything_comes_through_in_order():
    assert list(progress_bar(iter("abc"), description="x", total=3)) == ["a", "b", "c"]
