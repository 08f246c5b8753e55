import numpy as np
import pytest

from synthmed_jax.data.held_out import Parts
from synthmed_jax.data.image_set import ImageSet
from synthmed_jax.errors import UserError
from synthmed_jax.stages import features, split


def parts_of(groups):
    labels = np.tile(np.arange(2, dtype=np.int32), 30)
    files = tuple(str(i) for i in range(60))
    fit = ImageSet(np.zeros((60, 2, 2, 1), np.uint8), labels, files, ("a", "b"))
    return Parts(fit, fit.subset([]), groups)


@pytest.mark.parametrize("groups", [None, np.arange(60) // 3])
def test_fit_alone_is_divided_and_no_group_of_it(groups):
    parts = parts_of(groups)
    learned, left_out = features.divide(parts, 0)
    assert sorted(learned.files + left_out.files) == sorted(parts.fit.files)
    assert len(left_out) == 12
    assert np.bincount(left_out.labels).tolist() == [6, 6]
    if groups is not None:
        of_file = dict(zip(parts.fit.files, groups, strict=True))
        assert not {of_file[f] for f in learned.files} & {of_file[f] for f in left_out.files}


def test_the_network_neither_learns_from_val_nor_is_chosen_on_it(make_run, monkeypatch):
    given = []
    monkeypatch.setattr(features, "train_alone", given.append)
    run = make_run()
    split.STAGE.run(run)
    features.STAGE.run(run)
    (training,) = given
    fit, judges = set(run.inputs.parts.fit.files), training.validation
    assert list(judges) == [training.select]
    assert set(training.train.files) | set(judges[training.select].files) == fit
    assert not fit & set(run.inputs.parts.val.files)


def test_a_class_of_too_few_images_is_refused_before_any_work(make_run):
    features.STAGE.check(make_run())
    with pytest.raises(UserError, match=r"has 4 .*: enlarge --config\.split\.fraction"):
        features.STAGE.check(make_run(data__phantom_images=24))
