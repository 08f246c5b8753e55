from synthmed_jax.data import held_out
from synthmed_jax.stages import base, split


def test_the_stage_writes_what_was_planned(make_run):
    run = make_run()
    split.STAGE.run(run)
    parts = run.inputs.parts
    assert parts.fit.files == run.inputs.planned_split.parts.fit.files
    test = held_out.read_test(run.workdir.split, run.inputs.data)
    assert len(test) == run.inputs.planned_split.num_test == 4 * 32


def test_a_table_of_patients_counts_by_what_it_says(make_run, tmp_path):
    run = make_run()
    table = tmp_path / "patients.csv"
    digests = {base.fingerprint(run, split.STAGE).digest}
    for shared in (2, 4):
        rows = [
            f"{name},{i // shared}" for i, name in enumerate(run.inputs.data._whole.images.files)
        ]
        table.write_text("\n".join(["file,patient", *rows]))
        grouped = make_run(split__group_by=str(table))
        digests.add(base.fingerprint(grouped, split.STAGE).digest)
        assert "patients" in split.STAGE.digests(grouped)
    assert len(digests) == 3
    pattern = make_run(split__group_by="/0*([0-9]+)[0-9][.]")
    assert "patients" not in split.STAGE.digests(pattern)


def test_a_moved_folder_or_cache_is_the_same_split(make_run, tmp_path):
    one, other = make_run(), make_run(data__cache_dir=str(tmp_path / "other"))
    assert base.fingerprint(one, split.STAGE).digest == base.fingerprint(other, split.STAGE).digest
