import importlib
import json

import jax
import jax.numpy as jnp
import pytest
from ml_collections import ConfigDict

from configs import base
from synthmed_jax import classifiers, protocol, settings
from synthmed_jax.classifiers.settings import steps_of
from synthmed_jax.diffusion import advice
from synthmed_jax.diffusion.schedule import MAX_BETA, make_schedule
from synthmed_jax.diffusion.settings import LINEAR_STEPS
from synthmed_jax.diffusion.unet import UNet
from synthmed_jax.diffusion.unet_settings import check_attention
from synthmed_jax.errors import UserError

CONFIGS = ("all_ddpm", "brain_ddpm", "covid_ddpm", "phantom_ddpm", "folder_ddpm", "medmnist_ddpm")


def load(name, scale):
    config = importlib.import_module(f"configs.{name}").get_config(scale)
    config.lock()
    return config


@pytest.mark.parametrize("scale", base.SCALES)
@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_loads_locks_and_builds_its_networks(name, scale):
    config = load(name, scale)
    run = settings.from_config(config)
    assert run.scale == scale
    make_schedule(
        run.diffusion.noise_schedule,
        run.diffusion.num_steps,
        zero_terminal_snr=run.diffusion.zero_terminal_snr,
    )
    side, channels = run.data.image_size, run.data.channels
    x = jnp.zeros((2, side, side, channels))
    t = jnp.zeros(2, jnp.int32)
    network = UNet(run.diffusion.unet, num_classes=4)
    output, _ = jax.eval_shape(network.init_with_output, jax.random.key(0), x, t, t)
    assert output.shape == x.shape
    for backbone in run.classifier.backbones:
        classifier = classifiers.create(backbone, 4)
        seen = jnp.zeros((2, run.classifier.image_size, run.classifier.image_size, 3))
        logits, _ = jax.eval_shape(
            lambda key, x, c=classifier: c.init_with_output(key, x, train=False),
            jax.random.key(0),
            seen,
        )
        assert logits.shape == (2, 4)
    # Arms are compared after equal budgets, whatever the sizes of their training sets.
    steps = {run.classifier.max_epochs * steps_of(run.classifier, n) for n in (7, 587, 6400)}
    assert steps == {run.classifier.steps} != {0}
    assert (run.classifier.seeds > 1, run.classifier.selection) == (True, "val")
    # No config may invent a field that base.py does not define.
    assert set(run.fields) == set(settings.from_config(base.get_config(scale)).fields)


def test_the_paper_scale_is_the_papers_protocol():
    per_class = {"all_ddpm": 1000, "brain_ddpm": 1700, "covid_ddpm": 1500}
    for name, images in per_class.items():
        config = load(name, "paper")
        assert config == load(name, "paper")
        run = settings.from_config(config)
        assert run.generate.per_class == images
        assert run.diffusion.num_steps == 1000
        assert run.data.image_size >= 128
        assert (run.classifier.max_epochs, run.classifier.folds) == (50, 5)
        assert (run.diffusion.noise_schedule, run.diffusion.prediction) == ("linear", "eps")
        assert (run.diffusion.train.weighting, run.diffusion.train.timesteps) == (
            "simple",
            "uniform",
        )
        assert (run.diffusion.conditioning, run.generate.sampler) == ("class", "ddpm")


