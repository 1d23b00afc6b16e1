"""Rows of tensors too large for the memory: drawn without a permutation of all, gathered when they
are read.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._pytree import tree_map_only

from condensers.errors import UsageError

SHUFFLED = 2**17  # up to so many rows a draw permutes all of them
COPIED = 2**26  # bytes: smaller choices of rows are copied at once
HASHED = 2**24  # bytes at once


def draw_distinct(count: int, n: int, generator: torch.Generator) -> Tensor:
    """Draw different positions below `count`, uniformly and in a random order.

    Among many rows, positions are drawn one after the other and repeats are dropped: the same
    distribution, in time that grows with n alone.

    Args:
        count: Number of rows.
        n: Number of positions; all of them if there are fewer rows.
        generator: The only source of randomness, on the CPU.

    Returns:
        (<= n,) int64.

    >>> draw_distinct(5, 9, torch.Generator()).sort().values
    tensor([0, 1, 2, 3, 4])
    """
    if count <= SHUFFLED or 2 * n > count:
        return torch.randperm(count, generator=generator)[:n]
    drawn = torch.empty(0, dtype=torch.int64)
    while len(drawn) < n:
        more = torch.randint(count, (n - len(drawn),), generator=generator)
        drawn = _drop_repeats(torch.cat([drawn, more]))
    return drawn


def _drop_repeats(drawn: Tensor) -> Tensor:
    """The values (n,) in their order, each where it stands first."""
    values, place = torch.unique(drawn, return_inverse=True)
    first = torch.full_like(values, len(drawn))
    first.scatter_reduce_(0, place, torch.arange(len(drawn)), "amin")
    return drawn[first.sort().values]


def positions_by_label(labels: Tensor, classes: Sequence[int]) -> dict[int, Tensor]:
    """The positions (n,) int64 of each class among labels (N,), in ascending order."""
    order = torch.argsort(labels, stable=True)
    counts = torch.bincount(labels, minlength=max(classes, default=0) + 1)
    parts = torch.split(order, counts.tolist())
    return {label: parts[label] for label in classes}


def take_rows(rows: Tensor, positions: Tensor) -> Tensor:
    """Return the rows at `positions` (n,) int64: a copy, or `GatheredRows` where it would be large.

    What is on a GPU is copied.
    """
    size = len(positions) * rows[:1].numel() * rows.element_size()
    if size <= COPIED or rows.device.type != "cpu":
        return rows[positions]
    if isinstance(rows, GatheredRows):
        return GatheredRows(rows.whole, rows.positions[positions])
    return GatheredRows(rows, positions)


def pieces(rows: Tensor) -> Sequence[Tensor]:
    """`rows` in pieces of a few MB, none where there are no rows."""
    size = max(1, rows[:1].numel() * rows.element_size())
    return torch.split(rows, max(1, HASHED // size)) if len(rows) else ()


class GatheredRows(Tensor):
    """Some rows of a large tensor: indexing copies the rows that it asks for, slices copy none.

    Any other operation is done on a copy of all its rows. It cannot be written to.
    """

    whole: Tensor
    positions: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, whole: Tensor, positions: Tensor) -> "GatheredRows":
        made: GatheredRows = Tensor._make_wrapper_subclass(
            cls, (len(positions), *whole.shape[1:]), dtype=whole.dtype, device=whole.device
        )
        made.whole, made.positions = whole, positions
        return made

    def copy_rows(self) -> Tensor:
        """Return a copy of all rows."""
        return self.whole[self.positions]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls,
        func: OpOverload[..., object],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        first = args[0] if args else None
        if isinstance(first, GatheredRows):
            if func._schema.is_mutable:
                raise _refusal()
            found = _READERS[func](first, *args[1:]) if func in _READERS and not kwargs else None
            if found is not None:
                return found
        plain = tree_map_only(GatheredRows, GatheredRows.copy_rows, (tuple(args), kwargs or {}))
        return func(*plain[0], **plain[1])

    def __setitem__(self, index: object, value: object) -> None:
        raise _refusal()

    def numpy(self, *, force: bool = False) -> npt.NDArray[np.generic]:
        """Return a copy of all rows as an array."""
        found: npt.NDArray[np.generic] = self.copy_rows().numpy(force=force)
        return found

    def __deepcopy__(self, memo: dict[int, object]) -> Tensor:
        return self.copy_rows()

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[object, ...]:
        found: str | tuple[object, ...] = self.copy_rows().__reduce_ex__(protocol)  # type: ignore[no-untyped-call]
        return found


def _refusal() -> UsageError:
    return UsageError("rows of a data set cannot be written to; write to a copy: images.clone()")


def _index(rows: GatheredRows, index: Sequence[Tensor | None]) -> Tensor | None:
    first, *rest = index
    if first is None or (first.dtype == torch.bool and first.ndim > 1):
        return None
    found: Tensor = torch.ops.aten.index.Tensor(rows.whole, [rows.positions[first], *rest])
    return found


def _index_select(rows: GatheredRows, dim: int, index: Tensor) -> Tensor | None:
    return rows.whole[rows.positions[index]] if dim == 0 else None


def _slice(
    rows: GatheredRows,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor | None:
    return GatheredRows(rows.whole, rows.positions[start:end:step]) if dim == 0 else None


def _split(rows: GatheredRows, size: int, dim: int = 0) -> list[Tensor] | None:
    parts = torch.split(rows.positions, size)
    return [GatheredRows(rows.whole, part) for part in parts] if dim == 0 else None


def _select(rows: GatheredRows, dim: int, index: int) -> Tensor | None:
    return rows.whole[rows.positions[index]].clone() if dim == 0 else None


def _same(rows: GatheredRows) -> Tensor:
    return GatheredRows(rows.whole, rows.positions)


_READERS: dict[Any, Callable[..., Any]] = {
    torch.ops.aten.index.Tensor: _index,
    torch.ops.aten.index_select.default: _index_select,
    torch.ops.aten.slice.Tensor: _slice,
    torch.ops.aten.split.Tensor: _split,
    torch.ops.aten.select.int: _select,
    torch.ops.aten.alias.default: _same,
    torch.ops.aten.detach.default: _same,
}
