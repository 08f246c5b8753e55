import numpy as np
import pytest

from synthmed_jax.data import records, stored_rows
from synthmed_jax.data.sets import builders
from synthmed_jax.errors import Damaged, UserError


class Counted:
    """Rows with contents of these lengths, which counts how many are read at once."""

    def __init__(self, lengths):
        self.lengths, self.calls = lengths, []

    def __len__(self):
        return len(self.lengths)

    def __getitems__(self, positions):
        self.calls.append(len(positions))
        return [{"content": bytes(self.lengths[i]), "label": np.int64(i)} for i in positions]


def labels_of(rows) -> list[int]:
    return [int(row["label"]) for row in stored_rows._in_pieces(rows, None)]


def test_small_rows_are_read_many_at_a_time_and_in_order():
    rows = Counted([10] * 1000)
    assert labels_of(rows) == list(range(1000))
    assert max(rows.calls) == 32
    assert len(rows.calls) < 40


def test_large_rows_are_read_one_by_one_as_soon_as_one_was_seen():
    rows = Counted([10] * 3 + [2**23] + [2**24] * 20)
    assert labels_of(rows) == list(range(24))
    # 1 and 2 small ones, then 4 of which the first is large.
    assert rows.calls == [1, 2, 4, *[1] * 17]


@pytest.mark.parametrize("rows_per_file", [1, 3, 4, 12, 100])
def test_copies_of_several_files_hold_all_rows_in_order(
    tmp_path, settings, make_images, monkeypatch, rows_per_file
):
    files = [f"{name}/{i}.png" for name in "abc" for i in range(4)]
    make_images(tmp_path, *files)
    for module in (builders, stored_rows):
        monkeypatch.setattr(module, "ROWS_PER_FILE", rows_per_file)
    data = settings(dir=str(tmp_path))
    stored = records.open_records(data)
    assert [record.file for record in stored] == [stored[i].file for i in range(12)] == files
    assert len(list(data.cache.rglob("*.array_record*"))) == -(-12 // rows_per_file)
    assert stored.content_of("b/2.png") == (tmp_path / "b/2.png").read_bytes()


def test_a_change_is_noticed_though_the_last_file_is_full(
    tmp_path, settings, make_images, monkeypatch
):
    make_images(tmp_path, "a/1.png", "a/2.png", "b/1.png", "b/2.png")
    monkeypatch.setattr(builders, "ROWS_PER_FILE", 2)
    hash_files = builders.hash_files

    def change_after(*args):
        digests = hash_files(*args)
        make_images(tmp_path, "b/2.png", seed=1)
        return digests

    monkeypatch.setattr(builders, "hash_files", change_after)
    with pytest.raises(UserError, match="changed while"):
        records.open_records(settings(dir=str(tmp_path)))


def test_a_cut_off_copy_is_damaged(tmp_path, settings, make_images):
    make_images(tmp_path, "a/1.png", "b/1.png")
    data = settings(dir=str(tmp_path))
    records.open_records(data)
    (file,) = data.cache.rglob("*.array_record*")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(Damaged, match="is damaged: it can't be read"):
        list(records.open_records(data))
