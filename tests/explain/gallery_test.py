"""A run over tiny sets with a network whose reasons are known; what is chosen and written."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.explain import choice, gallery
from synthmed_jax.explain.predictor import Predictor
from synthmed_jax.explain.settings import ExplainSettings
from synthmed_jax.explain.study import METHODS, shortcut_alarms, study_evaluations
from synthmed_jax.results.evaluation import BestNetwork
from synthmed_jax.results.explanations import Evaluations, LimeSummary, Page

SIZE = 16  # that the network sees; the sets are twice as large
CLASSES = ("a", "b", "c")
LOWER_LEFT = 2  # region, where an image is cut into its quadrants
MODEL = BestNetwork("tiny", "synthetic", 8, float("inf"), 0, fold=1, rule="the only one")
SETTINGS = ExplainSettings(
    arm="synthetic",
    engine="jax",
    num_samples=32,
    precision=0.0,
    sampling="balanced",
    control="logistic",
    segmentation="grid",
    regions=4,
    seed=0,
    images=2,
    repeats=2,
    compare_with_lime=True,
    batch_size=16,
)


class Quadrant(nn.Module):
    """Says "b" where the lower left quadrant is bright, "a" where it is dark, and never "c"."""

    @nn.compact
    def __call__(self, images):
        grey = images.astype(jnp.float32) / 255
        features = nn.Conv(1, (1, 1), use_bias=False, kernel_init=nn.initializers.ones)(grey)
        bright = features[:, SIZE // 2 :, : SIZE // 2].mean(axis=(1, 2, 3))
        return jnp.stack([0 * bright, 8 * bright - 4, 0 * bright - 9], axis=-1)


@pytest.fixture(scope="module")
def predictor():
    network = Quadrant()
    variables = network.init(jax.random.key(0), jnp.zeros((1, SIZE, SIZE, 1)))
    return Predictor(network.apply, variables, SETTINGS.batch_size)


def _image_set(folder, levels):
    """Images of a grey level in the lower left quadrant and of noise elsewhere, by label."""
    labels = np.array([label for label, of_class in levels.items() for _ in of_class], np.int32)
    images = np.random.default_rng(len(labels)).integers(0, 90, (len(labels), 2 * SIZE, 2 * SIZE))
    images[:, SIZE:, :SIZE] = np.concatenate([*levels.values()])[:, None, None]
    files = tuple(f"{folder}/{i}.png" for i in range(len(labels)))
    return ImageSet(images[..., None].astype(np.uint8), labels, files, CLASSES)


# Levels below 128 are called "a". No test image is of class c, and none of class b is called "a".
TEST = _image_set("test", {0: [40, 100, 10, 200, 60, 50], 1: [220, 250, 140, 210, 230]})
SYNTHETIC = _image_set("synthetic", {0: [20, 45], 1: [200, 30], 2: [90, 160]})
FIT = _image_set("fit", {0: [30], 1: [190], 2: [70]})
ROLES = {
    "test/2.png": ("surest right",),
    "test/3.png": ("surest wrong",),
    "test/1.png": ("least certain",),
    "test/7.png": ("surest right",),
    "test/8.png": ("least certain",),
}


def _resize(images):
    return dataclasses.replace(images, images=images.images[:, ::2, ::2])


def _lesion(file):
    assert file.startswith("test/")
    lesion = np.zeros((SIZE, SIZE), bool)
    lesion[SIZE // 2 :, : SIZE // 2] = True
    return lesion


SOURCES = gallery.Sources(
    synthetic=SYNTHETIC,
    nearest=lambda queries: FIT.subset(queries.labels),
    resize=_resize,
    lesion=_lesion,
)


PAGE = Page("explain/class0.png", "a", "roles")


@pytest.fixture(scope="module")
def drawn():
    """What is handed over to be drawn: by pages.py, which has tests of its own."""
    return []


@pytest.fixture(scope="module")
def explain_sets(tmp_path_factory, predictor, drawn):
    """Explains the sets under settings or sources that differ from the usual ones."""

    def draw_pages(explained, directory):
        drawn.append(explained)
        return (PAGE,)

    def explain(sources=SOURCES, **changes):
        settings = dataclasses.replace(SETTINGS, **changes)
        folder = tmp_path_factory.mktemp("run") / "explain"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gallery, "draw_pages", draw_pages)
            gallery.explain_sets(settings, TEST, sources, predictor, MODEL, folder)
        assert [path.name for path in folder.iterdir()] == ["lime.json"]
        return LimeSummary.read(folder / "lime.json")

    return explain


@pytest.fixture(scope="module")
def written(explain_sets):
    return explain_sets()


def _of_kind(written, kind):
    return [image for image in written.images if image.kind == kind]


def test_what_was_done_is_written(written):
    assert written.model == MODEL
    assert (written.engine, written.sampling, written.control) == ("jax", "balanced", "logistic")
    assert (written.num_samples, written.segmentation, written.regions) == (32, "grid", 4)
    assert (written.seed, written.images_per_class, written.repeats) == (0, 2, 2)


def test_both_kinds_are_drawn_and_the_pages_written(written, drawn):
    assert written.pages == (PAGE,)
    explained = drawn[0]
    for kind in ("real", "synthetic"):
        assert explained[kind].images.files == tuple(i.file for i in _of_kind(written, kind))
    assert explained["synthetic"].nearest.images.shape[1:] == (SIZE, SIZE, 1)
    # Both of a pair are explained for the class that is predicted of the synthetic one.
    for study, nearest in zip(
        explained["synthetic"].studies, explained["synthetic"].nearest_explanations, strict=True
    ):
        assert nearest.label == study.explanation.label


def test_telling_images_and_a_drawn_sample_are_explained(written):
    drawn = {TEST.files[i] for i in choice.sample(TEST.labels, 2, seed=0)}
    images = _of_kind(written, "real")
    # In the order of the set; a role that no image of a class has is nobody's.
    assert [image.file for image in images] == [f for f in TEST.files if f in drawn | set(ROLES)]
    assert len(images) < len(TEST)
    assert {image.file: image.roles for image in images if image.roles} == ROLES
    assert {image.file for image in images if image.sampled} == drawn


def test_the_region_that_decides_has_the_largest_weight_at_the_networks_size(written):
    for image in written.images:
        image_set = TEST if image.kind == "real" else SYNTHETIC
        grey = image_set.images[image_set.files.index(image.file)]
        # A hidden region takes the image's mean: showing a brighter one speaks for "b".
        brighter = grey[SIZE:, :SIZE].mean() > grey.mean()
        assert len(image.weights) == len(image.standard_errors) == 4
        assert np.abs(image.weights).argmax() == LOWER_LEFT
        assert (image.weights[LOWER_LEFT] > 0) == (brighter == (image.predicted == "b"))


def test_an_image_is_explained_for_what_is_predicted_and_by_all_methods(written):
    for image in written.images:
        assert image.predicted == max(image.probabilities, key=image.probabilities.get)
        assert image.predicted != "c"
        assert image.stability.top_overlap == 1  # of all four regions
        assert set(image.numbers) == set(METHODS)


def test_only_real_images_have_lesions_and_only_synthetic_ones_a_nearest_image(written):
    for image in _of_kind(written, "real"):
        assert {"hit", "lesion"} <= set(image.numbers["lime"])
        assert image.nearest is None
    for image in _of_kind(written, "synthetic"):
        assert not {"hit", "lesion"} & set(image.numbers["lime"])
        assert image.nearest == f"fit/{CLASSES.index(image.label)}.png"


def test_numbers_are_of_the_sample_alone_and_of_the_classes_that_have_one(written):
    counts = {
        kind: {name: summary["lime"]["r2"].n for name, summary in classes.items()}
        for kind, classes in written.summary.items()
    }
    assert counts == {
        "real": {"a": 2, "b": 2, "all classes": 4},
        "synthetic": {"a": 2, "b": 2, "c": 2, "all classes": 6},
    }
    sampled = [i for i in _of_kind(written, "real") if i.sampled and i.label == "a"]
    mean = np.mean([image.numbers["lime"]["r2"] for image in sampled])
    assert written.summary["real"]["a"]["lime"]["r2"].mean == pytest.approx(mean)
    # A class without real images has nothing to be compared with.
    assert {row.class_name for row in written.comparison.tests} == {"a", "b"}
    assert set(written.comparison.places) == {"a", "b"}
    assert written.nearest.nearest.n == 6


def test_regions_are_probed_on_all_test_images_beside_limes_importance_there(written):
    assert [probe.region for probe in written.probes] == ["ring", "corners", "background"]
    lime_of_all = written.summary["real"]["all classes"]["lime"]
    for probe in written.probes:
        assert probe.num_images == len(TEST)
        assert probe.importance == lime_of_all[probe.region]
    ring = written.probes[0]
    assert ring.area == (SIZE**2 - (SIZE - 2) ** 2) / SIZE**2
    assert ring.loss.num_groups == len(TEST)


def test_probes_are_over_the_groups_of_the_test_images(explain_sets):
    groups = np.arange(len(TEST)) // 2
    written = explain_sets(SOURCES._replace(groups=groups), repeats=1, compare_with_lime=False)
    assert {probe.loss.num_groups for probe in written.probes if probe.loss} == {len(TEST) // 2 + 1}


def test_alarms_are_of_each_kinds_own_summary(written):
    assert written.alarms == {
        kind: shortcut_alarms(written.summary[kind]) for kind in ("real", "synthetic")
    }


def test_the_package_agrees_about_the_pictured_images(written):
    assert written.check.num_images == sum(bool(image.roles) for image in written.images)
    assert written.check.largest_weight > 0.01
    assert written.check.largest_difference < 1e-4 * written.check.largest_weight


def test_what_was_not_asked_for_is_not_there(explain_sets):
    unknown = SOURCES._replace(lesion=None)
    written = explain_sets(unknown, repeats=1, compare_with_lime=False)
    assert written.check is None
    for image in written.images:
        assert image.stability is None
        assert not {"hit", "lesion"} & set(image.numbers["lime"])


def test_what_rests_on_errors_that_are_not_known_is_not_said(explain_sets):
    # Four regions and an intercept; the whole image and three pairs.
    written = explain_sets(num_samples=7, repeats=1, compare_with_lime=False)
    assert written.num_unsure == len(written.images)
    for image in written.images:
        assert image.standard_errors is None
        assert {image.numbers["lime"][name] for name in ("foreground", "border")} == {None}
        assert image.numbers["occlusion"]["border"] is not None
        assert image.numbers["lime"]["r2"] is not None
    assert written.summary["real"]["a"]["lime"]["border"].n == 0
    assert written.alarms == {"real": (), "synthetic": ()}
    assert set(written.comparison.places.values()) == {None}
    assert written.nearest.nearest.n == 0


def test_what_the_explanations_took_is_written(written, explain_sets):
    real, synthetic = (len(_of_kind(written, kind)) for kind in ("real", "synthetic"))
    # Two seeds of each image, and the nearest real image of each synthetic one.
    count = 2 * (real + synthetic) + synthetic
    assert written.precision == 0
    assert written.evaluations == Evaluations(count, 32 * count, 32, 32, imprecise=0)
    assert {image.num_samples for image in written.images} == {32}

    # Four regions: the first look is after a round of 128.
    sure = explain_sets(num_samples=500, precision=0.9, repeats=1, compare_with_lime=False)
    assert sure.precision == 0.9
    assert sure.evaluations.total == 129 * (real + 2 * synthetic)
    assert (sure.evaluations.most, sure.evaluations.imprecise) == (129, 0)
    for image in sure.images:
        assert image.num_samples == 129
        assert 0 < image.relative_error < 0.9

    never = explain_sets(num_samples=150, precision=1e-9, repeats=1, compare_with_lime=False)
    assert never.evaluations.imprecise == never.evaluations.explanations
    assert never.evaluations.median == 150


def test_the_package_lime_can_explain_alone(explain_sets):
    written = explain_sets(
        engine="lime", precision=0.5, images=1, repeats=1, compare_with_lime=False
    )
    # It takes all, whatever the precision, of which it knows nothing.
    assert (written.precision, written.evaluations.imprecise) == (0, 0)
    # It has one way to draw its masks, whatever is asked for.
    assert (written.engine, written.sampling, written.control) == ("lime", "bernoulli", "none")
    assert written.num_unsure == 0  # it never tells
    for image in written.images:
        assert image.standard_errors is None
        assert (image.num_samples, image.relative_error) == (32, None)
        assert np.abs(image.weights).argmax() == LOWER_LEFT


def test_the_work_is_known_beforehand(explain_sets, predictor, monkeypatch):
    asked, whole = [], {}
    masked, probabilities = predictor.masked, predictor.probabilities
    monkeypatch.setattr(
        predictor, "masked", lambda view, masks: asked.append(len(masks)) or masked(view, masks)
    )
    monkeypatch.setattr(
        predictor,
        "probabilities",
        lambda images: whole.update({images.tobytes(): len(images)}) or probabilities(images),
    )
    written = explain_sets(compare_with_lime=False)
    per_image = study_evaluations(SETTINGS.lime, SETTINGS.repeats)
    real, synthetic = (len(_of_kind(written, kind)) for kind in ("real", "synthetic"))
    nearest = synthetic * (SETTINGS.num_samples - 1)  # The images themselves are asked about whole.
    assert sum(asked) == (real + synthetic) * per_image + nearest
    # Foretold is what it would be were no image both drawn and telling.
    foretold = gallery.num_evaluations(SETTINGS, len(CLASSES), 0, 0)
    assert sum(asked) < foretold < 3 * sum(asked)
    # The same question counts once: the stage's predictor remembers its answers.
    sizes = (len(TEST), len(SYNTHETIC))
    sets = gallery.num_evaluations(SETTINGS, len(CLASSES), *sizes) - foretold
    assert sets + synthetic == sum(whole.values())
