"""The minibatches of an experience: every image once an epoch, and the same from any of them on."""

import pytest
import torch

from scenarios.continual.learner_settings import Batches


def batches_of(data, **given):
    return Batches(
        **{"data": data, "labels": data.labels, "batch": 16, "epochs": 3, "seed": 7, **given}
    )


def test_every_image_comes_once_an_epoch_in_a_new_order(splits):
    batches = batches_of(splits.train)
    found = list(batches)
    assert len(found) == len(batches) == 3 * 15
    epochs = [torch.cat([x for x, _ in found[15 * e : 15 * e + 15]]) for e in range(3)]
    wanted = {x.numpy().tobytes() for x in splits.train.normalise(splits.train.images)}
    for epoch in epochs:
        assert len(epoch) == len(wanted) == 240
        assert {x.numpy().tobytes() for x in epoch} == wanted
    assert not torch.equal(epochs[0], epochs[1]) and not torch.equal(epochs[1], epochs[2])


def test_the_last_minibatch_of_an_epoch_is_what_is_left(splits):
    sizes = [len(y) for _, y in batches_of(splits.train.restrict((3, 4)), batch=20, epochs=2)]
    assert sizes == [20, 20, 8] * 2


@pytest.mark.parametrize("repeats", [1, 3])
@pytest.mark.parametrize("start", [1, 14, 15, 31, 44])
def test_from_the_middle_on_they_are_the_same(splits, start, repeats):
    whole = list(batches_of(splits.train, repeats=repeats))
    rest = batches_of(splits.train, repeats=repeats, start=start)
    found = list(rest)
    assert len(found) == len(whole) - start
    assert rest.index == len(whole) - 1
    for (x, y), (theirs, labels) in zip(found, whole[start:], strict=True):
        assert torch.equal(x, theirs) and torch.equal(y, labels)


def test_repeats_come_in_a_row_and_only_the_first_is_new(splits):
    once = [y.tolist() for _, y in batches_of(splits.train)]
    batches = batches_of(splits.train, repeats=2)
    found, new = zip(*((y.tolist(), batches.is_first_repeat()) for _, y in batches), strict=True)
    assert list(found) == [y for y in once for _ in range(2)]
    assert list(new) == [True, False] * len(once)


def test_labels_are_as_given_and_raw_is_what_was_shown(splits):
    outputs = torch.arange(10) % 2
    batches = batches_of(splits.train, labels=outputs[splits.train.labels])
    for x, y in batches:
        images, labels = batches.raw_minibatch()
        assert images.dtype == torch.uint8
        assert torch.equal(splits.train.normalise(images), x)
        assert torch.equal(outputs[labels], y)


def test_the_seed_alone_decides(splits):
    orders = [[y.tolist() for _, y in batches_of(splits.train, seed=seed)] for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
