import pytest

from configs import all_ddpm, brain_ddpm, covid_ddpm, folder_ddpm
from synthmed_jax import protocol, settings
from synthmed_jax.errors import UserError


@pytest.mark.parametrize(
    ("module", "images"), [(all_ddpm, 1000), (brain_ddpm, 1700), (covid_ddpm, 1500)]
)
def test_one_word_sets_what_the_paper_says(module, images):
    config = module.get_config("paper")
    config.protocol = "paper"
    config.classifier.update(folds=3, backbone="resnet18", selection="val")
    config.generate.per_class = 7
    run = settings.from_config(protocol.apply(config))
    assert len(run.backbones) == 8
    assert run.arms == ("synthetic",)
    assert (run.classifier.folds, run.classifier.max_epochs) == (5, 50)
    assert (run.classifier.selection, run.classifier.weights) == ("synthetic", "imagenet")
    assert (run.conditioning, run.sample.sampler, run.sample.steps) == ("per_class", "ddpm", 1000)
    assert (run.split.fraction, run.split.val_fraction) == (0.2, 0.0)
    assert run.per_class == images


def test_of_other_data_the_number_of_images_stays():
    config = folder_ddpm.get_config("paper")
    config.protocol, config.generate.per_class = "paper", 123
    assert protocol.apply(config).generate.per_class == 123


def test_one_model_a_class_is_one_field_and_says_what_it_changes(capsys):
    config = all_ddpm.get_config("cpu")
    config.diffusion.conditioning = "per_class"
    run = settings.from_config(protocol.apply(config))
    assert (run.train.label_dropout, run.sample.guidance) == (0.0, 1.0)
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
