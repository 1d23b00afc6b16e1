"""Rows of large tensors: draws without a permutation, choices that are gathered when read."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from condensers import rows
from condensers.data import ClassData
from condensers.errors import UsageError


@pytest.fixture
def lazy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every choice of rows counts as large."""
    monkeypatch.setattr(rows, "COPIED", 0)


def test_draws_of_few_rows_are_those_of_a_permutation():
    for count, n in ((10, 3), (10, 20), (rows.SHUFFLED, 5), (rows.SHUFFLED + 1, rows.SHUFFLED)):
        one, other = torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)
        wanted = torch.randperm(count, generator=one)[:n]
        assert torch.equal(rows.draw_distinct(count, n, other), wanted)


def test_draws_of_many_rows_are_distinct_uniform_and_repeatable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rows, "SHUFFLED", 4)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.stack([rows.draw_distinct(10, 4, generator) for _ in range(3000)])
    assert all(len(set(row)) == 4 for row in drawn.tolist())
    for column in drawn.T:  # each position of the draw, on its own
        counts = torch.bincount(column, minlength=10).double()
        assert float(((counts - 300) ** 2 / 300).sum()) < 27.9  # chi-square, 9 degrees, p = 0.001
    again = torch.Generator().manual_seed(0)
    assert torch.equal(rows.draw_distinct(10, 4, again), drawn[0])


def test_positions_of_each_label_are_in_order():
    labels = torch.tensor([2, 0, 2, 5, 0])
    found = rows.positions_by_label(labels, (0, 2, 3))
    assert {label: of.tolist() for label, of in found.items()} == {0: [1, 4], 2: [0, 2], 3: []}


READS: list[Callable[[Tensor], Any]] = [
    lambda x: x[torch.tensor([3, 0, 3])],
    lambda x: x[torch.tensor([[1, 2], [0, 3]])],
    lambda x: x[torch.arange(len(x)) % 2 == 0],
    lambda x: x[torch.tensor([1, 2]), torch.tensor([0, 1])],
    lambda x: x[:, :, 1:],
    lambda x: x[1:4][::2] + 0,
    lambda x: x[-1],
    lambda x: x[2:][0],
    lambda x: x[None].float(),
    lambda x: torch.cat([part.float() for part in torch.split(x, 2)]),
    lambda x: torch.cat(list(x)),
    lambda x: torch.cat([x, x]).sum(),
    lambda x: torch.where(x > 9, x, 0),
    lambda x: x.index_select(0, torch.tensor([1])),
    lambda x: x.index_select(1, torch.tensor([1])),
    lambda x: torch.from_numpy(x.numpy()),
    lambda x: copy.deepcopy(x) + 0,
    lambda x: torch.zeros(x.shape, dtype=x.dtype).copy_(x),
    lambda x: x.to(torch.float64).mean((0, 2, 3)),
    lambda x: x.permute(0, 2, 3, 1).contiguous(),
]


@pytest.mark.parametrize("read", READS)
def test_gathered_rows_read_as_a_copy_does(read: Callable[[Tensor], Any]):
    whole = torch.randint(256, (9, 2, 3, 3), dtype=torch.uint8)
    chosen = torch.tensor([8, 1, 1, 4, 0])
    found = read(rows.GatheredRows(whole, chosen))
    assert type(found) is Tensor
    assert torch.equal(found, read(whole[chosen]))


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_blended_rows_read_as_a_blend_does(read: Callable[[Tensor], Any], value: float):
    first, second = torch.randint(256, (2, 5, 2, 3, 3), dtype=torch.uint8)
    blend = rows.Blend(first, second)
    blend.set(value)
    wanted = ((1 - value) * first.double() + value * second.double()).round().to(torch.uint8)
    assert torch.equal(read(blend.rows), read(wanted))


def test_blended_rows_are_as_strong_as_they_are_when_they_are_read():
    first, second = torch.zeros(4, 2, dtype=torch.uint8), torch.full((4, 2), 200, dtype=torch.uint8)
    blend = rows.Blend(first, second)
    held = blend.rows
    kept = [held[1:], torch.split(held, 3)[0], rows.GatheredRows(held, torch.tensor([3]))]
    for value in (1.0, 0.25, 0.0):
        blend.set(value)
        assert all(set((part + 0).flatten().tolist()) == {int(200 * value)} for part in kept)
    with pytest.raises(UsageError, match="cannot be written to"):
        held[0] = 1
    held[:1][0].fill_(7)  # of a copy
    assert int(first.sum()) == 0


def test_gathered_rows_refuse_to_be_written():
    held = rows.GatheredRows(torch.zeros(4, 2, dtype=torch.uint8), torch.tensor([1, 2]))
    writes: list[Callable[[], Any]] = [
        lambda: held.__setitem__(0, 1),
        lambda: held[:1].add_(1),
        lambda: held.fill_(3),
        lambda: held.copy_(torch.ones(2, 2)),
    ]
    for write in writes:
        with pytest.raises(UsageError, match="cannot be written to"):
            write()
    held[0].fill_(7)  # of a copy
    assert int(held.whole.sum()) == 0


@pytest.mark.usefixtures("lazy")
def test_large_choices_of_classes_copy_nothing_and_leak_nothing(
    make_data: Callable[..., ClassData], monkeypatch: pytest.MonkeyPatch
):
    data = make_data((1, 8, 8), 6, 5)
    part = data.restrict([1, 3, 4]).restrict([3, 4])
    assert isinstance(part.images, rows.GatheredRows)
    assert part.images.whole is data.images
    assert (len(part.images), part.shape, part.device) == (10, (1, 8, 8), data.device)
    drawn, labels = part.batch(10, torch.Generator().manual_seed(1))
    monkeypatch.setattr(rows, "COPIED", 2**26)
    plain = data.restrict([3, 4])
    assert not isinstance(plain.images, rows.GatheredRows)
    assert part.digest == plain.digest
    wanted, theirs = plain.batch(10, torch.Generator().manual_seed(1))
    assert torch.equal(drawn, wanted)
    assert torch.equal(labels, theirs)
    assert torch.equal(part.images + 0, plain.images)


def test_pieces_cover_all_rows():
    images = torch.arange(7 * 2**22).to(torch.uint8).view(7, 2**22)
    assert [len(piece) for piece in rows.pieces(images)] == [4, 3]
    assert torch.equal(torch.cat(list(rows.pieces(images))), images)
    assert not rows.pieces(images[:0])
