"""The base classes of parameterisations: what is learned and stored in place of images."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.engine.devices import send
from condensers.errors import UsageError
from condensers.hyperparameters import Part
from condensers.networks import NetworkSpec

Groups = dict[str, Tensor]
Units = slice | Tensor  # of stored units: a range of them, or their numbers (n,) int64
"""Tensors by name."""
LIMIT = "limit"
"""The name of a group that holds the bytes that a set may take, where `allot` makes one."""


class StorageForm(Part):
    """How stored groups of tensors stand for images.

    A set holds units (pictures, canvases, codes, files), ordered by class; each decodes to `copies`
    images.
    """

    @property
    def learnable(self) -> bool:
        """Whether a method can learn what is stored; if so, it is a `Parameterisation`."""
        return False

    @property
    def copies(self) -> int:
        """Images that a unit decodes to."""
        return 1

    @abstractmethod
    def unpack(
        self,
        stored: Mapping[str, Tensor],
        mean: Sequence[float],
        std: Sequence[float],
        shape: Sequence[int],
    ) -> Tensor:
        """Decode all stored units.

        Args:
            stored: The groups, on one device.
            mean: Of the data set's pixels in [0, 1], for each channel.
            std: Their standard deviation.
            shape: (C, H, W) of an image.

        Returns:
            Images (M, C, H, W) float32, normalised.
        """

    @abstractmethod
    def take(self, stored: Mapping[str, Tensor], units: Tensor) -> Groups:
        """Return the stored groups of some units; what all units share is kept whole.

        Args:
            stored: The groups of all units.
            units: (n,) int64, in the order of the result.
        """

    @abstractmethod
    def join(self, parts: Sequence[Mapping[str, Tensor]]) -> Groups:
        """Return the stored groups of all units of several sets, one set after the other.

        Raises:
            UsageError: What the units share differs between the sets.
        """

    @property
    def recodable(self) -> bool:
        """Whether what it stores can be coded again in fewer bytes, all units kept."""
        return False

    def stored_form(self, stored: Mapping[str, Tensor]) -> "StorageForm":
        """Return the form that reads these groups, without the settings that made them."""
        return self

    def recode(
        self,
        parts: Sequence[Mapping[str, Tensor]],
        nbytes: int,
        shape: Sequence[int],
        least: int | None = None,
    ) -> list[Groups]:
        """Return the groups of several sets, coded again from what is stored, all by one measure.

        Args:
            parts: The stored groups of each set.
            nbytes: What all groups together may take.
            shape: (C, H, W) of an image.
            least: The lowest quality, where the form has one; that of the form if None.

        Returns:
            Groups of the same units; at the lowest quality where even they take more bytes. Those
            that were given, where they fit.

        Raises:
            UsageError: The form is not `recodable`.
        """
        raise UsageError(
            f"sets stored as {self.registered} cannot be coded again in fewer bytes; take files,"
            " coded images, or another way to make room"
        )

    def append(
        self, stored: Mapping[str, Tensor], kept: Tensor, images: Tensor, like: int | None
    ) -> Groups:
        """Return the groups of some units and of new images, coded as finely as the units are.

        Args:
            stored: The groups of all units.
            kept: (n,) int64, the units that stay, in the order of the result.
            images: (m, C, H, W) uint8 of one class; they follow the units.
            like: A unit of that class; None if there is none.

        Raises:
            UsageError: Images cannot be stored in the form one by one.
        """
        raise UsageError(
            f"sets stored as {self.registered} take in no single images; take real images as"
            " pixels, files or coded images, or let the memory grow"
        )

    def decode_stored(self, stored: Mapping[str, Tensor], data: ClassData) -> Tensor:
        """Return the images (M, C, H, W) of stored groups, on the device of `data`."""
        moved = {name: tensor.to(data.device) for name, tensor in stored.items()}
        return self.unpack(moved, data.mean, data.std, data.shape)


class Parameterisation(StorageForm):
    """Groups of tensors that are learned in place of images."""

    @property
    def learnable(self) -> bool:
        """Return true, unless what it wraps cannot be learned."""
        return True

    @property
    @abstractmethod
    def couples_classes(self) -> bool:
        """Whether classes share what is learned, such as decoders."""

    @property
    def variable_size(self) -> bool:
        """Whether what is learned changes the bytes that it takes, as `estimate_bits` says."""
        return False

    @property
    def rates(self) -> Mapping[str, float]:
        """Learning rates of groups as multiples of the method's; 1 for a group not named."""
        return {}

    def units(self, data: ClassData, ipc: int) -> int:
        """Return the units of a class that `ipc` images per class pay for."""
        return ipc

    def settle(
        self, data: ClassData, nbytes: int
    ) -> "tuple[Parameterisation, Mapping[str, object]]":
        """Return the part with what data and budget decide in it, and what the card says of that.

        Args:
            data: The real images.
            nbytes: Bytes that a set may take, with hard labels.
        """
        return self, {}

    def units_within(self, data: ClassData, nbytes: int, label: int | None = None) -> int | None:
        """Return the units of a class that fit some bytes with their labels.

        None, where not bytes but ipc decides how many units there are. What stands beside this
        part, such as a refiner or soft labels, then takes its bytes on top.

        Args:
            data: The real images.
            nbytes: Of units and labels.
            label: Bytes of the labels of a unit; those of a hard one if None.
        """
        return None

    def image_passes(self, data: ClassData) -> list[tuple[NetworkSpec, float]]:
        """Return the networks that its groups are trained with, and about how many images pass
        each, for estimates.
        """
        return []

    @abstractmethod
    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Return the stored bytes of the groups of all classes, without labels; grows with ipc."""

    @abstractmethod
    def groups(self, start: Tensor, data: ClassData, context: Context) -> Groups:
        """Return what is learned, from starting images.

        Args:
            start: (classes * units * copies, C, H, W) float32, normalised, ordered by class.
            data: The real images.
            context: Randomness and folder, for groups that are trained first.
        """

    def allot(self, groups: Groups, nbytes: int) -> Groups:
        """Return the groups with the bytes that they may take once they are packed; called before
        the first step. What takes the same bytes whatever is learned pays no heed to it.
        """
        return groups

    @abstractmethod
    def decode(self, groups: Mapping[str, Tensor], units: Units) -> Tensor:
        """Return the images of some units.

        Args:
            groups: All that is learned.
            units: Which units: a slice, or their numbers (n,) int64.

        Returns:
            (units * copies, C, H, W) float32, normalised, differentiable in the groups.
        """

    def project(self, groups: Groups, data: ClassData) -> None:
        """Put the groups back, in place, to where they are valid; called after each step."""

    @abstractmethod
    def pack(self, groups: Mapping[str, Tensor], data: ClassData) -> Groups:
        """Return the groups as stored, on the CPU."""

    def estimate_bits(self, groups: Mapping[str, Tensor]) -> Tensor | None:
        """Estimate what the groups take in storage, for terms that make them take less.

        Args:
            groups: As they are learned.

        Returns:
            Bits, a scalar, differentiable in the groups; None if what is learned changes nothing.
        """
        return None

    def count_bytes(self, groups: Mapping[str, Tensor], data: ClassData) -> int:
        """Return what the groups would take in storage if no budget limited them."""
        return count_stored(self.pack(groups, data))


def count_stored(stored: Mapping[str, Tensor]) -> int:
    """Return the bytes of stored groups."""
    return sum(one.numel() * one.element_size() for one in stored.values())


def require_equal(
    parts: Sequence[Mapping[str, Tensor]], names: Sequence[str], difference: str
) -> None:
    """Require that stored `parts` are equal in what their units share.

    Args:
        parts: Stored groups of several sets.
        names: The groups that are shared.
        difference: What the sets are if these differ, for the message.

    Raises:
        UsageError: A shared group differs.
    """
    if not all(torch.equal(part[name], parts[0][name]) for part in parts for name in names):
        raise UsageError(
            f"the sets are {difference}, and cannot be one; keep them apart, or condense them"
            " together"
        )


def require_plain(data: ClassData, name: str) -> None:
    """Require images that are not whitened, for what decodes to normalised images.

    Raises:
        UsageError: The images of `data` are whitened.
    """
    if data.whitening is not None:
        raise UsageError(
            f"parameterisation {name}: images of {data.name} are whitened, and it decodes to images"
            " that are not; take other data, or parameterisation pixels"
        )


def valid_range(mean: Sequence[float], std: Sequence[float], like: Tensor) -> tuple[Tensor, Tensor]:
    """Return the normalised values of black and of white, (C, 1, 1) each.

    Args:
        mean: Of the data set's pixels in [0, 1], for each channel.
        std: Their standard deviation.
        like: Gives dtype and device.
    """
    both = _statistics(tuple(mean), tuple(std), like.device, like.dtype)
    column = both.view(2, -1, 1, 1)
    return (0 - column[0]) / column[1], (1 - column[0]) / column[1]


@lru_cache(maxsize=16)
def _statistics(
    mean: tuple[float, ...], std: tuple[float, ...], device: torch.device, dtype: torch.dtype
) -> Tensor:
    """Mean and std as rows, brought to each device once."""
    return send(torch.tensor([mean, std], dtype=dtype), device)
