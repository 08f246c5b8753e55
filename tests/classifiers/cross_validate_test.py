import dataclasses

import jax
import numpy as np
import pytest
from flax import linen as nn

from synthmed_jax import classifiers, runlog
from synthmed_jax.classifiers import cross_validate, inputs, placement, train
from synthmed_jax.classifiers.cross_validate import Cell
from synthmed_jax.classifiers.layers import Layers
from synthmed_jax.data.images import ImageSet
from synthmed_jax.errors import Diverged, UserError

SETTINGS = train.ClassifierSettings(
    image_size=32,
    small_images=False,
    weights="random",
    transform_input="auto",
    dtype="float32",
    batch_size=8,
    max_epochs=4,
    min_steps=0,
    patience=1,
    selection="synthetic",
    learning_rate=3e-3,
    schedule="cosine",
    label_smoothing=0.0,
    weight_decay=0.01,
    folds=3,
    flips="none",
    shift=0,
    seed=0,
)
RATES = train.make_rates(SETTINGS, 25)
CELL = Cell("tiny", "synthetic", "24", "inf", 0)


class Tiny(nn.Module):
    """A network small enough to train in a test, with all that a real one has."""

    num_classes: int
    layers: Layers = Layers()
    small_images: bool = False

    @nn.compact
    def __call__(self, x, train):
        x = nn.Conv(4, (8, 8), strides=(8, 8), dtype=self.layers.dtype)(x)
        x = nn.relu(self.layers.norm("bn")(x, train))
        x = self.layers.dropout(0.1)(x, train)
        return nn.Dense(self.num_classes)(x.reshape(x.shape[0], -1).astype("float32"))


@pytest.fixture(scope="module")
def programs():
    classifiers.BACKBONES["tiny"] = Tiny
    yield train.make_programs(train.make_network("tiny", 2, SETTINGS), SETTINGS)
    del classifiers.BACKBONES["tiny"]


