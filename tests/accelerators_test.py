"""What a GPU or TPU would be given: every program, exported for it from this machine's CPU."""

import collections
import importlib
import re

import jax
import jax.numpy as jnp
import pytest

from synthmed_jax import parallel, rehearsal, settings
from synthmed_jax.classifiers.networks import BACKBONES
from synthmed_jax.conv import conv_general_dilated, onednn
from synthmed_jax.diffusion.samplers import SAMPLERS
from tests import accelerator_programs

PLATFORMS = ("cuda", "tpu")
# What XLA itself knows on every platform; a program that names another one needs this machine.
KNOWN_CALLS: frozenset[str] = frozenset()
_CALL = re.compile(r'custom_call(?: @"?([\w.$]+)"?|.*?call_target_name = "([\w.$]+)")')


def complaints(program: rehearsal.Program, convolutions: int) -> list[str]:
    """What is wrong with a program for its platform; empty: it can run there as it is.

    Args:
      convolutions: as many, at least, are to be left to XLA: algorithms for a CPU, such as
        Winograd's, call nothing foreign.
    """
    try:
        exported = program.export()
    except ValueError as error:  # jax.export knows which calls are safe
        return [str(error)]
    text = exported.mlir_module()
    found = sorted({a or b for a, b in _CALL.findall(text)} - KNOWN_CALLS)
    wrong = [f"calls {name}" for name in found]
    there = len(re.findall(r"stablehlo\.convolution", text))
    if there < convolutions:
        wrong.append(f"{there} convolutions of {convolutions}")
    if exported.platforms != (program.machine.platform,):
        wrong.append(f"is for {exported.platforms}")
    if exported.nr_devices != program.devices:
        wrong.append(f"is for {exported.nr_devices} devices")
    return wrong


def run_settings(name, scale, **changes):
    config = importlib.import_module(f"configs.{name}").get_config(scale)
    config.update_from_flattened_dict({k.replace("__", "."): v for k, v in changes.items()})
    return settings.from_config(config)


def judge(found):
    """Every program of an iterator; each must be faultless, and none may be missing."""
    seen = collections.Counter()
    for name, program, convolutions in found:
        assert complaints(program, convolutions) == [], name
        seen[name] += 1
    return set(seen)


TINY = {
    "diffusion__unet__channels": 8,
    "diffusion__unet__multipliers": (1,),
    "diffusion__unet__attention": (8,),
    "diffusion__unet__dropout": 0.1,
    "diffusion__unet__middle_attention": False,
    "diffusion__train__accumulate": 2,
    "classifier__small_images": True,
}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_small_runs_programs_are_for_the_platform(platform):
    small = run_settings("phantom_ddpm", "smoke", **TINY)
    with rehearsal.on(platform, 2) as rehearsed:
        assert len(judge(accelerator_programs.of_generator(small, rehearsed, ("ddpm",)))) == 4
        assert len(judge(accelerator_programs.of_classifier(small, rehearsed, "alexnet"))) == 5
        assert len(judge(accelerator_programs.of_explanation(small, rehearsed, "alexnet"))) == 3
        assert len(judge(accelerator_programs.of_audit(small, rehearsed))) == 7


CONFIGS = ("all_ddpm", "brain_ddpm", "covid_ddpm", "medmnist_ddpm", "phantom_ddpm", "folder_ddpm")


@pytest.mark.reliability
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("config", CONFIGS)
def test_a_generator_of_paper_scale_is_for_the_platform(config, platform):
    paper = run_settings(config, "paper")
    with rehearsal.on(platform, 8) as rehearsed:
        names = tuple(SAMPLERS) if config == "all_ddpm" else ("ddpm",)
        assert judge(accelerator_programs.of_generator(paper, rehearsed, names))
        assert judge(accelerator_programs.of_attack(paper, rehearsed))
        assert judge(accelerator_programs.of_audit(paper, rehearsed))


@pytest.mark.reliability
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("backbone", sorted(BACKBONES))
def test_a_classifier_of_paper_scale_is_for_the_platform(backbone, platform):
    paper = run_settings("all_ddpm", "paper")
    with rehearsal.on(platform, 8) as rehearsed:
        assert len(judge(accelerator_programs.of_classifier(paper, rehearsed, backbone))) == 5
        assert len(judge(accelerator_programs.of_explanation(paper, rehearsed, backbone))) == 3


def convolution(x, kernel):
    numbers = jax.lax.conv_dimension_numbers(x.shape, kernel.shape, ("NHWC", "HWIO", "NHWC"))
    return conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=numbers)


def convolve(kernel, x):
    return convolution(x, kernel)


SHAPES = (
    jax.ShapeDtypeStruct((3, 3, 16, 16), jnp.float32),
    jax.ShapeDtypeStruct((4, 8, 8, 16), jnp.float32),
)


def exported(platform, function):
    """The program of function(kernel, images), spread over two devices of a platform."""
    with rehearsal.on(platform, 2) as rehearsed:
        parallel.map_examples(function, 4)(*SHAPES)
    return rehearsed.programs[-1]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_call_that_only_a_cpu_has_is_found(platform, monkeypatch):
    assert complaints(exported(platform, convolve), 1) == []

    def with_callback(kernel, x):
        y = convolution(x, kernel)
        return jax.pure_callback(lambda v: v, jax.ShapeDtypeStruct(y.shape, y.dtype), y)

    assert complaints(exported(platform, with_callback), 1) != []

    def with_foreign(kernel, x):
        call = jax.ffi.ffi_call("a_library_of_this_host", jax.ShapeDtypeStruct(x.shape, x.dtype))
        return convolution(call(x), kernel)

    assert complaints(exported(platform, with_foreign), 1) != []
    # As if conv/ chose what this machine's CPU does.
    monkeypatch.setattr(parallel, "is_cpu", lambda: True)
    monkeypatch.setattr(onednn, "is_available", lambda: False)
    assert complaints(exported(platform, convolve), 1) == ["0 convolutions of 1"]


@pytest.mark.skipif(not onednn.is_available(), reason="oneDNN is only for x86-64 Linux")
@pytest.mark.parametrize("platform", PLATFORMS)
def test_onednn_in_a_gpus_program_is_found(platform, monkeypatch):
    monkeypatch.setattr(parallel, "is_cpu", lambda: True)
    found = complaints(exported(platform, convolve), 1)
    assert "synthmed_onednn" in " ".join(found)


def test_what_was_traced_for_this_cpu_is_not_taken_for_a_gpu():
    inner = jax.jit(convolution)
    inner.trace(SHAPES[1], SHAPES[0])

    def outer(kernel, x):
        return inner(x, kernel)

    assert complaints(exported("cuda", outer), 1) == []
    # Nor the other way round: this machine's CPU goes on with its own.
    kernel, x = (jnp.ones(shape.shape) for shape in SHAPES)
    text = inner.lower(x, kernel).as_text()
    assert "stablehlo.convolution" not in text
