from synthmed_jax import progress
from synthmed_jax.progress import Minutely
from synthmed_jax.terminal.board import State
from synthmed_jax.terminal.screen import Plain


def test_stages_are_lines(capsys):
    screen = Plain()
    with screen.stages({"split": State.WAITING, "diffusion": State.WAITING}):
        screen.end("split", State.KEPT, 0.0)
        screen.expect({"diffusion": 300.0})
        screen.start("diffusion", 300.0)
        screen.end("diffusion", State.DONE, 299.6)
        screen.start("generate", None)
        screen.end("generate", State.STOPPED, 1.0)
    screen.answer(["Can it?", "  No.", "report: /r"])
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines() == [
        "split: finished, nothing to do",
        "diffusion ... about 5 min",
        "diffusion: done in 300 s",
        "generate ...",
        *("-" * 72, "Can it?", "  No.", "report: /r", "-" * 72),
    ]


def test_each_stage_has_a_minute_before_it_is_spoken_of(capsys):
    now = [0.0]
    screen = Plain(Minutely(lambda: now[0]))
    with screen.stages({}):
        for name in ("a", "b"):
            screen.start(name, None)
            with progress.progress_bar(description=name, total=4, unit="step") as bar:
                for _ in range(4):
                    now[0] += 59 if name == "a" and bar.done == 0 else 0.5
                    bar.update()
    err = capsys.readouterr().err
    assert [line.partition(" (")[0] for line in err.splitlines()] == ["a: 3/4 steps"]
