"""The search for copies on the three real sets, split by image with seed 0, at 64 pixels."""

import importlib

import numpy as np
import pytest
from scipy import ndimage

from synthmed_jax import settings, verdicts
from synthmed_jax.audit import copy_excess, copy_search
from synthmed_jax.audit.copy_threshold import exact_rate
from synthmed_jax.data import held_out, near_duplicates
from synthmed_jax.results.memorisation import UNION

pytestmark = pytest.mark.real_data
SETS = ("covid_ddpm", "brain_ddpm", "all_ddpm")
HARD = ("turned by 5 degrees", "enlarged by 6 %")


@pytest.fixture(scope="module", params=SETS)
def searched(request, real_data, tmp_path_factory):
    """What a search flags, `fit` images, and held-out ones that have no near-duplicate in them."""
    config = importlib.import_module(f"configs.{request.param}").get_config("cpu")
    folder = tmp_path_factory.mktemp(request.param)
    config.data.update(dir=str(real_data), cache_dir=str(folder), image_size=64)
    config.split.group_by = "none"
    run = settings.from_config(config)
    data, path = held_out.open_data_set(run.data), folder / "split.json"
    held_out.write_split(path, data, run.split)
    fit = held_out.read_parts(path, data).fit.images
    test = held_out.read_test(path, data).images
    threshold = near_duplicates.find(fit, np.arange(len(fit))).threshold
    new = test[~near_duplicates.are_near(test, fit, threshold)]
    new = new[np.random.default_rng(0).permutation(len(new))[:3200]]
    return copy_search.calibrate(fit, run.diffusion.flips, 0), fit, new


def judge(calibrated, images):
    """The share that the union flags, and the verdict."""
    nearest = calibrated.look(images)
    flagged = exact_rate(int(calibrated.flag(nearest, UNION).sum()), len(images))
    p = copy_excess.copies_p(flagged, calibrated.count_strictly(nearest), len(nearest))
    return flagged.share, verdicts.judge_copies(p)


def test_changed_copies_are_found(searched):
    calibrated, fit, _ = searched
    power = copy_search.measure_power(calibrated, fit, 0)[UNION]
    for how, rate in power.items():
        print(f"{how}: {rate.share:.3f}")
        assert rate.share >= (0.8 if how in HARD else 0.95), how


def test_unseen_real_images_are_not_called_copies(searched, request):
    calibrated, _, new = searched
    share, verdict = judge(calibrated, new)
    print(f"false alarms: {share:.4f}")
    assert verdict == verdicts.Copies.NOT_FOUND
    assert share >= 0.005
    if request.node.callspec.params["searched"] == "covid_ddpm" and 0.02 < share <= 0.025:
        pytest.xfail(f"{share:.1%} of CT are flagged: why, docs/measurements.md says")
    assert share <= 0.02


def test_blurred_real_images_are_not_called_copies(searched):
    calibrated, _, new = searched
    blurred = np.rint(ndimage.gaussian_filter(new[:1200].astype(float), (0, 1, 1, 0)))
    assert judge(calibrated, blurred.astype(np.uint8))[1] == verdicts.Copies.NOT_FOUND


@pytest.mark.parametrize(("share", "pixels"), [(0.01, 0), (0.5, 1)])
def test_planted_copies_are_found_out(searched, share, pixels):
    calibrated, fit, new = searched
    mixed = new.copy()
    count = int(share * len(mixed))
    chosen = np.random.default_rng(1).choice(len(fit), count)
    mixed[:count] = np.roll(fit[chosen], pixels, axis=2)
    assert judge(calibrated, mixed)[1] == verdicts.Copies.FOUND


def test_noise_is_no_copy(searched):
    calibrated, fit, _ = searched
    noise = np.random.default_rng(2).integers(0, 256, (600, *fit.shape[1:])).astype(np.uint8)
    share, verdict = judge(calibrated, noise)
    assert share <= 0.02
    assert verdict == verdicts.Copies.NOT_FOUND
