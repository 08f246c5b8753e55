import dataclasses

from synthmed_jax.evaluation import floors
from synthmed_jax.report.floor_tables import FEATURES, floor_table
from synthmed_jax.report.formats import MINUS, NBSP


def test_every_floor_has_its_words():
    assert set(FEATURES) == set(floors.FEATURES)


def test_floors_stand_beside_their_networks(contents):
    table = floor_table(contents.floors)
    assert table.columns[:3] == ("real: accuracy", "real: balanced", "real: network ahead by")
    assert table.rows[0].name == "most frequent class"
    histogram = table.rows[2]
    assert histogram.name == "forest on the histogram of levels of each channel"
    assert histogram.values[0].replace(NBSP, " ") == "97.9 %"
    assert histogram.values[2] == f"{MINUS}2.1 ({MINUS}6.1 to +1.9)"
    assert "over real test images" in table.caption
    assert "8 by 8 pixels" in table.caption


def test_a_floor_without_a_network_has_a_dash(contents):
    alone = tuple(dataclasses.replace(f, network_ahead=None) for f in contents.floors.floors)
    table = floor_table(dataclasses.replace(contents.floors, floors=alone, unit="group"))
    assert {row.values[2] for row in table.rows} == {"\N{EN DASH}"}
    assert "over groups of real test images" in table.caption
