import pytest

from synthmed_jax.audit.settings import AuditSettings
from synthmed_jax.errors import UserError


def test_what_is_in_range_is_taken():
    assert AuditSettings(images=20, seed=0).images == 20
    assert AuditSettings(images=5000, seed=3).seed == 3


def test_a_network_is_one_of_the_eight():
    assert AuditSettings(images=20, seed=0, weights="net.pth", backbone="vgg19").weights
    with pytest.raises(UserError, match=r"config\.audit\.backbone='resnet'.*mean 'resnet"):
        AuditSettings(images=20, seed=0, weights="net.pth", backbone="resnet")


@pytest.mark.parametrize(
    ("images", "seed", "message"),
    [(19, 0, r"audit\.images=19"), (5001, 0, r"audit\.images=5001"), (100, -1, r"audit\.seed=-1")],
)
def test_what_is_out_of_range_is_refused_by_name(images, seed, message):
    with pytest.raises(UserError, match=message):
        AuditSettings(images=images, seed=seed)