def test_names_are_split_and_one_backbone_wins():
    config = load("phantom_ddpm", "smoke")
    config.classifier.arms = ("synthetic, real",)
    config.classifier.backbone = "resnet18"
    run = settings.from_config(config)
    assert run.classifier.arms == ("synthetic", "real")
    assert run.classifier.backbones == ("resnet18",)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("data.name", "leukaemia", "did you mean 'leukemia'"),
        ("data.square", "squeeze", "pad, crop, stretch"),
        ("data.channels", 2, "1, 3"),
        ("data.image_size", 18, "multiple of 4"),
        ("data.conflicts", "ask", "conflicts='ask' is not one of refuse, drop, keep"),
        ("data.window", "240,-160", 'window=.240,-160. must be "lo,hi" with lo below hi'),
        ("data.window", "brain", 'window=.brain. must be "lo,hi"'),
        ("data.slices", "every", "slices='every' must be"),
        ("data.max_pixels", 0, "max_pixels=0 must be at least 1"),
        ("split.fraction", 1.5, "between 0 and 1"),
        ("split.val_fraction", -0.1, "val_fraction"),
        ("diffusion.noise_schedule", "cosin", "did you mean 'cosine'"),
        ("diffusion.prediction", "x", "eps, x0, v"),
        ("diffusion.conditioning", "classes", "class, per_class"),
        ("diffusion.warp", 1.5, "between 0 and 1"),
        ("diffusion.zero_terminal_snr", True, "prediction=eps"),
        ("diffusion.num_steps", 0, "at least 2"),
        ("diffusion.flips", "vertical", "none, horizontal, dihedral"),
        ("diffusion.train.steps", 0, "steps=0 must be at least 1"),
        ("diffusion.train.learning_rate", 0.0, "above 0"),
        ("diffusion.train.ema_half_lives", (0,), "from 1"),
        ("diffusion.conditioning", "per_class", "label_dropout=0.1 to hide"),
        ("diffusion.train.label_dropout", 0.0, "guidance=1.5 needs .*label_dropout"),
        ("generate.guidance", 0.0, "guidance=0.0 must be at least 1: 1.0 is no guidance"),
        ("generate.guidance_low", 1.0, "guidance_low=1.0 must be below guidance_high=1.0"),
        ("generate.block", 0, "block=0"),
        ("generate.per_class", 0, "per_class=0"),
        ("generate.steps", 51, "at most config.diffusion.num_steps=50"),
        ("classifier.backbones", ("resnet81",), "did you mean 'resnet18'"),
        ("classifier.backbone", "alexnet", "image_size=32: alexnet needs at least 63, or .*=True"),
        ("classifier.image_size", 31, "image_size=31: resnet18 needs at least 32"),
        ("classifier.weights", "imagnet", "random, imagenet or the path .* no such file"),
        ("classifier.dtype", "float16", "float32, bfloat16"),
        ("classifier.transform_input", "true", "auto, yes, no"),
        ("classifier.arms", ("real",), "synthetic"),
        ("classifier.folds", 1, "folds=1 must be at least 2"),
        ("explain.num_samples", 1, "at least 2"),
        ("explain.engine", "lyme", "did you mean .lime.|jax, lime"),
        ("explain.images", 0, "images=0 must be at least 1"),
        ("explain.arm", "mixed", "classifier.arms: synthetic, real"),
    ],
)
def test_a_bad_value_dies_with_its_field_and_the_choices(field, value, message):
    config = load("phantom_ddpm", "smoke")
    block, _, name = field.rpartition(".")
    if name == "zero_terminal_snr":
        config.diffusion.prediction = "eps"
    setattr(config[block] if "." not in block else config.diffusion.train, name, value)
    with pytest.raises(UserError, match=message):
        settings.from_config(config)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("cpu_device", 1, r"^no config field cpu_device; did you mean 'cpu_devices'"),
        ("diffusion.num_step", 9, r"^no config field diffusion\.num_step; .* 'num_steps'"),
        ("generate.step", 5, r"^no config field generate\.step; did you mean 'steps'"),
        ("classifier.backbon", "vgg16", r"did you mean 'backbone"),
        ("split.group_by", None, r'^config\.split\.group_by=None must be text.*"none"'),
        ("diffusion.unet.multipliers", (1.5, 2), r"=\(1\.5, 2\) must be whole numbers"),
        ("diffusion.unet.attention", (None,), r"attention=\(None,\) must be whole numbers"),
        ("tune", None, r"config\.tune=None must be a block of fields"),
    ],
)
def test_a_misspelt_or_mistyped_field_of_an_own_config_is_a_sentence(field, value, message):
    config = importlib.import_module("configs.phantom_ddpm").get_config("smoke")
    *blocks, name = field.split(".")
    block = config
    for each in blocks:
        block = block[each]
    block[name] = value
    with pytest.raises(UserError, match=message):
        settings.check_fields(config)


