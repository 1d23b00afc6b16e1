"""Real files: more real images at the bytes of fewer, stored as JPEG or PNG files with one header
for all of them.

n = max { n : |head| + |tail| + sum_c sum_{i <= n} ( |body_ci| + |length| + |label| ) <= bytes of
ipc uint8 images and labels }

where i counts the images of class c in one fixed random order: n is then the same for every seed.
Images that k-means or herding chooses have other files than drawn ones, mostly shorter: as many are
taken as would fit if all were as long as those that it chooses of a part of the images, with a seed
of its own. Where the n chosen images of each class take more, the one with the largest file
gives its place to the nearest image of its class with a smaller file, until all fit. Where n is no
more than ipc (small images, noise), ipc raw images of each class are stored instead. With the coder
"range" JPEG's coefficients are stored under an arithmetic coder, which holds more images; a choice
that takes more bytes than the images of the fixed order loses its finest coefficients.

Source: ours; `condensers.parts.parameterisations.jpeg.files` has the formats. It is what a replay
memory can do with no learning, and what condensed sets have to beat at equal bytes.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar
from weakref import WeakKeyDictionary

import torch

from condensers.condenser import Condenser
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper, settings_of
from condensers.networks import NetworkSpec
from condensers.parts.labels import hard_label_bytes, stored_hard
from condensers.parts.parameterisations.base import Groups, StorageForm
from condensers.parts.parameterisations.coding.counting import FIXED_ORDER, order_images
from condensers.parts.parameterisations.compressed import Compressed
from condensers.parts.parameterisations.jpeg import files
from condensers.parts.parameterisations.jpeg.coefficients import (
    CODERS,
    JPEG,
    RECODED,
    fit_recoded,
)
from condensers.parts.parameterisations.jpeg.quality import choose_quality
from condensers.parts.parameterisations.jpeg.recoded import RecodedSizes
from condensers.parts.parameterisations.jpeg.sizes import Sizes, fit_images
from condensers.parts.parameterisations.pixels import stored_bytes
from condensers.parts.parameterisations.refined import Refined
from condensers.parts.refiners.base import Refiner
from condensers.registry.registry import with_parts
from condensers.selections.base import STORED, RandomSelection, feature_map, refuse_too_many
from condensers.selections.geometry import Herding, KMeansSelection
from condensers.sets.origins import REAL
from condensers.sets.synthetic_set import Budget, SyntheticSet, card_of, cost_of

TRIED = 2500  # images of each class that a choice is tried on, to see how long its files are
FEWEST = 20  # images of each class that it then takes, or all that fit
ROUNDS = 2
_COUNTS: WeakKeyDictionary[ClassData, dict[tuple[str, str, int, int], int]] = WeakKeyDictionary()

CHOICES = {"random": RandomSelection(), "k-means": KMeansSelection(), "herding": Herding()}


@dataclass(frozen=True)
class RealFiles(Condenser):
    """Real images as files, or in another code; how many of them depends on the images."""

    choose: str = hyper(
        "random",
        help="selection of the images",
        source="ours",
        values=("random", "k-means", "herding"),
    )

    registered: ClassVar[str]
    codec: ClassVar[str]
    evaluation: ClassVar[str] = "dsa"
    origin: ClassVar[str] = REAL

    @property
    def refiner(self) -> Refiner | None:
        """The network that decoded images pass, if there is one; a lossless codec needs none."""
        return None

    @property
    def couples_classes(self) -> bool:
        """Whether the images of all classes share a refiner."""
        return self.refiner is not None

    @property
    def storage(self) -> StorageForm:
        """How the images are stored, without a refiner."""
        return Compressed(self.codec)

    @property
    def parameterisation(self) -> StorageForm:
        """How the files, or the stream, decode to images."""
        refiner = with_parts(self).refiner
        return self.storage if refiner is None else Refined(self.storage, refiner)

    def _limit(self, data: ClassData, nbytes: int) -> int:
        """The bytes that files and labels may take: what a refiner leaves of `nbytes`."""
        refiner = with_parts(self).refiner
        return nbytes - (0 if refiner is None else refiner.nbytes(data.shape[0]))

    def level(self) -> int:
        """The quality that the codec is asked for; PNG has none."""
        return 0

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """The most that a set of `ipc` takes: the bytes of as many raw images."""
        return stored_bytes(data, ipc)

    def images_per_class(self, data: ClassData, ipc: int) -> int:
        """Return the images of a class that a set of `ipc` decodes to."""
        return self._count_images(data, ipc, stored_bytes(data, ipc))

    def images_within(self, data: ClassData, budget: Budget) -> int:
        """Return the images of a class that fill a budget."""
        ipc = budget.ipc_of(self, data)
        return self._count_images(data, ipc, budget.nbytes or stored_bytes(data, ipc))

    def _count_images(self, data: ClassData, ipc: int, nbytes: int) -> int:
        settled, _ = self.settle(data, nbytes)
        return max(ipc, settled.count_fitting(data, self._limit(data, nbytes)))

    def settle(self, data: ClassData, nbytes: int) -> "tuple[RealFiles, Mapping[str, object]]":
        """Return the selection with its quality, and what the card says of how it was chosen.

        Args:
            data: The real images.
            nbytes: Bytes that a set may take: files, labels and a refiner.
        """
        return self, {}

    def image_passes(self, data: ClassData, ipc: int) -> list[tuple[NetworkSpec, float]]:
        """Return the training of a refiner, if there is one."""
        refiner = with_parts(self).refiner
        return [] if refiner is None else refiner.image_passes()

    def count_fitting(self, data: ClassData, limit: int) -> int:
        """Return the most images of each class that fit `limit` bytes with their labels."""
        sizes = Sizes(data, self.codec, self.level())
        return _count_chosen(self.choose, sizes, limit)

    def store(
        self, chosen: list[list[int]], data: ClassData, limit: int, context: Context
    ) -> tuple[list[list[int]], Groups]:
        """Return the images of each class that are stored, and as what, in `limit` bytes.

        Args:
            chosen: Indices of images, as many as fit.
            data: The real images.
            limit: In bytes, with labels.
            context: Lent to what compares images.
        """
        sizes = Sizes(data, self.codec, self.level())
        chosen = fit_images(chosen, sizes, limit, feature_map("pixels", data, context))
        found = [body for of in chosen for body in sizes.bodies(of)]
        return chosen, Compressed(self.codec).pack_files(sizes.frame, found)

    def store_all(self, data: ClassData) -> Groups:
        """Return all images as files."""
        sizes = Sizes(data, self.codec, self.level())
        return Compressed(self.codec).pack_files(sizes.frame, sizes.bodies(range(len(data.images))))

    def condense(self, data: ClassData, budget: Budget, context: Context) -> SyntheticSet:
        """The chosen images; the card's `indices` say which they are.

        A budget in bytes is filled, whatever its ipc.
        """
        begun = time.perf_counter()
        data = data.to(context.device)
        ipc = budget.ipc_of(self, data)
        refuse_too_many(self, data, ipc)
        nbytes = budget.nbytes or stored_bytes(data, ipc)
        limit = self._limit(data, nbytes)
        settled, entries = self.settle(data, nbytes)
        if settled is not self:
            made = settled.condense(data, budget, context)
            cost = cost_of(time.perf_counter() - begun, context)
            return replace(made, card={**made.card, **entries}, cost=cost)
        each = max(ipc, self.count_fitting(data, limit))
        chosen = choose_images(self.choose, data, each, context, self.registered)
        part: StorageForm = self.parameterisation if each > ipc else STORED
        if part is not STORED:
            chosen, groups = self.store(chosen, data, limit, context)
        else:
            groups = {"images": torch.cat([data.images[of] for of in chosen]).cpu()}
        if isinstance(part, Refined):
            real = torch.cat([data.images[of] for of in chosen])
            groups = part.refine_stored(groups, real, data, context)
        card = card_of(self, data, context, ipc, {"labels": "hard"}) | {
            "indices": {
                data.class_names[label]: found
                for label, found in zip(data.classes, chosen, strict=True)
            },
            "images_per_class": each,
            "parameterisation": {"name": part.registered, **settings_of(part)},
        }
        labels = stored_hard(data.classes, each, len(data.class_names))
        return SyntheticSet(
            {**groups, "labels": labels}, card, cost_of(time.perf_counter() - begun, context)
        )


def _count_chosen(how: str, sizes: Sizes, limit: int) -> int:
    """The most images of each class that fit if `how` chooses them; about, where it does not draw
    them.
    """
    data, each = sizes.data, sizes.fitting(limit)
    if how == "random" or not each:
        return each
    known = _COUNTS.setdefault(data, {})
    key = (how, sizes.codec, sizes.quality, limit)
    if key not in known:
        some = torch.cat([of[:TRIED] for of in order_images(data)])
        sample = data.subset(some).to(torch.device("cpu"))
        most = min(map(sample.count, sample.classes))
        share = len(some) / len(data.images)
        for _ in range(ROUNDS):
            tried = min(most, max(min(each, FEWEST), int(each * share)))
            chosen = choose_images(how, sample, tried, Context(FIXED_ORDER), how)
            found = some[torch.tensor(chosen).flatten().to(some.device)].tolist()
            each = sizes.fitting_alike(sizes.lengths(found), limit)
        known[key] = each
    return known[key]


def choose_images(
    how: str, data: ClassData, each: int, context: Context, name: str
) -> list[list[int]]:
    """Return the indices of `each` different images of each class.

    Args:
        how: A key of `CHOICES`.
        data: The real images.
        each: How many.
        context: The generator to draw from.
        name: Of the work, for its progress.
    """
    features, found = feature_map("pixels", data, context), []
    for label in context.each(data.classes, name):
        members = data.members(label)
        positions = CHOICES[how].choose(features(members), each, context.generator)
        found.append(members[positions.to(data.device)].tolist())
    return found


@dataclass(frozen=True)
class RealJPEG(RealFiles):
    """Real images as JPEG files with a common header, as many as fit the bytes of ipc raw ones."""

    quality: int = hyper(
        30,
        help="JPEG quality, 1 to 100; 0: chosen for data and bytes, on images held out of the data",
        source="ours",
        minimum=0,
    )
    coder: str = hyper(
        "huffman",
        help="huffman: JPEG files; range: the same coefficients under an arithmetic coder",
        source="ours",
        values=CODERS,
    )
    refiner: Refiner | None = hyper(
        None,
        help="a small network that all images pass when they are read; its bytes count",
        source="ours: none",
        part="refiner",
    )

    registered: ClassVar[str] = "real-jpeg"
    codec: ClassVar[str] = "jpeg"

    def level(self) -> int:
        """Return the quality of the files."""
        return self.quality

    def settle(self, data: ClassData, nbytes: int) -> "tuple[RealJPEG, Mapping[str, object]]":
        """Choose the quality, if none is set."""
        if self.quality:
            return self, {}
        choice = choose_quality(data, self._limit(data, nbytes))
        return replace(self, quality=int(choice.chosen)), choice.card_entries("quality", "files")

    @property
    def storage(self) -> StorageForm:
        """How the images are stored: as files, or as one stream."""
        if self.coder == "range":
            return JPEG(self.quality, self.coder)
        return Compressed(self.codec)

    def count_fitting(self, data: ClassData, limit: int) -> int:
        """Return the most images of each class that fit `limit` bytes with their labels."""
        if self.coder == "range":
            return RecodedSizes(data, self.quality).fitting(limit)
        return super().count_fitting(data, limit)

    def store(
        self, chosen: list[list[int]], data: ClassData, limit: int, context: Context
    ) -> tuple[list[list[int]], Groups]:
        """Return the images and their files; a stream loses its finest coefficients to fit."""
        if self.coder != "range":
            return super().store(chosen, data, limit, context)
        images = RecodedSizes(data, self.quality).images(torch.tensor(chosen).flatten())
        labels = len(images.coefficients) * hard_label_bytes(data)
        return chosen, RECODED.store(fit_recoded(images, limit - labels))

    def store_all(self, data: ClassData) -> Groups:
        """Return all images as files, or as one stream."""
        if self.coder != "range":
            return super().store_all(data)
        images = RecodedSizes(data, self.quality).images(torch.arange(len(data.images)))
        return RECODED.store(images)

    def require_fit(self, where: str) -> None:
        """UsageError for a quality that JPEG has not."""
        if self.quality > files.BEST:
            raise UsageError(
                f"{where}.quality: {self.quality} is above the largest allowed value, {files.BEST}"
            )


@dataclass(frozen=True)
class RealPNG(RealFiles):
    """Real images as PNG files with a common header, lossless, as many as fit the bytes of ipc raw
    ones.
    """

    registered: ClassVar[str] = "real-png"
    codec: ClassVar[str] = "png"
