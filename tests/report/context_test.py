import pytest

from synthmed_jax.report import context
from synthmed_jax.report.files import read_run


def caption(fabricated, **fields):
    config = fabricated.read("config.json")
    config["classifier"] |= fields
    fabricated.write("config.json", config)
    text = context.build(read_run(fabricated.workdir))["results_caption"]
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("selection", "images"),
    [
        ("synthetic", "val. columns on those of that arm that a fold leaves out."),
        ("val", "val. columns on the real val images (n = 12), the same for every row."),
    ],
)
def test_the_caption_says_what_validation_was(fabricated, selection, images):
    assert images in caption(fabricated, selection=selection)


def test_a_train_loss_against_smoothed_labels_is_named(fabricated):
    assert "spread" not in caption(fabricated)
    said = caption(fabricated, label_smoothing=0.1)
    assert "train loss alone is taken against labels of which 0.1 is spread" in said
