import uuid

import pytest

from tests.remote import faulty


@pytest.fixture
def url():
    """A folder of its own on a remote storage that works, in memory."""
    faulty.LEFT.clear()
    return f"faulty://bucket/{uuid.uuid4().hex}/run"
