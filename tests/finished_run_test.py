"""A workdir in a notebook: the answers are those of the stages, and what lacks is named."""

import json
import shutil

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

import synthmed_jax
from synthmed_jax import finished_run
from synthmed_jax.data.decode import decode_image
from synthmed_jax.errors import UserError
from synthmed_jax.evaluation import predictions
from synthmed_jax.files import read_json, write_json


@pytest.fixture(scope="module")
def run(finished_phantoms):
    return synthmed_jax.load(finished_phantoms)


@pytest.fixture(scope="module")
def network(run):
    return run.network()


def test_the_documented_lines_run(finished_phantoms, tmp_path):
    lines = [line[4:] for line in finished_run.__doc__.splitlines() if line.startswith("    ")]
    assert len(lines) <= 10
    for name in ("a.png", "b.png"):
        Image.new("L", (20, 30), 90).save(tmp_path / name)
    code = "\n".join(lines).replace("/runs/mine", str(finished_phantoms))
    code = code.replace("new/b.dcm", "new/b.png").replace("why.png", "new/why.png")
    names = {}
    exec(code.replace('"new/', f'"{tmp_path}/'), names)
    assert names["run"].class_names[0] == "glioma"
    assert (tmp_path / "why.png").is_file()


def test_images_come_by_part(run):
    assert run.class_names == ("glioma", "meningioma", "notumor", "pituitary")
    counts = [len(part) for part in (run.fit, run.val, run.held_out, run.synthetic)]
    assert counts == [28, 4, 128, 32]
    real = (*run.fit.files, *run.val.files, *run.held_out.files)
    assert len(set(real)) == 160
    assert run.fit.images.shape == (28, 16, 16, 1)
    assert run.settings.fields["data.name"] == "phantom"


def test_networks_are_those_that_were_tested(run, network):
    assert list(run.networks) == [
        "resnet18/synthetic/8-inf-s0/training0",
        "resnet18/real/all-0-s0/training0",
    ]
    assert network.name == "resnet18/synthetic/8-inf-s0/training0"
    assert run.network(arm="real").name == "resnet18/real/all-0-s0/training0"
    with pytest.raises(UserError, match=r"arm='rael' .* did you mean 'real'"):
        run.network(arm="rael")


def test_answers_and_temperature_are_those_of_the_evaluation(run, network):
    cell = run.evaluation.cells[0]
    assert network.temperature == pytest.approx(cell.quality.tempered.temperature, rel=1e-4)
    probabilities = network.predict(run.held_out.images)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    hits = predictions.read_answers(run.run.workdir.evaluate / "predictions.csv").hits
    right = probabilities.argmax(axis=1) == run.held_out.labels
    np.testing.assert_array_equal(right, hits.of_cells[cell.path])
    confusion = np.zeros((4, 4), int)
    np.add.at(confusion, (run.held_out.labels, probabilities.argmax(axis=1)), 1)
    np.testing.assert_array_equal(confusion, cell.folds[0].confusion)


def test_files_and_arrays_of_any_size_are_prepared_as_the_runs_own(run, network, tmp_path):
    pixels = np.kron(run.val.images[0, :, :, 0], np.ones((3, 3), np.uint8))
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(np.stack([pixels] * 3, axis=2)).save(tmp_path / "b.png")
    paths = [tmp_path / "a.png", str(tmp_path / "b.png")]
    of_files = network.predict(paths)
    of_arrays = network.predict(np.stack([pixels, pixels]))
    assert of_files.shape == (2, 4)
    np.testing.assert_allclose(of_files, of_arrays, rtol=1e-5)
    np.testing.assert_array_equal(network.prepare(run.val.images), run.val.images)
    assert network.predict([]).shape == (0, 4)
    assert network.predict(pixels).shape == network.predict(paths[0]).shape == (1, 4)


def test_images_that_can_not_be_used_are_named(network, tmp_path):
    (tmp_path / "bad.png").write_text("no image")
    with pytest.raises(UserError, match=r"bad\.png can't be used: not an image"):
        network.predict([tmp_path / "bad.png"])
    with pytest.raises(UserError, match=r"gone\.png can't be used: No such file"):
        network.predict(tmp_path / "gone.png")
    with pytest.raises(UserError, match="must be uint8"):
        network.predict(np.zeros((2, 8, 8), np.float32))
    with pytest.raises(UserError, match="some of both"):
        network.predict([np.zeros((8, 8), np.uint8), "a.png"])
    with pytest.raises(UserError, match="one image is explained at a time"):
        network.explain(np.zeros((2, 8, 8, 1), np.uint8))


