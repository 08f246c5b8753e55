"""Config fields against those of the first version: what changes is written down."""

import json
import pathlib

import pytest

from configs import base
from synthmed_jax import field_history, settings
from synthmed_jax.stages.base import Fingerprint

FIRST = json.loads((pathlib.Path(__file__).parent / "fields_of_version_1.json").read_text())


def today():
    return {name for name, _ in settings._flatten(base.get_config().to_dict())}


def test_every_field_is_of_the_first_version_renamed_or_written_down_as_added():
    """A field that is in none of them would make every finished workdir refuse to go on."""
    known = set(field_history.with_new_names(dict.fromkeys(FIRST))) | set(field_history.ADDED)
    assert today() - known == set()


def test_every_former_name_leads_to_a_field():
    assert set(field_history.RENAMED) <= set(FIRST)
    assert set(field_history.RENAMED.values()) <= today()
    assert set(field_history.ADDED) <= today()


def test_a_digest_does_not_see_a_new_name_or_an_added_field_at_its_default():
    first = Fingerprint({"data.fit": "pad", "data.channels": 1}, {"a": "b"})
    now = Fingerprint(
        {"data.square": "pad", "data.channels": 1, "classifier.dtype": "float32"}, {"a": "b"}
    )
    assert now.digest == first.digest
    for changed in ({"data.square": "crop"}, {"classifier.dtype": "bfloat16"}):
        assert Fingerprint(now.fields | changed, now.inputs).digest != first.digest


@pytest.mark.parametrize("dashes", ["-", "--"])
def test_former_names_on_a_command_line_are_understood(dashes):
    given = [f"{dashes}config.data.fit=a=b", "--config.data.dir=data.fit", "--workdir=data.fit"]
    renamed, messages = field_history.rename_arguments(given)
    assert renamed == [f"{dashes}config.data.square=a=b", *given[1:]]
    assert len(messages) == 1
    assert "config.data.fit is now called config.data.square" in messages[0]
