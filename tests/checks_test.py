import pytest

from synthmed_jax import checks
from synthmed_jax.errors import UserError

NAN = float("nan")


def test_what_is_allowed_passes():
    checks.one_of("f", "b", ("a", "b"))
    checks.one_of("f", 3, (1, 3))
    checks.at_least("f", 1, 1)
    checks.above("f", 0.1, 0)
    checks.between("f", 0, 0, 1)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: checks.one_of("f", "resnet81", ("resnet18", "vgg16")), "mean 'resnet18'"),
        (lambda: checks.one_of("f", 2, (1, 3)), "f=2 is not one of 1, 3"),
        (lambda: checks.at_least("f", 0, 1), "f=0 must be at least 1"),
        (lambda: checks.at_least("f", NAN, 1), "f=nan"),
        (lambda: checks.above("f", 0, 0), "f=0 must be above 0"),
        (lambda: checks.above("f", NAN, 0), "f=nan"),
        (lambda: checks.between("f", 1, 0, 1), "at least 0 and below 1"),
        (lambda: checks.between("f", NAN, 0, 1), "f=nan"),
    ],
)
def test_what_is_not_names_field_value_and_range(check, message):
    with pytest.raises(UserError, match=message):
        check()
