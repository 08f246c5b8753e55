"""What a stage is given: lazily, once, and without a way to the test images."""

import dataclasses

from synthmed_jax.data import held_out


def test_nothing_is_read_or_compiled_before_it_is_asked_for(make_run):
    run = make_run(data__name="folder", data__dir="/nowhere")
    assert run.settings.data.dir == "/nowhere"
    assert run.workdir.split.name == "split.json"


def test_what_is_loaded_and_compiled_is_made_once(make_run):
    run = make_run()
    assert run.inputs.data is run.inputs.data
    assert run.compiled.model is run.compiled.model
    assert run.compiled.programs_of("resnet18") is run.compiled.programs_of("resnet18")
    assert run.compiled.timings is run.compiled.timings


def test_materials_are_planned_before_the_split_is_written(make_run):
    run = make_run(generate__per_class=5, generate__counts="notumor=9")
    planned = run.inputs.planned_materials
    held_out.write_split(run.workdir.split, run.inputs.data, run.settings.split)
    written = run.inputs.materials
    assert planned.parts.fit.files == written.parts.fit.files
    assert planned.counts == written.counts == (5, 5, 9, 5)


def test_as_many_are_drawn_as_an_arm_takes_where_that_is_asked_for(make_run):
    asked = {"classifier__arms": ("synthetic", "mixed_1to4"), "generate__per_class": 5}
    assert make_run(**asked).inputs.synthetic_counts == (5,) * 4
    run = make_run(**asked, generate__enough_for_arms=True, generate__counts="notumor=9")
    planned = run.inputs.synthetic_counts
    held_out.write_split(run.workdir.split, run.inputs.data, run.settings.split)
    most = 4 * max(run.inputs.parts.fit.counts.values())
    assert planned == run.inputs.synthetic_counts == (most, most, 9, most)
    run.workdir.split.write_text("damaged")
    again = make_run(**asked, generate__enough_for_arms=True)
    assert again.inputs.synthetic_counts == (most,) * 4
    alone = make_run(generate__enough_for_arms=True, generate__per_class=5)
    assert alone.inputs.synthetic_counts == (5,) * 4


def test_no_part_of_a_run_holds_an_image_that_is_held_out(make_run):
    run = make_run()
    held_out.write_split(run.workdir.split, run.inputs.data, run.settings.split)
    hidden = set(held_out.read_test(run.workdir.split, run.inputs.data).files)
    assert hidden
    run.inputs.materials, run.inputs.planned_materials, run.inputs.portions  # noqa: B018
    for part in (run.inputs, run.compiled):
        for name, value in vars(part).items():
            if not isinstance(value, held_out.DataSet):
                assert not any(file in repr(value) for file in hidden), name
    assert [f.name for f in dataclasses.fields(run)] == [
        "settings", "workdir", "inputs", "compiled", "bring_up_to_date"
    ]  # fmt: skip
