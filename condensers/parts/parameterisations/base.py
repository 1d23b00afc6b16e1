"""What is learned and stored in place of images."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError

Groups = dict[str, Tensor]


class Parameterisation(Protocol):
    """Groups of tensors that decode to images. A frozen dataclass of its hyperparameters.

    A class has `units(data, ipc)` stored units (pictures, canvases, codes); each decodes to
    `copies` images. Units and images are ordered by class. couples_classes: whether classes share
    what is learned (decoders).
    """

    registered: ClassVar[str]
    couples_classes: ClassVar[bool]

    @property
    def copies(self) -> int: ...

    def units(self, data: ClassData, ipc: int) -> int:
        """Units of a class that a budget of `ipc` images per class pays for: ipc, unless units are
        no pictures.
        """
        ...

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Stored bytes of the groups of all classes of `data`, without labels; grows with ipc."""
        ...

    def groups(self, start: Tensor, data: ClassData, context: Context) -> Groups:
        """What is learned, from starting images (classes * units * copies, C, H, W) float32
        normalised.
        """
        ...

    def decode(self, groups: Mapping[str, Tensor], units: slice) -> Tensor:
        """The images of the stored `units`, (units * copies, C, H, W) float32 normalised,
        differentiable in the groups.
        """
        ...

    def project(self, groups: Groups, data: ClassData) -> None:
        """Put the groups back where they are valid (in place), after each step."""
        ...

    def pack(self, groups: Mapping[str, Tensor], data: ClassData) -> Groups:
        """The groups as stored, on the CPU."""
        ...

    def take(self, stored: Mapping[str, Tensor], units: Tensor) -> Groups:
        """The stored groups of the units (n,) int64, in that order; what all units share is kept
        whole.
        """
        ...

    def join(self, parts: Sequence[Mapping[str, Tensor]]) -> Groups:
        """The stored groups of all units of `parts`, one part after the other; UsageError where
        they cannot be one.
        """
        ...

    def unpack(
        self,
        stored: Mapping[str, Tensor],
        mean: Sequence[float],
        std: Sequence[float],
        shape: Sequence[int],
    ) -> Tensor:
        """Stored groups -> all images (M, C, H, W) float32 normalised; shape is (C, H, W)."""
        ...


def require_equal(parts: Sequence[Mapping[str, Tensor]], names: Sequence[str], told: str) -> None:
    """UsageError unless what stored `parts` share is the same in all; told: what they are if it is
    not.
    """
    if not all(torch.equal(part[name], parts[0][name]) for part in parts for name in names):
        raise UsageError(
            f"the sets are {told}, and cannot be one; keep them apart, or condense them together"
        )
