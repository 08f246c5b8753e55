"""From planted images to the report's words: a tag in the corner rings, and none does not."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.data.regions import REGIONS
from synthmed_jax.evaluation import floors
from synthmed_jax.explain import study
from synthmed_jax.explain.blanking import probe_regions
from synthmed_jax.explain.predictor import Predictor
from synthmed_jax.report import context, explanation_tables, explanations
from synthmed_jax.report.cards import make_answer
from synthmed_jax.report.conclusions import Shortcuts, conclude
from synthmed_jax.report.shortcuts import weigh
from synthmed_jax.results.explanations import Alarm, LimeSummary
from synthmed_jax.results.stored import unstructure
from synthmed_jax.statistics.intervals import Estimate
from synthmed_jax.verdicts import EDGE_SHARE, Shortcut

SIZE = 16
IMPORTANCE = Estimate(20, 0.62, 0.2, 0.5, 0.7)


def image_set(count, seed, *, tagged):
    """A disc, larger in class b but in one image of ten; in the corner, a tag for each class."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) % 2).astype(np.int32)
    y, x = np.mgrid[:SIZE, :SIZE]
    radius = np.where(rng.random(count) < 0.1, 1 - labels, labels) + 3
    disc = (y - 7.5) ** 2 + (x - 7.5) ** 2 < radius[:, None, None] ** 2
    images = rng.integers(0, 40, (count, SIZE, SIZE)) + 180 * disc
    if tagged:
        images[:, :2, :2] = (60 + 120 * labels)[:, None, None]
    files = tuple(f"{seed}/{i}.png" for i in range(count))
    return ImageSet(images[..., None].astype(np.uint8), labels, files, ("a", "b"))


