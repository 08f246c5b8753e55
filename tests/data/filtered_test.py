import csv

from synthmed_jax.data.filtered import ScoredImage, write_scored
from synthmed_jax.data.manifest import MANIFEST_FIELDS, ManifestRow, path_of, read_manifest


def scored(name, index, flagged=False, used=True):
    row = ManifestRow(
        path_of(name, index), name, index, 7, "ddpm", 10, 1.5, "weights", "pixels", used, "made"
    )
    scores = {"alike_aligned": 0.25 + index, "alike_identity": 0.5}
    return ScoredImage(row, scores, {"flagged": flagged})


def test_the_manifest_has_the_scores_beside_what_every_manifest_has(tmp_path):
    images = [scored("b", 0), scored("=a", 1, flagged=True, used=False), scored("=a", 0)]
    write_scored(tmp_path, images)
    with (tmp_path / "manifest.csv").open(newline="") as stream:
        table = list(csv.DictReader(stream))
    assert list(table[0]) == [*MANIFEST_FIELDS, "alike_aligned", "alike_identity", "flagged"]
    assert [row["index"] for row in table] == ["0", "1", "0"]
    assert [row["flagged"] for row in table] == ["0", "1", "0"]
    assert [row["alike_aligned"] for row in table] == ["0.250000", "1.250000", "0.250000"]
    # It is read as any other; no name is a formula.
    assert read_manifest(tmp_path) == [images[2].row, images[1].row, images[0].row]
    assert table[0]["class"] == "'=a"


def test_equal_images_give_equal_bytes(tmp_path):
    images = [scored("a", 0), scored("a", 1, flagged=True, used=False)]
    write_scored(tmp_path, images)
    first = (tmp_path / "manifest.csv").read_bytes()
    write_scored(tmp_path, images[::-1])
    assert (tmp_path / "manifest.csv").read_bytes() == first
