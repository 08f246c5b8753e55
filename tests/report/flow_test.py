import dataclasses

import pytest

from synthmed_jax.report import flow
from synthmed_jax.report.formats import DASH
from synthmed_jax.results.inventory import ClassInventory, Inventory, LeftOutFiles


def test_each_cell_says_what_its_trainings_saw(contents):
    (arms,) = flow.flow_tables(contents)
    assert arms.columns == ("trainings", "images trained on", "images validated on", "tested on")
    assert arms.rows[0].name == "resnet18, synthetic, n 500"
    assert arms.rows[0].values == ("3", "1333 to 1335", "667", "60")
    (unknown,) = flow.flow_tables(dataclasses.replace(contents, folds={}))
    assert unknown.rows[0].values == ("3", DASH, DASH, "60")


def test_files_are_followed_from_the_folder(contents):
    found = tuple(
        ClassInventory(name, 30, 6, {}, {}, 90.0, 0, 0, 0, 0, None, (), 0.0)
        for name in contents.split.class_names
    )
    left_out = (LeftOutFiles("Early", "broken", 2, ()), LeftOutFiles("", "no class", 9, ()))
    inventory = Inventory(found, left_out, (), "", "", ())
    table, _ = flow.flow_tables(dataclasses.replace(contents, inventory=inventory))
    by_class = {row.name: row.values for row in table.rows}
    assert by_class["Benign"] == ("6", "0", "30", "28")
    assert by_class["Early"] == ("6", "2", "30", "28")


def test_groups_are_counted_where_there_are_some(contents):
    fit = tuple(
        dataclasses.replace(entry, group=i // 2) for i, entry in enumerate(contents.split.fit)
    )
    split = dataclasses.replace(contents.split, fit=fit, val=(), grouped_by="patient")
    groups, _ = flow.flow_tables(dataclasses.replace(contents, split=split))
    assert [row.values for row in groups.rows] == [("2", "0")] * 3
    assert "(patient)" in groups.caption


@pytest.mark.parametrize(
    ("augmented", "arms"), [("all", "synthetic."), ("real_augmented", "none.")]
)
def test_which_arms_are_augmented_is_said(fabricated, augmented, arms):
    fabricated.configure("classifier", augmented=augmented)
    *_, table = flow.flow_tables(fabricated.contents())
    assert table.caption.endswith(f"as the generator's images: {arms}")
