import numpy as np
import pytest
import torch

from condensers.engine.context import Context
from condensers.errors import UsageError
from scenarios.continual.stream import (
    StreamOrder,
    dm_class_order,
    draw_class_order,
    make_benchmark,
    split_classes,
)


@pytest.mark.parametrize(
    ("classes", "experiences", "sizes"),
    [(10, 5, [2] * 5), (10, 3, [4, 3, 3]), (7, 7, [1] * 7), (5, 1, [5])],
)
def test_no_class_is_dropped(classes, experiences, sizes):
    parts = split_classes(list(range(classes)), experiences)
    assert [len(part) for part in parts] == sizes
    assert [label for part in parts for label in part] == list(range(classes))


@pytest.mark.parametrize("experiences", [0, 11])
def test_a_number_of_experiences_that_cannot_be_is_refused(experiences):
    with pytest.raises(UsageError, match="take 1 to 10"):
        split_classes(list(range(10)), experiences)


def test_the_order_depends_on_the_generator_alone_and_keeps_the_labels():
    classes = (2, 3, 5, 7, 11, 13)
    orders = [draw_class_order(classes, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == list(classes)


def test_experiences_hold_the_normalised_images_of_their_classes(splits):
    parts = [(3, 0), (9,), (1, 2, 4)]
    made = make_benchmark(splits.train, splits.test, parts)
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


@pytest.mark.parametrize("experiences", range(2, 11))
def test_every_class_is_in_one_experience_however_many_there_are(experiences):
    parts = split_classes(list(range(10)), experiences)
    assert sorted(c for part in parts for c in part) == list(range(10))
    assert len(parts) == experiences
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_sizes_and_base_classes():
    order = [7, 3, 9, 0, 1, 2, 4, 5, 6, 8]
    assert split_classes(order, 5, sizes=(1, 6, 3)) == [(7,), (3, 9, 0, 1, 2, 4), (5, 6, 8)]
    assert split_classes(order, 3, base=5) == [(7, 3, 9, 0, 1), (2, 4, 5), (6, 8)]
    assert split_classes(order, 2, base=9) == [tuple(order[:9]), (8,)]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"sizes": (4, 5)}, "take 9, the data has 10"),
        ({"sizes": (10, 0)}, "at least 1"),
        ({"base": 10}, "10 classes first leave 0 for the other 2"),
        ({"base": 9}, "9 classes first leave 1 for the other 2"),
    ],
)
def test_a_layout_that_cannot_be_is_refused_in_one_sentence(given, sentence):
    with pytest.raises(UsageError, match=sentence) as caught:
        split_classes(list(range(10)), 3, **given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", [0, 1, 4])
def test_the_published_order_is_that_of_numpy_and_leaves_its_generator_alone(seed):
    state = np.random.get_state()
    try:
        np.random.seed(seed)
        wanted = np.random.permutation(10).tolist()
    finally:
        np.random.set_state(state)
    assert dm_class_order(tuple(range(10)), seed) == wanted
    assert np.array_equal(np.random.get_state()[1], state[1])


def test_orders_of_a_layout(splits):
    layout = {order: StreamOrder(5, 0, (), order) for order in ("dm", "given", "random")}
    parts = {
        (order, seed): [
            layout[order].parts(splits.train, number, 2, Context(seed=seed)) for number in range(2)
        ]
        for order in layout
        for seed in (0, 1)
    }
    flat = {
        key: [[c for part in each for c in part] for each in found] for key, found in parts.items()
    }
    assert flat["given", 0] == flat["given", 1] == [list(range(10))] * 2
    # Published permutations 0 and 1 for the first seed, 2 and 3 for the next.
    assert [*flat["dm", 0], *flat["dm", 1]] == [
        dm_class_order(tuple(range(10)), k) for k in range(4)
    ]
    assert len({tuple(order) for seed in (0, 1) for order in flat["random", seed]}) == 4
