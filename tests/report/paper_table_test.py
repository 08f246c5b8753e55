import dataclasses
import json

import pytest

from synthmed_jax.classifiers.networks import BACKBONES
from synthmed_jax.protocol import PAPER, TABLE_1
from synthmed_jax.report import paper_table
from synthmed_jax.report.formats import DASH, NBSP
from tests.report.conftest import CELLS, Fabricated, cell_scores, fabricate, image_set

ALL = ("Benign", "Early", "Pre", "Pro")
# The paper's tables, read from its text by a second way: network, data set, test accuracy (%), and
# class, images, those that the generator sees, synthetic images.
TABLE_2 = """\
Resnet18     Covid       76.33
Resnet18     Brain Tumor 82.89
Resnet18     ALL         86.94
ResNet50     Covid       78.24
ResNet50     Brain Tumor 85.15
ResNet50     ALL         88.12
VGG16        Covid       77.67
VGG16        Brain Tumor 85.68
VGG16        ALL         83.01
VGG19        Covid       75.73
VGG19        Brain Tumor 86.46
VGG19        ALL         82.38
AlexNet      Covid       72.18
AlexNet      Brain Tumor 79.86
AlexNet      ALL         82.22
DenseNet121  Covid       76.36
DenseNet121  Brain Tumor 85.09
DenseNet121  ALL         91.38
MobileNet_v2 Covid       75.98
MobileNet_v2 Brain Tumor 84.05
MobileNet_v2 ALL         85.21
GoogleNet    Covid       75.83
GoogleNet    Brain Tumor 83.82
GoogleNet    ALL         89.40
"""
TABLE_1_ROWS = """\
Glioma 1621 325 1700
Meningioma 1645 330 1700
Notumor 2000 400 1700
Pituitary 1757 350 1700
Benign 504 101 1000
Early 985 197 1000
Pre 963 193 1000
Pro 804 161 1000
Covid 1252 251 1500
Non-Covid 1229 246 1500
"""
# Our names for the paper's data sets, and their classes in it.
SETS = {
    "Brain Tumor": ("brain_tumor_mri", ("Glioma", "Meningioma", "Notumor", "Pituitary")),
    "ALL": ("leukemia", ALL),
    "Covid": ("sarscov2_ct", ("Covid", "Non-Covid")),
}


@pytest.fixture(scope="module")
def of_all_classes(tmp_path_factory) -> Fabricated:
    """A fabricated run on the paper's leukemia; for reading only."""
    folder = tmp_path_factory.mktemp("all") / "run"
    made = fabricate(folder, image_set(ALL, 4, "fit"), image_set(ALL, 7, "synthetic"))
    made.report()
    return made


def edited(contents, **fields):
    evaluation = dataclasses.replace(contents.evaluation, **fields)
    return dataclasses.replace(contents, evaluation=evaluation)


def test_networks_are_ours_and_the_papers():
    assert set(paper_table.NETWORKS) == set(BACKBONES)
    assert set(paper_table.NETWORKS) == set(PAPER["classifier.backbones"])


@pytest.mark.parametrize("line", TABLE_2.splitlines())
def test_accuracies_are_the_papers(line):
    network, *dataset, accuracy = line.split()
    name, _ = SETS[" ".join(dataset)]
    index = paper_table.NETWORKS.index(network.lower())
    assert paper_table.PRINTED[name].accuracies[index] == float(accuracy)


@pytest.mark.parametrize(("name", "classes"), SETS.values())
def test_numbers_of_images_are_those_of_its_table_1(name, classes):
    rows = {row.split()[0]: [*map(int, row.split()[1:])] for row in TABLE_1_ROWS.splitlines()}
    images, sampled, generated = zip(*(rows[each] for each in classes), strict=True)
    printed = paper_table.PRINTED[name]
    assert (printed.classes, printed.images) == (len(classes), sum(images))
    assert (printed.sampled, {printed.generated}) == (sum(sampled), set(generated))
    assert printed.generated == TABLE_1[name]["generate.per_class"]


