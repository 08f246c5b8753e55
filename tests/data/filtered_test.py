import csv

from synthmed_jax.data.filtered import ScoredImage, write_kept, write_scores
from synthmed_jax.data.manifest import MANIFEST_FIELDS, ManifestRow, path_of, read_manifest


def scored(name, index, flagged=False, used=True):
    row = ManifestRow(
        path_of(name, index), name, index, 7, "ddpm", 10, 1.5, "weights", "pixels", used, "made"
    )
    scores = {"alike_aligned": 0.25 + index, "alike_identity": 0.5}
    return ScoredImage(row, scores, {"flagged": flagged})


IMAGES = [scored("b", 0), scored("=a", 1, flagged=True, used=False), scored("=a", 0)]


def table_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_scores_of_every_image_stand_beside_what_every_manifest_has(tmp_path):
    write_scores(tmp_path / "scores.csv", IMAGES)
    table = table_of(tmp_path / "scores.csv")
    assert list(table[0]) == [*MANIFEST_FIELDS, "alike_aligned", "alike_identity", "flagged"]
    assert [row["index"] for row in table] == ["0", "1", "0"]
    assert [row["flagged"] for row in table] == ["0", "1", "0"]
    assert [row["alike_aligned"] for row in table] == ["0.250000", "1.250000", "0.250000"]
    assert table[0]["class"] == "'=a"  # no name is a formula


def test_what_is_given_away_names_the_images_that_are_there_and_no_score(tmp_path):
    write_kept(tmp_path, IMAGES)
    assert list(table_of(tmp_path / "manifest.csv")[0]) == list(MANIFEST_FIELDS)
    assert read_manifest(tmp_path) == [IMAGES[2].row, IMAGES[0].row]  # as any other


def test_equal_images_give_equal_bytes(tmp_path):
    images, written = [scored("a", 0), scored("a", 1, flagged=True, used=False)], []
    for order in (images, images[::-1]):
        write_scores(tmp_path / "scores.csv", order)
        write_kept(tmp_path, order)
        written.append([path.read_bytes() for path in sorted(tmp_path.iterdir())])
    assert written[0] == written[1]
