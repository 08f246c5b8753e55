import dataclasses

import pytest

from benchmarks.study import networks, page
from synthmed_jax.report.formats import DASH
from synthmed_jax.report.paper_table import NETWORKS, PRINTED


@pytest.fixture
def of_networks(design):
    """Makes of the design's first run one of networks, which see images of 64 pixels."""

    def make(*backbones, dataset="leukemia"):
        run = design.runs[0]
        (cell,) = (c for c in run.replicate.evaluation.cells if c.arm == "synthetic")
        evaluation = dataclasses.replace(
            run.replicate.evaluation,
            dataset=dataset,
            cells=tuple(dataclasses.replace(cell, backbone=name) for name in backbones),
        )
        replicate = dataclasses.replace(run.replicate, evaluation=evaluation, declared=())
        fields = run.record.fields | {"classifier.image_size": 64}
        record = dataclasses.replace(run.record, fields=fields)
        changed = dataclasses.replace(run, replicate=replicate, record=record)
        return dataclasses.replace(design, runs=(changed,))

    return make


def test_a_design_of_other_networks_than_the_presets_is_one_of_networks(design, of_networks):
    assert not networks.has_networks(of_networks("resnet18"))
    assert networks.has_networks(of_networks("alexnet"))
    assert networks.has_networks(of_networks("resnet18", "vgg16"))


def test_networks_stand_beside_the_papers_figures_in_its_order(of_networks):
    design = of_networks("vgg16", "alexnet", "resnet18")
    rows = networks.networks_table(design).rows
    assert [row.name for row in rows] == [
        name for name in NETWORKS if name in ("vgg16", "alexnet", "resnet18")
    ]
    printed = dict(zip(NETWORKS, PRINTED["leukemia"].accuracies, strict=True))
    for row in rows:
        assert row.values[-1] == (f"{printed[row.name]:.1f}" if row.name in printed else DASH)
    cell = design.runs[0].replicate.evaluation.cells[0]
    assert rows[0].values[0].startswith(f"{100 * cell.mean.test_accuracy:.1f}")


def test_its_part_of_the_page_says_how_large_the_images_are(of_networks):
    design = dataclasses.replace(of_networks("alexnet"), dataset="leukemia")
    text = page.render([design], "results/pictures")
    assert "### The paper's networks, on images of 64 pixels" in text
    assert "| alexnet |" in text
