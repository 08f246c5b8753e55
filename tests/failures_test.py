"""What the machine refuses is one sentence, whatever error it arrives in."""

import errno
import importlib
import os

import jax
import pytest

from synthmed_jax import failures, machine, settings
from synthmed_jax.errors import UserError
from synthmed_jax.stages.run import make_run

FULL = os.strerror(errno.ENOSPC)
NEEDED = "RESOURCE_EXHAUSTED: Out of memory allocating 4000000000 bytes."
# As orbax wraps it.
OCDBT = f'RESOURCE_EXHAUSTED: Error writing "a/c/0" in OCDBT database: write() failed: {FULL}'


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run at smoke scale: batches of 8 for the generator, blocks of 4, batches of 16."""
    config = importlib.import_module("configs.phantom_ddpm").get_config("smoke")
    config.data.cache_dir = str(tmp_path / "cache")
    config.diffusion.train.batch_size = 64
    config.generate.block = 80
    config.classifier.batch_size = config.explain.batch_size = 80
    monkeypatch.setattr(machine, "available_memory", lambda: 10**9)  # a quarter of NEEDED
    (tmp_path / "run").mkdir()
    return make_run(settings.from_config(config), tmp_path / "run")


def raised_from(outer, cause):
    outer.__cause__ = cause
    return outer


@pytest.mark.parametrize(
    ("error", "place"),
    [
        (OSError(errno.ENOSPC, FULL, "/a/b.png"), "/a/b.png"),
        (OSError(errno.ENOSPC, FULL, b"/a/b.png"), "/a/b.png"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), "{workdir}"),
        (ValueError(OCDBT), "{workdir}"),
        (raised_from(RuntimeError("save failed"), ValueError(OCDBT)), "{workdir}"),
        (ExceptionGroup("threads", [RuntimeError("a"), ValueError(OCDBT)]), "{workdir}"),
    ],
)
def test_a_full_disk_is_named_with_the_way_on(run, error, place):
    with pytest.raises(UserError) as raised, failures.told(run, "classify"):
        raise error
    assert str(raised.value) == (
        f"no room left on the device of {place.format(workdir=run.workdir.root)}; nothing that was "
        "saved is lost: make room, and give the same command again"
    )


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "Permission denied"),
        (errno.EROFS, "Read-only file system"),
        (errno.EMFILE, "Too many open files"),
    ],
)
def test_a_file_that_can_not_be_written_is_named(run, number, words):
    said = rf"^/a/b: {words}; nothing that was saved is lost: mend"
    with pytest.raises(UserError, match=said), failures.told(run, "split"):
        raise OSError(number, os.strerror(number), "/a/b")


@pytest.mark.parametrize(
    "error", [ValueError("other"), FileNotFoundError(2, "No such file"), KeyError("a")]
)
def test_other_errors_pass_as_they_are(run, error):
    assert failures.explain(error, run, "split") is None
    with pytest.raises(type(error)) as raised, failures.told(run, "split"):
        raise error
    assert raised.value is error


def test_what_is_a_sentence_already_stays_one(run):
    error = UserError("mine")
    error.__context__ = OSError(errno.ENOSPC, FULL)
    with pytest.raises(UserError, match=r"^mine$"), failures.told(run):
        raise error


SIZES = r"\(3\.7 GiB in one piece, 0\.9 GiB available\); nothing that was saved is lost: "


@pytest.mark.parametrize(
    ("stage", "advice"),
    [
        # 64 images do not fit, a quarter does.
        ("diffusion", r"--config\.diffusion\.train\.accumulate=4 computes each batch of 64 in 4 "
         r"parts; or set .*batch_size=16 or .*unet\.dtype=bfloat16$"),
        ("generate", r"set --config\.generate\.block=20$"),
        ("sweep", r"set --config\.generate\.block=20$"),
        ("classify", r"set --config\.classifier\.batch_size=20 or .*dtype=bfloat16$"),
        ("tune", r"set --config\.classifier\.batch_size=20"),
        ("evaluate", r"set --config\.classifier\.batch_size=20"),
        ("explain", r"set --config\.explain\.batch_size=20$"),
        ("split", r"end other programs that take memory, or lower config\.data\.image_size$"),
    ],
)  # fmt: skip
def test_too_little_memory_names_what_to_lower_and_to_which_size(run, stage, advice):
    error = jax.errors.JaxRuntimeError(NEEDED)
    said = f"^stage '{stage}' ran out of memory {SIZES}{advice}"
    with pytest.raises(UserError, match=said), failures.told(run, stage):
        raise error


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 4294967296 bytes.", "4.0"),
        ("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 2.50GiB.", "2.5"),
        ("RESOURCE_EXHAUSTED: Out of memory: failed to allocate 512.00MiB of memory", "0.5"),
    ],
)
def test_devices_say_what_they_needed_in_several_ways(run, text, size):
    said = failures.explain(jax.errors.JaxRuntimeError(text), run, "generate")
    assert f"({size} GiB in one piece, 0.9 GiB available)" in said


def test_without_numbers_half_is_advised(run, monkeypatch):
    monkeypatch.setattr(machine, "available_memory", lambda: None)
    assert failures.explain(MemoryError(), run, "generate") == (
        "stage 'generate' ran out of memory; nothing that was saved is lost: set "
        "--config.generate.block=40"
    )


def test_numpys_errors_are_of_memory_too(run):
    error = MemoryError("Unable to allocate 3.70 GiB for an array with shape (1000, 1000, 1000)")
    assert failures.explain(error, run, "explain").endswith("explain.batch_size=20")
