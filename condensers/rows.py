"""Rows of tensors too large for the memory: drawn without a permutation of all, gathered or blended
when they are read.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import methodcaller
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


class LazyRows(Tensor):
    """Rows that are read when they are asked for. They cannot be written to.

    Indexing reads the rows that it asks for, slices read none. Any other operation is done on a
    copy of all rows.
    """

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    def copy_rows(self) -> Tensor:
        """Return a copy of all rows."""
        raise NotImplementedError

    def read(self, func: OpOverload[..., object], args: Sequence[Any]) -> object | None:
        """Return what an operation on these rows and `args` gives; None if all rows are needed."""
        return None

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls,
        func: OpOverload[..., object],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        first = args[0] if args else None
        if isinstance(first, LazyRows):
            if func._schema.is_mutable:
                raise _refusal()
            found = None if kwargs else first.read(func, args[1:])
            if found is not None:
                return found
        plain = tree_map_only(LazyRows, methodcaller("copy_rows"), (tuple(args), kwargs or {}))
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


class GatheredRows(LazyRows):
    """Some rows of a large tensor, copied when they are read."""

    whole: Tensor
    positions: Tensor

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

    def read(self, func: OpOverload[..., object], args: Sequence[Any]) -> object | None:
        """Return what an operation on these rows and `args` gives; None if all rows are needed."""
        found: object | None = _READERS[func](self, *args) if func in _READERS else None
        return found


class Blend:
    """A blend of two uint8 tensors of equal shape, whose strength may change.

    Attributes:
        rows: (1 - strength) first + strength second, rounded; read as strong as it is at the time.
            On a graphics card, where it costs little, all rows are written anew at each change.
        strength: From 0, the first rows alone, to 1, the second alone.
    """

    def __init__(self, first: Tensor, second: Tensor) -> None:
        self.first, self.second, self.strength = first, second, 1.0
        lazy = first.device.type == "cpu"
        self.rows = BlendedRows(first, second, self) if lazy else second.clone()

    def set(self, strength: float) -> None:
        """Show the rows at another strength from now on."""
        changed, self.strength = strength != self.strength, strength
        if changed and not isinstance(self.rows, BlendedRows):
            sources = pieces(self.first), pieces(self.second)
            for present, *both in zip(pieces(self.rows), *sources, strict=True):
                present.copy_(self.of(*both))

    def of(self, first: Tensor, second: Tensor) -> Tensor:
        """Return a new tensor, some rows of the first blended with those of the second."""
        if self.strength in (0.0, 1.0):
            return (second if self.strength else first).clone()
        return torch.lerp(first.float(), second.float(), self.strength).round().to(torch.uint8)


class BlendedRows(LazyRows):
    """Rows of two tensors, blended when they are read."""

    first: Tensor
    second: Tensor
    blend: Blend

    @staticmethod
    def __new__(cls, first: Tensor, second: Tensor, blend: Blend) -> "BlendedRows":
        made: BlendedRows = Tensor._make_wrapper_subclass(
            cls, first.shape, dtype=first.dtype, device=first.device
        )
        made.first, made.second, made.blend = first, second, blend
        return made

    def copy_rows(self) -> Tensor:
        """Return a copy of all rows, as they are now."""
        return self.blend.of(self.first, self.second)

    def read(self, func: OpOverload[..., object], args: Sequence[Any]) -> object | None:
        """Return what an operation on these rows and `args` gives; None if all rows are needed."""
        if func not in _READERS:
            return None
        first, second = func(self.first, *args), func(self.second, *args)
        if isinstance(first, Tensor) and isinstance(second, Tensor):
            return (
                self.blend.of(first, second)
                if func in _COPYING
                else BlendedRows(first, second, self.blend)
            )
        assert isinstance(first, list | tuple) and isinstance(second, list | tuple)
        return [BlendedRows(*both, self.blend) for both in zip(first, second, strict=True)]


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
_COPYING = {
    torch.ops.aten.index.Tensor,
    torch.ops.aten.index_select.default,
    torch.ops.aten.select.int,
}