def test_the_generator_draws_new_images_that_a_seed_determines(run):
    drawn = run.generator.draw("meningioma", 3, seed=7)
    assert (drawn.shape, drawn.dtype) == ((3, 16, 16, 1), np.uint8)
    np.testing.assert_array_equal(run.generator.draw("meningioma", 3, seed=7), drawn)
    others = [run.generator.draw("meningioma", 3, seed=8), run.generator.draw("glioma", 3, seed=7)]
    own = run.synthetic.images[run.synthetic.labels == 1]
    for other in (*others, own[:3]):
        assert (np.abs(other.astype(int) - drawn).max(axis=(1, 2, 3)) > 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gloma", 1), "did you mean 'glioma'"),
        (("glioma", 0), "n=0 must be at least 1"),
        (("glioma", 1, -1), "seed=-1 must be at least 0"),
        (("glioma", 1, 2146), "seed=2146 must be at least 0 and below 2146"),
    ],
)
def test_what_can_not_be_drawn_is_refused(run, arguments, message):
    with pytest.raises(UserError, match=message):
        run.generator.draw(*arguments)


def test_the_generator_starts_where_the_run_would_draw_image_number_a_million(run):
    params, label, _ = run.generator._generators[2]
    index = np.array([5_000_000], np.int32)
    expected = run.run.compiled.draw(params, np.array([label], np.int32), index)
    drawn = run.generator.draw("notumor", 1, seed=4)
    assert np.abs(drawn.astype(int) - expected).max() <= 1  # rounded in blocks of another size


def test_an_answer_is_explained(run, network):
    image = run.synthetic.images[0]
    explanation = network.explain(image)
    assert explanation.label == network.predict(image).argmax()
    assert explanation.view.image.shape == (32, 32, 1)  # as the network sees it
    assert len(explanation.label_weights) == explanation.view.num_regions
    np.testing.assert_array_equal(explanation.weights, network.explain(image).weights)
    assert isinstance(network.picture(image), Figure)


def test_a_stage_that_lacks_is_named(finished_phantoms, tmp_path):
    workdir = shutil.copytree(finished_phantoms, tmp_path / "run")
    (workdir / "stages" / "evaluate.json").unlink()
    (workdir / "stages" / "generate.json").unlink()
    run = synthmed_jax.load(workdir)
    assert len(run.fit) == 28
    for name, ask in (
        ("evaluate", lambda: run.network()),
        ("evaluate", lambda: run.networks),
        ("evaluate", lambda: run.held_out),
        ("generate", lambda: run.synthetic),
    ):
        with pytest.raises(UserError, match=rf"nothing of stage '{name}'.*--stages={name}"):
            ask()


def test_a_folder_that_is_no_workdir_is_refused(finished_phantoms, tmp_path):
    with pytest.raises(UserError, match=r"is no workdir of a run: it has no config\.json"):
        synthmed_jax.load(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"config\.json is damaged"):
        synthmed_jax.load(tmp_path)
    config = read_json(finished_phantoms / "config.json")
    write_json(tmp_path / "config.json", config | {"new": 1})
    with pytest.raises(UserError, match="no config field new"):
        synthmed_jax.load(tmp_path)


def test_settings_are_those_that_the_run_was_made_with(finished_phantoms, phantom_config, tmp_path):
    """Also where an earlier version has written them: under other names, and without some."""
    from synthmed_jax.settings import from_config

    wanted = from_config(phantom_config(diffusion__train__keep_every=10))
    assert synthmed_jax.load(finished_phantoms).settings == wanted
    config = json.loads((finished_phantoms / "config.json").read_text())
    del config["predict"], config["audit"], config["seed"], config["generate"]["counts"]
    config["data"]["fit"] = config["data"].pop("square")
    write_json(tmp_path / "config.json", config)
    read = synthmed_jax.load(tmp_path, data_dir=tmp_path).settings
    assert read.data.dir == str(tmp_path)
    assert (read.data.square, read.generate.counts) == (wanted.data.square, "")
    assert read.diffusion == wanted.diffusion


def test_synthetic_images_are_the_files(run, finished_phantoms):
    path = finished_phantoms / "synthetic" / run.synthetic.files[5]
    np.testing.assert_array_equal(run.synthetic.images[5], decode_image(path.read_bytes(), 1))
