import pytest

from configs import all_ddpm, base, brain_ddpm, covid_ddpm, folder_ddpm, phantom_ddpm
from synthmed_jax import protocol, settings
from synthmed_jax.data.settings import Augmentation
from synthmed_jax.errors import UserError


@pytest.mark.parametrize(
    ("module", "images"), [(all_ddpm, 1000), (brain_ddpm, 1700), (covid_ddpm, 1500)]
)
def test_one_word_sets_what_the_paper_says(module, images):
    config = module.get_config("paper")
    config.protocol = "paper"
    config.classifier.update(folds=3, backbone="resnet18", selection="val")
    config.generate.update(per_class=7, counts="any=3")
    config.diffusion.update(flips="dihedral", shift=2, warp=0.3, prediction="v")
    config.diffusion.zero_terminal_snr = True
    run = settings.from_config(protocol.apply(config))
    assert len(run.classifier.backbones) == 8
    assert run.classifier.arms == ("synthetic",)
    assert (run.classifier.folds, run.classifier.max_epochs) == (5, 50)
    assert (run.classifier.seeds, run.classifier.steps, run.classifier.patience) == (0, 0, 10)
    assert (run.classifier.selection, run.classifier.weights) == ("synthetic", "imagenet")
    assert (run.diffusion.conditioning, run.generate.sampler, run.generate.steps) == (
        "per_class",
        "ddpm",
        1000,
    )
    assert (run.split.fraction, run.split.val_fraction) == (0.2, 0.0)
    assert run.split.group_by == "none"
    assert run.diffusion.augmentation == Augmentation(flips="none", shift=0, warp=0.0)
    assert (run.diffusion.prediction, run.diffusion.zero_terminal_snr) == ("eps", False)
    assert (run.generate.per_class, run.generate.counts) == (images, "")


@pytest.mark.parametrize("scale", base.SCALES)
@pytest.mark.parametrize("module", [all_ddpm, brain_ddpm, covid_ddpm, folder_ddpm, phantom_ddpm])
def test_at_every_scale_it_is_a_run(module, scale, capsys):
    config = module.get_config(scale)
    config.protocol = "paper"
    run = settings.from_config(protocol.apply(config))
    wanted = config.classifier.image_size
    assert run.classifier.image_size == max(64, wanted)
    said = f"config.classifier.image_size is 64, not {wanted}"
    assert (said in capsys.readouterr().out) == (wanted < 64)


@pytest.mark.parametrize("scale", base.SCALES)
def test_table_1s_counts_are_part_of_it(scale):
    config = brain_ddpm.get_config(scale)
    config.protocol, config.split.counts = "paper", "glioma=5"
    assert settings.from_config(protocol.apply(config)).split.counts == (
        "meningioma=330,pituitary=350"
    )
    assert (scale == "paper") == (brain_ddpm.get_config(scale).split.counts != "")


def test_of_other_data_the_numbers_of_images_stay():
    config = folder_ddpm.get_config("paper")
    config.protocol, config.generate.per_class = "paper", 123
    config.split.counts = "benign=40"
    found = protocol.apply(config)
    assert (found.generate.per_class, found.split.counts) == (123, "benign=40")


def test_one_model_a_class_is_one_field_and_says_what_it_changes(capsys):
    config = all_ddpm.get_config("cpu")
    config.diffusion.conditioning = "per_class"
    run = settings.from_config(protocol.apply(config))
    assert (run.diffusion.train.label_dropout, run.generate.guidance) == (0.0, 1.0)
    said = capsys.readouterr().out
    assert "conditioning=per_class: config.generate.guidance is 1.0, not 1.5" in said


def test_without_it_nothing_changes():
    config = all_ddpm.get_config("cpu")
    assert protocol.apply(config).to_dict() == config.to_dict()


def test_the_users_config_is_left_as_it_was():
    config = all_ddpm.get_config("cpu")
    config.protocol = "paper"
    before = config.to_dict()
    protocol.apply(config)
    assert config.to_dict() == before


def test_an_unknown_protocol_lists_the_choices():
    config = all_ddpm.get_config("cpu")
    config.protocol = "papers"
    with pytest.raises(UserError, match=r"not one of own, paper; did you mean 'paper'"):
        protocol.apply(config)


def test_a_former_name_in_a_config_file_is_understood_and_said(capsys):
    config = all_ddpm.get_config("cpu")
    config.data.fit = "crop"
    config.diffusion.schedule = "sigmoid"
    resolved = protocol.apply(config)
    assert (resolved.data.square, resolved.diffusion.noise_schedule) == ("crop", "sigmoid")
    assert "fit" not in resolved.data
    run = settings.from_config(resolved)
    assert "data.fit" not in run.fields
    printed = capsys.readouterr().out
    assert "config.data.fit is now called config.data.square" in printed
    assert "config.diffusion.schedule is now called config.diffusion.noise_schedule" in printed