def test_a_block_of_a_stage_that_was_added_is_a_block():
    config = importlib.import_module("configs.phantom_ddpm").get_config("smoke")
    config.brightness = {"level": 0.5}
    assert settings.from_config(config, ["brightness"]).block("brightness") == {"level": 0.5}
    with pytest.raises(UserError, match="no config field brightness"):
        settings.from_config(config)


def test_a_flag_without_a_value_means_no_attention():
    config = load("phantom_ddpm", "smoke")
    config.diffusion.unet.attention = ("",)  # as --config.diffusion.unet.attention= gives it
    run = settings.from_config(config)
    assert (run.diffusion.unet.attention, run.fields["diffusion.unet.attention"]) == ((), [])


def test_a_side_that_does_not_divide_names_sides_that_a_run_takes():
    config = load("phantom_ddpm", "paper")
    config.data.image_size = 100
    with pytest.raises(UserError) as raised:
        settings.from_config(config)
    assert str(raised.value).endswith(
        "96 (with --config.diffusion.unet.attention=12) or "
        "112 (with --config.diffusion.unet.attention=14)"
    )
    for size, side in ((96, 12), (112, 14)):
        config.data.image_size, config.diffusion.unet.attention = size, (side,)
        run = settings.from_config(config)
        check_attention(run.diffusion.unet, run.data.image_size)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"generate.threshold": "dynamic"}, ["guidance=1.5 with threshold=dynamic turns black"]),
        ({"generate.threshold": "dynamic", "generate.guidance": 1.0}, []),
        ({"diffusion.noise_schedule": "linear", "diffusion.num_steps": 21}, []),
        (
            {"diffusion.noise_schedule": "linear", "diffusion.num_steps": 20},
            ["num_steps=20 is too few for noise_schedule=linear"],
        ),
        ({"diffusion.num_steps": 20}, []),  # cosine
        ({}, []),
    ],
)
def test_what_is_seldom_meant_is_said(changes, words):
    config = load("phantom_ddpm", "smoke")
    config.update_from_flattened_dict(changes)
    said = settings.warnings(settings.from_config(config))
    assert len(said) == len(words)
    assert all(word in text for word, text in zip(words, said, strict=True))


def test_the_linear_schedule_has_too_few_steps_where_its_noise_is_cut():
    for steps, cut in ((LINEAR_STEPS - 1, True), (LINEAR_STEPS, False)):
        assert (make_schedule("linear", steps).beta.max() >= MAX_BETA) == cut


def test_a_file_of_weights_is_one_networks(tmp_path):
    path = tmp_path / "weights.pth"
    path.touch()
    config = load("phantom_ddpm", "smoke")
    config.classifier.weights = str(path)
    assert settings.from_config(config).classifier.weights == str(path)
    config.classifier.backbones = ("resnet18", "vgg16")
    with pytest.raises(UserError, match=r"weights\.pth is of one network, and there are 2"):
        settings.from_config(config)


@pytest.mark.parametrize("scale", base.SCALES)
@pytest.mark.parametrize("name", CONFIGS)
def test_only_smears_are_turned(name, scale):
    # Anatomy has an up, and its left is not its right; a smear has neither.
    own = settings.from_config(load(name, scale))
    flips = "dihedral" if name == "all_ddpm" else "none"
    assert (own.diffusion.augmentation.flips, own.classifier.flips) == (flips, flips)
    assert own.classifier.shift > 0


@pytest.mark.parametrize("scale", base.SCALES)
@pytest.mark.parametrize("name", CONFIGS)
def test_no_config_of_ours_asks_for_what_is_better_left(name, scale):
    run = settings.from_config(load(name, scale))
    assert settings.warnings(run) == []
    # Neither does the yardstick that every other candidate of a sweep is compared with.
    assert not run.sweep.candidates[0].startswith(tuple(f"{s}:" for s in advice.NARROW_SAMPLERS))