def test_each_network_stands_beside_the_papers(of_all_classes):
    table = paper_table.beside(of_all_classes.contents()).table
    assert [row.name for row in table.rows] == list(paper_table.NETWORKS)
    std = of_all_classes.contents().evaluation.cells[0].std.test_accuracy
    assert table.rows[0].values == ("86.94", f"86.9 ± {100 * std:.1f}", "83.8 to 89.6")
    assert table.rows[2].values[:2] == ("83.01", f"86.1 ± {100 * std:.1f}")
    assert table.rows[7].values == ("89.40", DASH, DASH)
    assert "nothing in it was measured by this run" in table.caption


def test_of_several_amounts_the_largest_is_shown(of_all_classes):
    contents = of_all_classes.contents()
    first, *rest = contents.evaluation.cells
    fewer = dataclasses.replace(CELLS[0], n=20)
    low = cell_scores(fewer, dataclasses.replace(first.mean, test_accuracy=0.31, val_loss=0), ALL)
    networks = paper_table.beside(edited(contents, cells=(low, first, *rest))).networks
    assert networks[0].run == 0.869


def test_a_single_training_has_no_spread(of_all_classes):
    contents = of_all_classes.contents()
    single = dataclasses.replace(contents.evaluation.cells[0], std=None)
    beside = paper_table.beside(edited(contents, cells=(single,)))
    assert beside.networks[0].spread is None
    assert beside.table.rows[0].values[1] == "86.9"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {},
            "here (protocol own) the split keeps images that are alike on one side, 16 real images "
            "are held back for choices, networks start from random weights, learn from synthetic "
            "images (500 images per class, 32 pixels per side, seen at 32) and are tested on "
            "n = 60 real ones of 92; there the split is by image, none is held back, networks are "
            "pre-trained, learn from 1000 synthetic images per class and are tested on n = 2604 of "
            "3256, while resolution",
        ),
        ({"split.group_by": "none", "protocol": "paper"}, "(protocol paper) the split is by image"),
        ({"split.group_by": "a.csv"}, "the split keeps groups (a.csv) on one side"),
        ({"classifier.weights": "imagenet"}, "start from ImageNet's weights"),
        ({"classifier.weights": "mine.pth"}, "start from weights of a file"),
        ({"classifier.image_size": 64}, "32 pixels per side, seen at 64)"),
    ],
)
def test_one_sentence_says_what_differs(of_all_classes, fields, said):
    contents = of_all_classes.contents()
    for name, value in fields.items():
        block, _, field = name.rpartition(".")
        (contents.config[block] if block else contents.config)[field] = value
    differs = paper_table.beside(contents).differs.replace(NBSP, " ")
    assert said in differs
    assert differs.count(". ") == 0
    assert differs.endswith("are not said.")


def test_where_the_paper_has_no_such_result_there_is_no_table(of_all_classes):
    contents = of_all_classes.contents()
    assert paper_table.beside(edited(contents, dataset="phantom")) is None
    # Of some of its classes: another task.
    assert paper_table.beside(edited(contents, class_names=ALL[:3])) is None
    # Of real images alone.
    assert paper_table.beside(edited(contents, cells=contents.evaluation.cells[2:])) is None
    assert paper_table.beside(dataclasses.replace(contents, evaluation=None)) is None


def test_the_report_shows_it_apart_from_the_results(of_all_classes):
    page = of_all_classes.path("report/index.html").read_text()
    markdown = of_all_classes.path("report/report.md").read_text()
    for text, title in ((page, "<h3>Beside the paper"), (markdown, "### Beside the paper's Table")):
        assert title in text
        assert text.count("91.38") == 1
        best = text.index("Best network of the arm synthetic")
        assert best < text.index(title) < text.index("91.38")
    assert f"| densenet121 | 91.38 | {DASH} | {DASH} |" in markdown


def test_programs_read_it_beside_the_metrics(of_all_classes):
    document = json.loads(of_all_classes.path("report/report.json").read_text())
    first, *_, last = document["paper"]["networks"]
    assert (first["backbone"], first["paper"], first["run"]) == ("resnet18", 0.8694, 0.869)
    assert first["interval"]["low"] == pytest.approx(0.838)
    assert (last["paper"], last["run"], last["interval"]) == (0.894, None, None)
    assert document["paper"]["differs"].startswith("The two are not one experiment")
    del document["paper"]
    assert "0.9138" not in json.dumps(document)


def test_of_other_data_the_report_says_nothing_of_it(reported):
    assert "Beside the paper" not in reported.path("report/index.html").read_text()
    assert json.loads(reported.path("report/report.json").read_text())["paper"] is None
