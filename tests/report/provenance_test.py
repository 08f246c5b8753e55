from synthmed_jax.report import provenance
from synthmed_jax.report.files import read_run


def test_the_protocol_table_asks_for_fields_that_exist(fabricated):
    run = read_run(fabricated.workdir)
    asked = {f for _, text in provenance.PROTOCOL for f in provenance.FIELD.findall(text)}
    assert not {field for field in asked if run.setting(field) is None}


def test_the_protocol_is_the_configs(fabricated):
    rows = dict(provenance.protocol(read_run(fabricated.workdir)))
    drawn = fabricated.read("config.json")["generate"]
    assert rows["sampler"] == (
        f"{drawn['sampler']}, {drawn['steps']} steps spaced evenly in {drawn['spacing']}; guidance "
        f"{drawn['guidance']} (1.0: none); kept in range by: {drawn['threshold']}; "
        f"{drawn['per_class']} images a class"
    )
    assert "explicit counts" not in rows


def test_names_from_a_command_line_are_told_apart(fabricated):
    config = fabricated.read("config.json")
    config["classifier"] |= {"backbones": ["vgg16,alexnet"], "arms": ["synthetic,"]}
    fabricated.write("config.json", config)
    rows = dict(provenance.protocol(read_run(fabricated.workdir)))
    assert rows["classifiers"].startswith("vgg16, alexnet on images of")
    assert rows["classifiers"].endswith("arms: synthetic")


def test_what_classifiers_start_from_is_named(fabricated):
    found = "classify/resnet18/real/all-0-s0/fold1/result.json"
    initial = {"weights": "g.pth", "sha256": "abc", "head": "random"}
    fabricated.write(found, {"initial": initial})
    rows = dict(provenance.protocol(read_run(fabricated.workdir)))
    assert rows["first weights of resnet18"] == "g.pth, sha256 abc; last layer: random"
    assert "images of resnet18" not in rows
    fabricated.write(found, {"initial": initial | {"transform_input": "yes"}})
    rows = dict(provenance.protocol(read_run(fabricated.workdir)))
    assert rows["images of resnet18"].endswith("want them (transform_input)")


def test_every_setting_is_listed_by_section(fabricated):
    sections = dict(provenance.settings(fabricated.read("config.json")))
    assert ("scale", "cpu") in sections["run"]
    assert ("unet.multipliers", "1, 2") in sections["diffusion"]
    assert ("val_fraction", "0.1") in sections["split"]


def test_times_add_up(fabricated):
    run = read_run(fabricated.workdir)
    assert [row["name"] for row in provenance.stage_rows(run)] == ["split", "diffusion"]
    assert provenance.total_time(run) == provenance.stage_rows(run)[1]["time"]
