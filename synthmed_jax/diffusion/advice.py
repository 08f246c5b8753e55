"""What is allowed of a generator and seldom meant, in sentences."""

from __future__ import annotations

from synthmed_jax.diffusion.generate_settings import SampleSettings
from synthmed_jax.diffusion.schedule import make_schedule
from synthmed_jax.diffusion.settings import DiffusionSettings

# Below so many steps these samplers draw images of less than 0.9 of the right variance, with a
# denoiser that makes no mistake, on some schedule and spacing (docs/measurements.md; a test holds
# it).
NARROW_SAMPLERS, ENOUGH_STEPS = ("ddpm", "ddim"), 30


def warnings(diffusion: DiffusionSettings, sample: SampleSettings) -> list[str]:
    """Returns a sentence for each setting that costs quality and could be better."""
    return [*about_prediction(diffusion), *about_weighting(diffusion), *about_sampler(sample)]


def about_prediction(diffusion: DiffusionSettings) -> list[str]:
    """Returns a sentence where a network's errors are multiplied at the noisiest step."""
    if diffusion.prediction != "eps" or diffusion.noise_schedule == "linear":
        return []
    factor = 1 / make_schedule(diffusion.noise_schedule, diffusion.num_steps).signal[-1]
    return [
        f"config.diffusion.prediction=eps with noise_schedule={diffusion.noise_schedule}: at the "
        f"noisiest step every error of the network is multiplied by {factor:,.0f} in the estimate "
        "of the clean image; prediction=v has no such step"
    ]


def about_weighting(diffusion: DiffusionSettings) -> list[str]:
    """Returns a sentence where the step that sampling starts from is never learned."""
    if not diffusion.zero_terminal_snr or diffusion.train.weighting != "min_snr":
        return []
    return [
        "config.diffusion.train.weighting=min_snr with zero_terminal_snr=True: the loss of the "
        "last step has the weight 0, so that what sampling starts from is not learned; "
        "weighting=simple learns it"
    ]


def about_sampler(sample: SampleSettings) -> list[str]:
    """Returns a sentence where images come out narrower than what they are drawn from."""
    if sample.sampler not in NARROW_SAMPLERS or sample.steps >= ENOUGH_STEPS:
        return []
    return [
        f"config.generate.sampler={sample.sampler} with steps={sample.steps} draws images that "
        f"differ too little from each other: take {ENOUGH_STEPS} steps or more, or "
        "sampler=dpm_solver_pp, which needs fewer"
    ]