def test_what_is_better_left_is_said():
    config = load("phantom_ddpm", "cpu").unlock()
    config.protocol = "paper"  # which predicts eps, and leaves the preset's cosine schedule
    (sentence,) = settings.warnings(settings.from_config(protocol.apply(config)))
    assert "prediction=eps with noise_schedule=cosine" in sentence


def test_small_images_need_less():
    config = load("phantom_ddpm", "smoke")
    config.classifier.update(backbone="alexnet", small_images=True)
    assert settings.from_config(config).classifier.small_images


def test_an_unknown_scale_lists_the_choices():
    with pytest.raises(ValueError, match="paper, cpu, smoke"):
        base.get_config("cpx")


SEEDS = ("split.seed", "diffusion.train.seed", "generate.seed", "classifier.seed", "tune.seed")


def seeds_of(run):
    """The seeds that stages draw with, in the order of SEEDS, then that of `explain`."""
    return (
        run.split.seed,
        run.diffusion.train.seed,
        run.generate.seed,
        run.classifier.seed,
        run.tune.seed,
        run.explain.seed,
    )


def test_the_master_seed_moves_every_block_and_the_data_stay():
    config = load("phantom_ddpm", "smoke")
    config.split.seed, config.classifier.seed = 7, 2
    config.data.phantom_seed = 5
    assert seeds_of(settings.from_config(config)) == (7, 0, 0, 2, 0, 0)
    config.seed = 3
    run = settings.from_config(config)
    assert seeds_of(run) == (300_007, 300_000, 300_000, 300_002, 300_000, 300_000)
    assert run.data.phantom_seed == 5
    # What a marker, config.json and the report tell is what was given.
    assert [run.fields[name] for name in ("seed", *SEEDS)] == [3, 7, 0, 0, 2, 0]


def test_a_config_that_was_written_is_the_same_run_again():
    config = load("phantom_ddpm", "smoke")
    config.seed = 3
    resolved = protocol.apply(config)
    again = ConfigDict(json.loads(json.dumps(resolved.to_dict())))
    assert seeds_of(settings.from_config(again)) == seeds_of(settings.from_config(config))
    assert settings.from_config(again).fields == settings.from_config(config).fields


def test_no_two_master_seeds_share_the_seed_of_a_training():
    """A cell's k-th training, and much else, takes the block's seed plus a multiple of 1000."""
    config = load("phantom_ddpm", "smoke")
    taken = set()
    for master in (0, 1, 2, 10, 1000, 9999):
        config.seed = master
        first = settings.from_config(config).classifier.seed
        trainings = {first + 1000 * k + i for k in range(99) for i in range(3)}
        assert not trainings & taken
        assert max(trainings) < 2**32  # what batches and LIME take
        taken |= trainings


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"seed": -1}, r"config\.seed=-1 must be at least 0 and below 10000"),
        ({"seed": 10_000}, r"config\.seed=10000 must be"),
        (
            {"seed": 1, "diffusion.train.seed": 1000},
            r"seed=1 needs a small seed .*: config\.diffusion\.train\.seed=1000 must be .*1000",
        ),
        ({"pool.development_seeds": "first"}, r"development_seeds='first'"),
    ],
)
def test_a_seed_that_would_be_another_masters_is_refused(fields, message):
    config = load("phantom_ddpm", "smoke")
    config.update_from_flattened_dict(fields)
    with pytest.raises(UserError, match=message):
        settings.from_config(config)


def test_a_large_seed_of_a_block_is_as_good_as_ever_without_a_master_seed():
    config = load("phantom_ddpm", "smoke")
    config.split.seed = 123_456
    assert settings.from_config(config).split.seed == 123_456


def test_the_master_seed_moves_a_block_that_a_stage_has_added():
    config = importlib.import_module("configs.phantom_ddpm").get_config("smoke")
    config.brightness = {"seed": 4, "level": 0.5}
    config.seed = 2
    run = settings.from_config(config, ["brightness"])
    assert run.block("brightness") == {"seed": 200_004, "level": 0.5}
