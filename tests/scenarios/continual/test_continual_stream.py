import pytest
import torch

from condensers.errors import UsageError
from scenarios.continual.stream import benchmark, class_order, split


@pytest.mark.parametrize(
    ("classes", "experiences", "sizes"), [(10, 5, [2] * 5), (10, 3, [4, 3, 3]), (7, 7, [1] * 7), (5, 1, [5])]
)
def test_no_class_is_dropped(classes, experiences, sizes):
    parts = split(list(range(classes)), experiences)
    assert [len(part) for part in parts] == sizes
    assert [label for part in parts for label in part] == list(range(classes))


@pytest.mark.parametrize("experiences", [0, 11])
def test_a_number_of_experiences_that_cannot_be_is_refused(experiences):
    with pytest.raises(UsageError, match="take 1 to 10"):
        split(list(range(10)), experiences)


def test_the_order_depends_on_the_generator_alone_and_keeps_the_labels():
    classes = (2, 3, 5, 7, 11, 13)
    orders = [class_order(classes, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == list(classes)


def test_experiences_hold_the_normalised_images_of_their_classes(splits):
    parts = [(3, 0), (9,), (1, 2, 4)]
    made = benchmark(splits.train, splits.test, parts)
    for stream, data in ((made.train_stream, splits.train), (made.test_stream, splits.test)):
        for experience, classes in zip(stream, parts, strict=True):
            assert set(experience.classes_in_this_experience) == set(classes)
            assert set(experience.dataset.targets.uniques) == set(classes)
            mine = data.restrict(classes)
            x, y = experience.dataset[4]
            assert x.dtype == torch.float32
            assert torch.equal(x, splits.train.normalise(mine.images[4:5])[0])
            assert y == mine.labels[4]
            assert len(experience.dataset) == len(mine.labels)