def floors_of(training, test):
    """Those of regions alone, of fewer trees: the others take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(floors, "TREES", 50)
        patch.setattr(floors, "FEATURES", {name: floors.FEATURES[name] for name in REGIONS})
        return floors.measure_floors(training, test, {}, None, seed=0)


def network(weight_of_corner):
    def logits(_, images):
        grey = images[..., 0].astype(jnp.float32) / 255
        corner = grey[:, :2, :2].mean(axis=(1, 2)) - 0.47
        disc = grey[:, 3:13, 3:13].mean(axis=(1, 2)) - 0.41
        score = weight_of_corner * corner + (1 - weight_of_corner) * disc
        return jnp.stack([-score, score], axis=-1)

    return Predictor(logits, jnp.zeros(()), batch_size=50)


@pytest.fixture(scope="module")
def evidence_of(contents):
    """Evidence of a network on a planted set, which forests have learned from other images of."""

    def weigh_planted(*, tagged, weight_of_corner):
        fit, test = (image_set(n, seed, tagged=tagged) for n, seed in ((80, 1), (150, 2)))
        measured = floors_of({"real": fit, "synthetic": fit}, test)
        known = {"corners": IMPORTANCE}
        probes = probe_regions(network(weight_of_corner), test, None, known, seed=0)
        return weigh(dataclasses.replace(contents.lime, probes=probes), measured)

    return weigh_planted


@pytest.fixture(scope="module")
def used(evidence_of):
    return evidence_of(tagged=True, weight_of_corner=1)


@pytest.fixture(scope="module")
def possible(evidence_of):
    return evidence_of(tagged=True, weight_of_corner=0)


@pytest.fixture(scope="module")
def clean(evidence_of):
    return evidence_of(tagged=False, weight_of_corner=0)


@pytest.mark.parametrize(("tagged", "verdict"), [(True, "used"), (False, "none visible")])
def test_a_network_that_learns_by_itself_takes_the_tag_where_there_is_one(
    contents, tagged, verdict
):
    fit, test = (image_set(n, seed, tagged=tagged) for n, seed in ((120, 3), (300, 4)))
    learned = LogisticRegression(max_iter=500).fit(fit.images.reshape(120, -1) / 255, fit.labels)
    weights = jnp.float32(learned.coef_[0])

    def logits(weights, images):
        score = images.reshape(len(images), -1) / 255.0 @ weights + learned.intercept_[0]
        return jnp.stack([0 * score, score], axis=-1)

    probes = probe_regions(Predictor(logits, weights, 100), test, None, {}, seed=0)
    measured = floors_of({"real": fit}, test)
    evidence = weigh(dataclasses.replace(contents.lime, probes=probes), measured)
    assert corners(evidence).verdict == verdict
    assert corners(evidence).probe.accuracy > 0.7


def corners(evidence):
    return next(each for each in evidence.regions if each.probe.region == "corners")


def said(evidence):
    shortcuts = Shortcuts({}, EDGE_SHARE, 0, evidence)
    return explanations.alarms(shortcuts), explanations.shortcuts(shortcuts)


def test_a_network_that_has_learned_the_tag_rings_the_alarm(used):
    assert used.verdict is corners(used).verdict is Shortcut.USED
    alarms, _ = said(used)
    text = next(alarm for alarm in alarms if "the four corners" in alarm).replace("\xa0", " ")
    assert text.startswith("Shortcut alarm: the network makes use of the four corners")
    assert "(n = 150) falls from 100.0 % by 50.0 percentage points (98 % interval +" in text
    assert "balanced accuracy of 100.0 % (real images), 100.0 % (synthetic images)" in text
    assert "LIME" not in text  # whose importance is not above the area's share


def test_a_tag_that_the_network_does_not_look_at_is_possible_and_no_alarm(possible):
    assert possible.verdict is corners(possible).verdict is Shortcut.POSSIBLE
    alarms, others = said(possible)
    assert alarms == []
    text = next(each for each in others if "the four corners" in each)
    assert text.startswith("A shortcut by the four corners is possible: a forest")
    assert "is not shown. A loss of 7.6 percentage points when it is blanked would have" in text


def test_without_a_tag_nothing_rings(clean):
    assert clean.verdict is Shortcut.NONE_VISIBLE
    alarms, others = said(clean)
    assert alarms == []
    assert len(others) == 3
    for text in others:
        assert text.startswith("No shortcut by ")
        assert "more would have been found (80 % power). A loss of" in text


def test_lime_counts_where_there_is_something_to_be_learned(possible, contents):
    sure = dataclasses.replace(IMPORTANCE, mean=2.0, low=1.5, high=2.5)
    probes = tuple(dataclasses.replace(each.probe, importance=sure) for each in possible.regions)
    alarms, _ = said(
        dataclasses.replace(
            possible,
            regions=tuple(
                dataclasses.replace(each, probe=probe, verdict=Shortcut.USED)
                for each, probe in zip(possible.regions, probes, strict=True)
            ),
        )
    )
    assert "LIME's importance there is 2.00 (95 % 1.50 to 2.50) times its area" in alarms[1]
    assert "falls" not in alarms[1]


def test_importance_at_an_edge_is_said_unless_no_forest_makes_anything_of_it(possible, clean):
    alarm = Alarm("a", "corners", Estimate(9, 3.21, 0.5, 2.9, 3.6))
    for evidence, expected in ((possible, 1), (clean, 0), (None, 1)):
        alarms = explanations.alarms(Shortcuts({"real": (alarm,)}, EDGE_SHARE, 0, evidence))
        assert len(alarms) == expected


def test_every_region_has_its_words():
    assert set(explanation_tables.REGIONS) == set(REGIONS) == {*study.EDGES}
    assert set(REGIONS) < set(explanations.EDGES)


def test_the_table_has_all_of_it_beside_each_other(used):
    table = explanation_tables.shortcuts(used)
    assert [row.name for row in table.rows] == [*explanation_tables.REGIONS.values()]
    assert table.columns == (
        "shortcut", "share of the area", "LIME's importance there", "forest on it, real",
        "forest on it, synthetic", "network without it loses",
    )  # fmt: skip
    values = [text.replace("\xa0", " ") for text in table.rows[1].values]
    verdict, area, importance, real, _, loss = values
    assert (verdict, area) == ("used", "6.2 %")
    assert importance == "0.62 (0.50 to 0.70)"
    assert real.startswith("100.0 % (+50.0 to")
    assert loss.startswith("+50.0 (+")
    assert "on 150 real test images, where the network has 100.0\xa0%" in table.caption
    assert "The most frequent class has 50.0\xa0%" in table.caption
    assert "interval lies above +0.0; used: that of the loss lies above +1.0," in table.caption


def test_what_an_earlier_version_did_not_measure_is_said_to_be_so(contents, used):
    assert weigh(contents.lime, contents.floors) is None  # no probes
    assert conclude(contents).shortcuts.evidence is None
    probes = tuple(each.probe for each in used.regions)
    lime = dataclasses.replace(contents.lime, probes=probes)
    for measured in (None, contents.floors):  # a ring alone, and not held against the majority
        evidence = weigh(lime, measured)
        assert [each.verdict for each in evidence.regions][1] is Shortcut.USED
        assert evidence.regions[2].floors == {}
        assert explanation_tables.shortcuts(evidence).columns[3] == "network without it loses"
        kept = said(evidence)[1]
        assert all("was not measured by the version that evaluated" in text for text in kept)


def test_it_stands_in_the_report_and_in_its_verdicts(contents, used, tmp_path):
    probes = tuple(each.probe for each in used.regions)
    lime = dataclasses.replace(contents.lime, probes=probes)
    lime.write(tmp_path / "lime.json")
    assert LimeSummary.read(tmp_path / "lime.json") == lime
    explained = dataclasses.replace(contents, lime=lime)
    conclusions = conclude(explained)
    verdict = unstructure(conclusions)["shortcuts"]["evidence"]
    assert verdict["verdict"] == "used"
    assert verdict["regions"][1]["probe"]["region"] == "corners"
    assert verdict["loss_above"]["value"] == 0.01
    section = context.build(explained, conclusions, make_answer(explained, conclusions))[
        "explained"
    ]
    assert section.tables[0].columns[0] == "shortcut"
    assert any("four corners" in alarm for alarm in section.alarms)
