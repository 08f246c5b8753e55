import pytest

from synthmed_jax.classifiers.networks.backbone import Backbone, Smallest


@pytest.mark.parametrize("published", ["net-0123abcd.pth", "net-v2-0123abcd.safetensors"])
def test_the_published_files_name_ends_in_its_sha256(published):
    record = Backbone(print, head="fc", published=published, smallest=Smallest(32, 8))
    assert record.published_sha256 == "0123abcd"


def test_each_stem_has_its_smallest_image():
    smallest = Smallest(published=32, small_images=8)
    assert (smallest.side(False), smallest.side(True)) == (32, 8)
