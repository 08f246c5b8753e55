"""What a run would take on a chip that is not here, on a network of a few hundred weights."""

import dataclasses
import re

import pytest

from synthmed_jax import rehearsal, runner
from synthmed_jax.cost import chips
from synthmed_jax.errors import UserError
from synthmed_jax.stages import classify, diffusion, explain, generate, split, target

SMALL = {
    "diffusion__unet__channels": 4,
    "diffusion__unet__multipliers": (1,),
    "diffusion__unet__middle_attention": False,
    "diffusion__train__batch_size": 4,
    "data__phantom_images": 20,
}


def chip(**changes):
    return dataclasses.replace(chips.CHIPS["a100"], **changes)


def test_a_stage_takes_what_its_calls_take(make_run, capsys, monkeypatch):
    # A kernel of a second, and nothing else, makes times whole numbers of kernels.
    monkeypatch.setattr(target, "in_words", str)
    slow = chips.Target(chip(launch=1.0), 1)
    run = make_run(**SMALL, diffusion__train__steps=20, diffusion__train__val_every=10)
    target.say_expected(run, [diffusion.STAGE, generate.STAGE], slow)
    told = capsys.readouterr().out
    kernels = dict(
        re.findall(r"^  (generator's training step|\d+ of the sampler).* (\d+) kernels", told, re.M)
    )
    step = int(kernels["generator's training step"])
    evaluation = int(kernels["10 of the sampler"]) / 10 / run.settings.generate.block
    # The val images at eight noise levels, and 48 samples in ten steps, for one average.
    num_val = len(run.inputs.planned_split.parts.val)
    expected = 20 * step + 2 * (num_val * 8 + 48 * 10) * evaluation
    drawn = len(generate.lacking_images(run)) * run.settings.generate.block
    said = re.search(r"diffusion (\S+), generate (\S+); in all", told)
    assert float(said[1]) == pytest.approx(expected)
    assert float(said[2]) == pytest.approx(drawn * 10 * evaluation)
    # Nothing of it is taken for this machine's times.
    assert run.compiled.timings == {}
    assert "starting kernels" in told
    assert "warning" not in told


def test_what_does_not_fit_is_told_with_what_would(phantom_config, tmp_path, capsys):
    small = chips.Target(chip(memory=2**10, usable=1.0), 1)
    config = phantom_config(**SMALL | {"diffusion__train__batch_size": 2, "generate__block": 2})
    workdir = tmp_path / "run"
    with pytest.raises(UserError, match="add --dry_run"):
        runner.run(config, workdir, target=small)
    runner.run(config, workdir, ["split", "diffusion"], dry_run=True, target=small)
    assert not workdir.exists()
    told = capsys.readouterr().out
    assert "generator's training step, 2 images needs" in told
    advice = re.findall(r"^  --config\.(\S+?)=(\S+).*?: (\S+) GiB(, fits)?; (\S+) ms", told, re.M)
    assert [(field, value) for field, value, *_ in advice] == [
        ("diffusion.unet.dtype", "bfloat16"),
        ("generate.block", "1"),
        ("diffusion.unet.dtype", "bfloat16"),
        ("diffusion.train.accumulate", "2"),
        ("diffusion.train.batch_size", "1"),
    ]


def test_more_devices_than_images_in_a_batch_are_refused(make_run):
    run = make_run(**SMALL)
    with pytest.raises(UserError, match="can't be split over 7 devices"):
        target.say_expected(run, [diffusion.STAGE], chips.Target(chip(), 7))
    assert rehearsal.current() is None


def test_what_other_hosts_do_not_help_with_takes_the_first_one_s_time(make_run, capsys):
    settings = SMALL | {"diffusion__train__batch_size": 16, "classifier__batch_size": 16}
    run = make_run(**settings)
    said = {}
    for devices in (8, 16):
        target.say_expected(run, [classify.STAGE], chips.Target(chip(launch=1.0), devices))
        told = capsys.readouterr().out
        said[devices] = re.search(
            r"classify (.*?)( \(on the 8 devices of the first host\))?;", told
        )
    assert said[8][1] == said[16][1] != "0 s"
    assert (said[8][2], bool(said[16][2])) == (None, True)


@pytest.mark.parametrize(("given", "gib"), [("", "60.0"), ("0.95", "76.0")])
def test_memory_is_what_jax_is_told_to_take(make_run, capsys, monkeypatch, given, gib):
    monkeypatch.setenv("XLA_PYTHON_CLIENT_MEM_FRACTION", given)
    target.say_expected(make_run(**SMALL), [split.STAGE], chips.parse("a100"))
    assert f"JAX takes {gib} of 80.0 GiB" in capsys.readouterr().out


def test_what_is_short_is_not_foreseen(make_run, capsys):
    run = make_run(**SMALL)
    target.say_expected(run, [split.STAGE], chips.parse("v5e:4"))
    told = capsys.readouterr().out
    assert "expected on 4 x Google TPU v5e: nothing long" in told
    assert explain.STAGE in target.HEAVY
