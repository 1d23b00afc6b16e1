"""Refined: images that are stored in any other way, and one small network for all of them, through
which they are read.

x_u = R_w( D(s_u) ),  D: the parameterisation inside, R_w: a refiner whose weights are stored with
the set

The refiner is trained before anything is learned: real images are stored as the parameterisation
inside would, and read back. Then images are learned behind it. Its bytes count: a parameterisation
that fills bytes with as many units as fit has fewer of them; with others they come on top.

The refiner reads and gives whole grey levels in exact arithmetic, so what it adds is the same on
every machine. Files and pixels are, too. Of tiles and latent codes, which are decoded in 32-bit
floats, a grey level may differ by one where a machine adds up in another order; ties are rounded so
that halves and quarters, all that tiles of factor 2 and 4 have, never do.

Source: ours; `condensers.parts.refiners` has the networks and their sources.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, final

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks import NetworkSpec
from condensers.parts.labels import hard_label_bytes
from condensers.parts.parameterisations.base import (
    Groups,
    Parameterisation,
    StorageForm,
    Units,
    count_stored,
    require_equal,
)
from condensers.parts.parameterisations.pixels import stored_bytes
from condensers.parts.refiners.base import ImagePairs, Refiner, as_seen, grey_levels

PREFIX = "refiner."
AT_ONCE = 1024  # images that pass the refiner together when a set is read
LEARNED, STATISTICS = PREFIX + "learned", PREFIX + "statistics"


@final
@dataclass(frozen=True)
class Refined(Parameterisation):
    """Another parameterisation, and a small network that all of its images pass when they are
    read.
    """

    inside: StorageForm = hyper(
        "jpeg", help="how images are stored", source="ours", part="parameterisation"
    )
    refiner: Refiner = hyper("residual", source="ours", part="refiner")
    images: int = hyper(
        50,
        unit="images per class",
        help="real images that the refiner is trained on, or all that there are",
        source="ours",
        minimum=1,
    )

    registered: ClassVar[str] = "refined"
    couples_classes: ClassVar[bool] = True

    def require_fit(self, where: str) -> None:
        """UsageError for a refiner behind a refiner."""
        if isinstance(self.inside, Refined):
            raise UsageError(
                f"{where}.inside: is refined already; give the refiner more `layers` or `width`"
            )

    @property
    def learnable(self) -> bool:
        """Whether what is inside can be learned."""
        return self.inside.learnable

    @property
    def _learned(self) -> Parameterisation:
        assert isinstance(self.inside, Parameterisation), "methods refuse what cannot be learned"
        return self.inside

    @property
    def copies(self) -> int:
        """Images that a unit decodes to."""
        return self.inside.copies

    @property
    def rates(self) -> Mapping[str, float]:
        """Those of what is inside, and the refiner's."""
        return {**self._learned.rates, LEARNED: self.refiner.rate, STATISTICS: 0.0}

    @property
    def variable_size(self) -> bool:
        """Whether that of what is inside varies."""
        return self._learned.variable_size

    def units(self, data: ClassData, ipc: int) -> int:
        """Units of a class: what fits beside the refiner, where bytes decide it; at least ipc."""
        within = self.units_within(data, stored_bytes(data, ipc))
        return self._learned.units(data, ipc) if within is None else max(ipc, within)

    def units_within(self, data: ClassData, nbytes: int, label: int | None = None) -> int | None:
        """Units that fit beside the refiner."""
        own = self.refiner.nbytes(data.shape[0])
        return self._learned.units_within(data, nbytes - own, label)

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Stored bytes of what is inside and of the refiner."""
        within = self.units_within(data, stored_bytes(data, ipc))
        if within is None or within < ipc:
            return self._learned.nbytes(data, ipc) + self.refiner.nbytes(data.shape[0])
        return stored_bytes(data, ipc) - within * len(data.classes) * hard_label_bytes(data)

    def settle(self, data: ClassData, nbytes: int) -> "tuple[Refined, Mapping[str, object]]":
        """Settle what is inside, for the bytes beside the refiner."""
        own = self.refiner.nbytes(data.shape[0])
        inside, entries = self._learned.settle(data, nbytes - own)
        return (self if inside is self.inside else replace(self, inside=inside)), entries

    def image_passes(self, data: ClassData) -> list[tuple[NetworkSpec, float]]:
        """Those of what is inside, and of the refiner's training."""
        return [*self._learned.image_passes(data), *self.refiner.image_passes()]

    def groups(self, start: Tensor, data: ClassData, context: Context) -> Groups:
        """What is inside, the refiner's weights, and the mean and std of pixels, (2, C).

        The refiner trains in the context's fork "refiner", and is read again when a run is taken
        up again.
        """
        require_grey_levels(data)
        weights = self.refiner.train(self._round_trip(data, context), data, context.fork("refiner"))
        statistics = torch.tensor([data.mean, data.std], dtype=torch.float64)
        return {
            **self._learned.groups(start, data, context),
            LEARNED: weights,
            STATISTICS: statistics,
        }

    def allot(self, groups: Groups, nbytes: int) -> Groups:
        """Allot to what is inside the bytes beside the refiner."""
        own = self.refiner.nbytes(len(groups[STATISTICS][0]))
        beside = {name: groups[name] for name in (LEARNED, STATISTICS)}
        return {**self._learned.allot(_inside(groups), nbytes - own), **beside}

    @torch.no_grad()
    def _round_trip(self, data: ClassData, context: Context) -> ImagePairs:
        """Some real images of each class, and as they come back; every copy that a unit holds is
        the same image.
        """
        generator = context.fork("refiner-images").generator
        each = min(self.images, *(data.count(label) for label in data.classes))
        chosen = torch.cat(
            [
                of[torch.randperm(len(of), generator=generator)[:each].to(of.device)]
                for of in (data.members(label) for label in data.classes)
            ]
        )
        real = data.images[chosen].repeat_interleave(self.copies, 0)
        groups = self._learned.groups(data.normalise(real), data, context)
        return ImagePairs(self._learned.decode(groups, slice(None)), real)

    def decode(self, groups: Mapping[str, Tensor], units: Units) -> Tensor:
        """The refined images of some units; rounds as storage does and passes gradients straight
        through.
        """
        weights = groups[LEARNED]
        if not self.refiner.rate:
            weights = weights.detach()
        mean, std = groups[STATISTICS].detach().tolist()
        levels = grey_levels(self._learned.decode(_inside(groups), units), mean, std)
        return as_seen(self.refiner.refine(levels, weights), mean, std)

    def project(self, groups: Groups, data: ClassData) -> None:
        """Put what is inside back to where it is valid."""
        self._learned.project(_inside(groups), data)

    def pack(self, groups: Mapping[str, Tensor], data: ClassData) -> Groups:
        """What is inside as it is stored, and the refiner in whole numbers."""
        packed = self.refiner.pack(groups[LEARNED].detach(), data.shape[0])
        return _join(self._learned.pack(_inside(groups), data), packed)

    def estimate_bits(self, groups: Mapping[str, Tensor]) -> Tensor | None:
        """Those of what is inside, and the refiner's."""
        bits = self._learned.estimate_bits(_inside(groups))
        own = self.refiner.nbytes(len(groups[STATISTICS][0]))
        return None if bits is None else bits + 8 * own

    def count_bytes(self, groups: Mapping[str, Tensor], data: ClassData) -> int:
        """Those of what is inside, and the refiner's."""
        own = self.refiner.nbytes(data.shape[0])
        return self._learned.count_bytes(_inside(groups), data) + own

    def refine_stored(
        self, inside: Groups, real: Tensor, data: ClassData, context: Context
    ) -> Groups:
        """Return stored groups with a refiner that was trained on the very images they stand for.

        Args:
            inside: What is stored without it.
            real: The images (M, C, H, W) uint8, in the order in which they are decoded.
            data: The real images, for networks that compare images.
            context: As for `groups`.
        """
        require_grey_levels(data)
        pairs = ImagePairs(self.inside.decode_stored(inside, data), real)
        weights = self.refiner.train(pairs, data, context.fork("refiner"))
        return _join(inside, self.refiner.pack(weights, data.shape[0]))

    def unpack(
        self,
        stored: Mapping[str, Tensor],
        mean: Sequence[float],
        std: Sequence[float],
        shape: Sequence[int],
    ) -> Tensor:
        """Stored groups -> images (M, C, H, W) float32 normalised: whole grey levels."""
        packed = {n.removeprefix(PREFIX): t for n, t in stored.items() if n.startswith(PREFIX)}
        weights = self.refiner.unpack(packed, shape[0])
        levels = grey_levels(self.inside.unpack(_inside(stored), mean, std, shape), mean, std)
        with torch.no_grad():
            parts = [self.refiner.refine(part, weights) for part in torch.split(levels, AT_ONCE)]
        return as_seen(torch.cat(parts) if parts else levels, mean, std)

    @property
    def recodable(self) -> bool:
        """Whether that of what is inside can be."""
        return self.inside.recodable

    def stored_form(self, stored: Mapping[str, Tensor]) -> StorageForm:
        """Return the refiner behind the form of what is inside."""
        return replace(self, inside=self.inside.stored_form(_inside(stored)))

    def recode(
        self,
        parts: Sequence[Mapping[str, Tensor]],
        nbytes: int,
        shape: Sequence[int],
        least: int | None = None,
    ) -> list[Groups]:
        """Code what is inside again; each set keeps its refiner, whose bytes count."""
        own = [
            {name: tensor for name, tensor in part.items() if name.startswith(PREFIX)}
            for part in parts
        ]
        room = nbytes - sum(map(count_stored, own))
        inside = self.inside.recode([_inside(part) for part in parts], room, shape, least)
        return [{**one, **refiner} for one, refiner in zip(inside, own, strict=True)]

    def take(self, stored: Mapping[str, Tensor], units: Tensor) -> Groups:
        """The units inside; one refiner serves all."""
        own = {name: tensor for name, tensor in stored.items() if name.startswith(PREFIX)}
        return {**self.inside.take(_inside(stored), units), **own}

    def join(self, parts: Sequence[Mapping[str, Tensor]]) -> Groups:
        """All units inside; UsageError for sets with different refiners."""
        own = [name for name in parts[0] if name.startswith(PREFIX)]
        require_equal(parts, own, "images with refiners of their own")
        return {
            **self.inside.join([_inside(part) for part in parts]),
            **{name: parts[0][name] for name in own},
        }


def require_grey_levels(data: ClassData) -> None:
    """UsageError for whitened images, which a refiner cannot read."""
    if data.whitening is not None:
        raise UsageError(
            f"refiner: images of {data.name} are whitened, and a refiner reads grey levels; take"
            " other data, or leave it out"
        )


def _join(inside: Mapping[str, Tensor], packed: Mapping[str, Tensor]) -> Groups:
    """The stored groups of what is inside and of a packed refiner, as one."""
    return {**inside, **{PREFIX + name: tensor for name, tensor in packed.items()}}


def _inside(groups: Mapping[str, Tensor]) -> Groups:
    """The groups without the refiner's."""
    return {name: tensor for name, tensor in groups.items() if not name.startswith(PREFIX)}
