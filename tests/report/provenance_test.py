import dataclasses

import pytest

from synthmed_jax.files import read_json
from synthmed_jax.report import provenance
from synthmed_jax.results.cells import FoldResult, InitialWeights
from synthmed_jax.results.run_info import StageRecord


def protocol(fabricated):
    return dict(provenance.protocol(fabricated.contents()))


def test_the_protocol_table_asks_for_fields_that_exist(contents):
    asked = {f for _, text in provenance.PROTOCOL for f in provenance.FIELD.findall(text)}
    assert not {field for field in asked if contents.setting(field, None) is None}


def test_the_protocol_is_the_configs(fabricated):
    rows = protocol(fabricated)
    drawn = read_json(fabricated.path("config.json"))["generate"]
    assert rows["sampler"] == (
        f"{drawn['sampler']}, {drawn['steps']} steps spaced evenly in {drawn['spacing']}; guidance "
        f"{drawn['guidance']} (1.0: none); kept in range by: {drawn['threshold']}; "
        f"{drawn['per_class']} images per class"
    )
    assert "explicit counts" not in rows
    assert "synthetic images of single classes" not in rows
    fabricated.configure("generate", counts="glioma=5")
    assert protocol(fabricated)["synthetic images of single classes"] == "glioma=5"


def test_names_from_a_command_line_are_told_apart(fabricated):
    fabricated.configure("classifier", backbones=["vgg16,alexnet"], arms=["synthetic,"])
    rows = protocol(fabricated)
    assert rows["classifiers"].startswith("vgg16, alexnet on images of")
    assert rows["classifiers"].endswith("arms: synthetic")


def test_what_classifiers_start_from_is_named(fabricated):
    folder = fabricated.cells[2].folder(fabricated.path("classify"), "fold1")
    result = FoldResult.read_fold(folder)

    def started_from(initial):
        dataclasses.replace(result, initial=initial).write(folder / "result.json")
        return protocol(fabricated)

    assert "first weights of resnet18" not in protocol(fabricated)
    rows = started_from(InitialWeights("g.pth", "abc", "random"))
    assert rows["first weights of resnet18"] == "g.pth, sha256 abc; last layer: random"
    assert "images of resnet18" not in rows
    rows = started_from(InitialWeights("g.pth", "abc", "random", transform_input="yes"))
    assert rows["images of resnet18"].endswith("want them (transform_input)")


def test_every_setting_is_listed_by_section(contents):
    sections = dict(provenance.settings(contents.config))
    assert ("scale", "cpu") in sections["run"]
    assert ("unet.multipliers", "1, 2") in sections["diffusion"]
    assert ("val_fraction", "0.1") in sections["split"]


@pytest.mark.parametrize(
    ("options", "preset", "changed"),
    [
        ("--config=configs/a.py:cpu --workdir=x", "configs/a.py:cpu", []),
        ("--config configs/a.py --config.seed=7", "configs/a.py", [("config.seed", "0")]),
        (
            "--config=a.py --config.data.name='b c' --config.data.name=d",
            "a.py",
            [("config.data.name", "leukemia")],  # as the run has it
        ),
        ("--config='a.py", "", []),
    ],
)
def test_what_the_command_changed_of_its_preset(contents, options, preset, changed):
    info = dataclasses.replace(contents.info, command=f"main.py {options}")
    assert provenance.preset(info) == preset
    assert provenance.changed(dataclasses.replace(contents, info=info)) == changed


def test_stages_have_their_status_time_and_memory(contents):
    split, diffusion = provenance.stage_rows(contents.info)
    nbsp = "\N{NO-BREAK SPACE}"
    assert dataclasses.astuple(split) == ("split", "finished", f"0.4{nbsp}s", f"310{nbsp}MiB")
    assert provenance.total_time(contents.info) == diffusion.time == f"1{nbsp}h 2{nbsp}min"


def test_the_machine_is_described_by_run_json(contents):
    facts = dict(provenance.facts(contents))
    assert facts["cpu affinity"] == "0, 1"
    assert facts["data"].startswith("name leukemia; hash abc; num_images 84; unreadable broken.png")
    assert "stages" not in facts


def test_without_run_json_the_data_still_have_their_hash(contents):
    nothing = dataclasses.replace(contents, info=None)
    assert provenance.facts(nothing) == [("data hash", "abc")]
    assert provenance.stage_rows(None) == []


def test_a_report_that_is_made_anew_is_the_same(contents):
    first = contents.info
    again = dataclasses.replace(
        first, stages={**first.stages, "report": StageRecord("finished", 7.0, 100.0)}
    )
    assert provenance.stage_rows(again) == provenance.stage_rows(first)
    assert provenance.total_time(again) == provenance.total_time(first)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"num_images": 3, "unreadable": []}, "num_images 3; unreadable none"),
        (["a,b", "c"], "a, b, c"),
        ([1, 2], "1, 2"),
    ],
)
def test_values_of_json_are_text_and_an_empty_list_is_said_to_be_one(value, text):
    assert provenance.plain(value) == text
