"""The card beside a finished set: made anew when its facts change, never over a user's edits."""

import shutil

import pytest

import synthmed_jax
from synthmed_jax import runner


@pytest.fixture
def workdir(finished_phantoms, tmp_path):
    return shutil.copytree(finished_phantoms, tmp_path / "run")


def test_a_card_is_made_once_and_anew_when_it_is_gone(workdir, phantom_config, capsys):
    runner.run(phantom_config(), workdir, ["card"])
    folder = workdir / "synthetic"
    card = (folder / "README.md").read_text()
    assert "# Synthetic images: phantom" in card
    assert "| glioma | 8 | 7 |" in card
    assert "(D1)?" in card  # it was evaluated
    assert "**Missing:** the stage audit has not run" in card
    assert (folder / "metadata.csv").read_text().count("\n") == 1 + 32
    capsys.readouterr()
    runner.run(phantom_config(), workdir, ["card"])
    assert "card: finished, nothing to do" in capsys.readouterr().out
    for name in ("README.md", "metadata.csv"):
        (folder / name).unlink()
        runner.run(phantom_config(), workdir, ["card"])
        assert (folder / name).is_file()
    assert (folder / "README.md").read_text() == card
    # Nothing of `generate` was touched.
    capsys.readouterr()
    runner.run(phantom_config(), workdir, ["generate"])
    assert "generate: finished, nothing to do" in capsys.readouterr().out


def test_an_edited_card_stays_and_newer_facts_lie_beside_it(workdir, phantom_config, capsys):
    runner.run(phantom_config(), workdir, ["card"])
    path, newer = workdir / "synthetic/README.md", workdir / "synthetic/README.new.md"
    edited = path.read_text().replace("license: other", "license: cc-by-4.0")
    path.write_text(edited)
    runner.run(phantom_config(), workdir, ["card"])
    assert "card: finished, nothing to do" in capsys.readouterr().out
    runner.run(phantom_config(generate__per_class=4), workdir, ["generate", "card"])
    assert "README.md was edited and stays" in capsys.readouterr().out
    assert path.read_text() == edited
    said = newer.read_text()
    assert "| glioma | 4 | 7 |" in said
    assert "16 more images lie in the class folders" in said
    assert "(D1)" not in said  # the evaluation is of more images
    assert (workdir / "synthetic" / "metadata.csv").read_text().count("\n") == 1 + 16
    # Who takes the newer one gets it as the card.
    path.unlink()
    runner.run(phantom_config(generate__per_class=4), workdir, ["card"])
    assert path.read_text() == said
    assert not newer.exists()


def test_the_array_record_copy_is_of_the_set(finished_phantoms, tmp_path):
    import tensorflow_datasets as tfds

    run = synthmed_jax.load(finished_phantoms)
    folder = run.write_array_record(tmp_path / "copy")
    source = tfds.builder_from_directory(folder).as_data_source("all")
    assert [source[i]["file"].decode() for i in range(32)] == list(run.synthetic.files)
    assert [int(source[i]["label"]) for i in range(32)] == run.synthetic.labels.tolist()