@pytest.fixture(scope="module")
def images():
    """48 grey images, bright at the left or at the right."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 120, (48, 32, 32, 1), dtype=np.uint8)
    labels = np.arange(48, dtype=np.int32) % 2
    pixels[labels == 0, :, :16] += 100
    pixels[labels == 1, :, 16:] += 100
    return ImageSet(pixels, labels, tuple(map(str, range(48))), ("left", "right"))


def test_rate_warms_up_then_falls_to_zero():
    steps = np.arange(100)
    rates = np.array(
        [float(train.rate_at("cosine", s, np.int32(100), np.int32(10))) for s in steps]
    )
    np.testing.assert_allclose(rates[:10], np.arange(1, 11) / 10, rtol=1e-6)
    assert np.all(np.diff(rates[10:]) < 0)
    assert rates[-1] < 1e-3


@pytest.mark.parametrize(
    ("min_steps", "batches_per_pass", "passes"),
    [(0, 6, 1), (40, 10, 1), (41, 10, 2), (400, 14, 8), (400, 500, 1)],
)
def test_small_sets_are_passed_over_often_enough(min_steps, batches_per_pass, passes):
    settings = dataclasses.replace(SETTINGS, min_steps=min_steps)  # at most 4 epochs
    assert train.passes_per_epoch(settings, batches_per_pass) == passes


def test_folds_learn_and_can_be_read_back(programs, images, tmp_path):
    cross_validate.cross_validate(programs, SETTINGS, CELL, images, images.subset([]), tmp_path)
    for fold in range(3):
        folder = cross_validate.fold_folder(tmp_path, CELL, fold)
        result = runlog.read_json(folder / "result.json")
        assert (result["num_train"], result["num_val"]) == (32, 16)
        assert result["val_accuracy"] > 0.9
        epochs = runlog.read_metrics(folder / "metrics.jsonl")
        assert result["epochs"] == len(epochs)
        best = min(epochs, key=lambda record: record["val_loss"])
        assert best["epoch"] == result["best_epoch"]
        assert best["val_loss"] == result["val_loss"]
        # The weights are those of the best epoch: they give its accuracy on its own fold's images.
        variables = cross_validate.load_variables(programs, folder)
        probabilities = programs.predict(variables, images.images)
        np.testing.assert_allclose(probabilities.sum(-1), 1, rtol=1e-5)
        assert (probabilities.argmax(-1) == images.labels).mean() > 0.9


def test_the_folds_cover_every_image_once(programs, images, tmp_path, monkeypatch):
    seen = []

    def note(programs, settings, seed, train, validation, select, log, description):
        val = validation["fold"]
        assert not set(train.files) & set(val.files)
        assert len(train) + len(val) == 48
        seen.extend(val.files)
        return {"w": np.zeros(1)}, {"best_epoch": 1}

    monkeypatch.setattr(cross_validate, "train_fold", note)
    cross_validate.cross_validate(programs, SETTINGS, CELL, images, images.subset([]), tmp_path)
    assert sorted(seen) == sorted(images.files)


def test_a_finished_fold_is_not_trained_again(programs, images, tmp_path, monkeypatch):
    trained = []

    def note(programs, settings, seed, train, validation, select, log, description):
        trained.append(description)
        if len(trained) == 2:
            raise KeyboardInterrupt
        return {"w": np.zeros(1)}, {"best_epoch": 1}

    monkeypatch.setattr(cross_validate, "train_fold", note)
    with pytest.raises(KeyboardInterrupt):
        cross_validate.cross_validate(programs, SETTINGS, CELL, images, images.subset([]), tmp_path)
    cross_validate.cross_validate(programs, SETTINGS, CELL, images, images.subset([]), tmp_path)
    assert trained == [f"tiny synthetic fold {fold}" for fold in (0, 1, 1, 2)]


def test_patience_ends_training_at_the_best_epoch(programs, images):
    class Log:
        losses: tuple[float, ...] = ()

        def write(self, **record):
            self.losses += (record["val_loss"],)

    # Labels that mean nothing: validation loss must turn up.
    shuffled = dataclasses.replace(
        images, labels=np.random.default_rng(1).permutation(images.labels)
    )
    settings = dataclasses.replace(SETTINGS, learning_rate=3e-2, max_epochs=30, min_steps=240)
    log = Log()
    _, result = train.train_fold(
        train.make_programs(train.make_network("tiny", 2, SETTINGS), settings),
        settings,
        0,
        shuffled.subset(np.arange(32)),
        {"fold": shuffled.subset(np.arange(32, 48))},
        "fold",
        log,
        "shuffled",
    )
    assert result["stopped"] == "patience"
    assert result["epochs"] == result["best_epoch"] + 1 < 30
    # 32 images are 4 batches of 8: two passes an epoch make the 240 steps of 30 epochs.
    assert (result["passes_per_epoch"], result["steps"]) == (2, 8 * result["epochs"])
    assert result["val_loss"] == min(log.losses)


def test_real_images_choose_the_epoch_where_they_are_asked(programs, images, tmp_path):
    # Real images with the labels the other way round: the better the fold, the worse are they.
    turned = dataclasses.replace(images, labels=1 - images.labels)
    epochs = {}
    for selection in train.SELECTIONS:
        settings = dataclasses.replace(SETTINGS, selection=selection, patience=4, folds=2)
        folder = tmp_path / selection
        cross_validate.cross_validate(programs, settings, CELL, images, turned, folder)
        found = runlog.read_json(cross_validate.fold_folder(folder, CELL, 0) / "result.json")
        epochs[selection] = found["best_epoch"]
        choices, set_name = found["choices"], train.SELECTIONS[selection]
        assert choices[set_name]["epoch"] == found["best_epoch"]
        assert choices[set_name]["scores"][set_name]["loss"] == found["val_loss"]
        of_fold, of_real = (choices[name]["scores"]["real_val"] for name in ("fold", "real_val"))
        assert of_real["loss"] < of_fold["loss"]
    assert epochs["val"] < epochs["synthetic"]


def test_real_images_can_not_choose_where_there_are_none(programs, images, tmp_path):
    settings = dataclasses.replace(SETTINGS, selection="val")
    with pytest.raises(UserError, match=r"selection=val, but val is empty"):
        cross_validate.cross_validate(programs, settings, CELL, images, images.subset([]), tmp_path)


def test_a_constant_rate_stays_after_its_warm_up():
    rates = [float(train.rate_at("constant", s, np.int32(50), np.int32(5))) for s in range(50)]
    np.testing.assert_allclose(rates, [*(np.arange(1, 6) / 5), *[1] * 45], rtol=1e-6)


def test_smoothed_labels_raise_the_loss_of_a_sure_answer(images):
    # Of an untrained network the loss is (nearly) the same; of a sure one it can't fall below the
    # entropy of the smoothed label.
    classifiers.BACKBONES["tiny"] = Tiny
    smoothed = dataclasses.replace(SETTINGS, label_smoothing=0.2)
    programs = train.make_programs(train.make_network("tiny", 2, smoothed), smoothed)
    state = programs.init(jax.random.key(0), train.make_rates(smoothed, 100))
    batch = {
        "image": images.images[:8],
        "label": images.labels[:8],
    }
    for _ in range(200):
        state, metrics = programs.step(state, batch)
    least = -(0.9 * np.log(0.9) + 0.1 * np.log(0.1))
    assert least <= float(metrics["loss"]) < least + 0.1


def test_a_training_is_the_same_wherever_its_images_are(programs, images, monkeypatch):
    settings = dataclasses.replace(SETTINGS, flips="dihedral", shift=2, max_epochs=2)
    log = type("Log", (), {"write": lambda self, **_: None})()

    def run():
        train_set, fold = images.subset(np.arange(32)), images.subset(np.arange(32, 48))
        return train.train_fold(
            programs, settings, 7, train_set, {"fold": fold, "all": images}, "fold", log, "here"
        )

    variables, result = run()
    monkeypatch.setattr(placement, "stay_on_devices", lambda size: True)
    monkeypatch.setattr(placement, "batches", None)  # none is sent
    kept_variables, kept_result = run()
    jax.tree.map(np.testing.assert_array_equal, kept_variables, variables)
    timed = ("seconds", "images_per_second")
    assert {k: v for k, v in kept_result.items() if k not in timed} == {
        k: v for k, v in result.items() if k not in timed
    }


def test_bfloat16_trains_weights_of_float32(images):
    classifiers.BACKBONES["tiny"] = Tiny
    low = dataclasses.replace(SETTINGS, dtype="bfloat16")
    variables, seen = {}, {}
    for settings in (SETTINGS, low):
        network = train.make_network("tiny", 2, settings)
        programs = train.make_programs(network, settings)
        batch = {"image": images.images[:8], "label": images.labels[:8]}
        state, _ = programs.step(programs.init(jax.random.key(0), RATES), batch)
        assert {x.dtype for x in jax.tree.leaves(state.params)} == {np.dtype("float32")}
        assert {x.dtype for x in jax.tree.leaves(state.batch_stats)} == {np.dtype("float32")}
        variables[settings.dtype] = {"params": state.params, "batch_stats": state.batch_stats}
        logits, inside = network.apply(
            variables["float32"],
            inputs.normalise(images.images[:8]),
            train=False,
            capture_intermediates=True,
        )
        assert logits.dtype == np.float32
        norm = inside["intermediates"]["bn"]["__call__"][0]
        assert norm.dtype == settings.dtype
        seen[settings.dtype] = programs.predict(variables["float32"], images.images)
    # The same function, to bfloat16's three digits, and not to float32's seven.
    np.testing.assert_allclose(seen["bfloat16"], seen["float32"], atol=0.02)
    assert np.abs(seen["bfloat16"] - seen["float32"]).max() > 1e-5


def test_too_few_images_for_the_folds(programs, images, tmp_path):
    few = images.subset([0, 1, 2, 3, 4, 6])
    with pytest.raises(UserError, match=r"3 folds .* smallest has 2"):
        cross_validate.cross_validate(programs, SETTINGS, CELL, few, few.subset([]), tmp_path)


def test_a_diverging_fold_stops_with_a_hint(programs, images):
    wild = dataclasses.replace(SETTINGS, learning_rate=1e30)
    with pytest.raises(Diverged, match="learning_rate, in a new --workdir"):
        train.train_fold(
            train.make_programs(train.make_network("tiny", 2, wild), wild), wild, 0, images,
            {"fold": images}, "fold",
            type("Log", (), {"write": lambda self, **_: None})(), "wild",
        )  # fmt: skip


def test_two_devices_train_like_one(images, monkeypatch):
    from synthmed_jax import parallel

    classifiers.BACKBONES["tiny"] = Tiny
    batch = {
        "image": images.images[:8],
        "label": images.labels[:8],
    }

    def one_step():
        # One only: Adam turns rounding of a gradient near zero into a step of full length.
        programs = train.make_programs(train.make_network("tiny", 2, SETTINGS), SETTINGS)
        state, metrics = programs.step(programs.init(jax.random.key(0), RATES), batch)
        found = (state.batch_stats, state.opt_state)
        return jax.tree.map(np.asarray, found), float(metrics["loss"])

    state_2, loss_2 = one_step()
    one, pmap = jax.local_devices()[:1], jax.pmap
    monkeypatch.setattr(jax, "local_device_count", lambda: 1)
    monkeypatch.setattr(parallel.jax, "pmap", lambda f, **kw: pmap(f, devices=one, **kw))
    state_1, loss_1 = one_step()
    assert loss_2 == pytest.approx(loss_1, rel=1e-5)
    for a, b in zip(jax.tree.leaves(state_2), jax.tree.leaves(state_1), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5 * max(1, np.abs(b).max()))
