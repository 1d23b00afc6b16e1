"""Checks that a stream fits a memory: what its ids mean, and whether its images are alike.

`find_numbering` tells which of a set's classes the ids of a stream mean, for a benchmark may number
classes anew. `require_likeness` compares images: each goes to the class of the set whose mean image
it correlates with most.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from avalanche.benchmarks import DatasetExperience
from avalanche.benchmarks.scenarios.deprecated.benchmark_wrapper_utils import ExperienceWrapper
from avalanche.benchmarks.scenarios.deprecated.new_classes import NCScenario
from avalanche.benchmarks.scenarios.deprecated.new_classes.nc_scenario import NCExperience
from avalanche.benchmarks.scenarios.online import OnlineCLExperience
from avalanche.benchmarks.utils import AvalancheDataset
from torch import Tensor

from condensers.errors import UsageError
from scenarios.continual.items import KnownExperience
from scenarios.continual.memory.exemplars import Exemplars, require_classes

ClassIds = Mapping[int, int] | Sequence[Mapping[int, int]]


@dataclass(frozen=True)
class Numbering:
    """Which classes of a set an experience brings.

    Attributes:
        classes: id -> class, for the ids of the experience.
        ids: class -> id, for the whole stream as far as it is known.
        tasks: class -> task label, likewise.
        trust: "certain" if the caller or the experience names the classes, "mapped" if the
            benchmark carries a mapping to the labels of its data, "assumed" if an id is taken for
            the class of that number.
    """

    classes: Mapping[int, int]
    ids: Mapping[int, int]
    tasks: Mapping[int, int]
    trust: str


def find_numbering(experience: DatasetExperience, given: ClassIds | None) -> Numbering:
    """Return the numbering that is `given`, else that of the experience or its benchmark.

    Raises UsageError if an id of the experience has no class.
    """
    if isinstance(experience, KnownExperience):
        classes = experience.data_classes
        return Numbering({c: c for c in classes}, {}, {}, "certain")
    ids = sorted(int(y) for y in experience.dataset.targets.uniques)
    if given is not None:
        return _number_by_table(experience, ids, given)
    source = find_origin(experience)
    if isinstance(source, NCExperience):
        return _number_by_benchmark(source, ids)
    return Numbering({y: y for y in ids}, {}, {}, "assumed")


def find_origin(experience: DatasetExperience) -> DatasetExperience:
    """Return the experience that this one was cut from, or itself."""
    while isinstance(experience, OnlineCLExperience | ExperienceWrapper):
        with experience.no_attribute_masking():
            online = isinstance(experience, OnlineCLExperience)
            experience = experience.origin_experience if online else experience.wrapped_exp
    return experience


def require_class_ids(given: ClassIds, classes: Iterable[int]) -> None:
    """Refuse a class that the set lacks, and two ids for one class."""
    known, ids = set(classes), {}  # type: set[int], dict[int, int]
    for part in [given] if isinstance(given, Mapping) else given:
        for y, c in part.items():
            if known and c not in known:
                raise UsageError(
                    f"CondensedMemory: class_ids says that id {y} is class {c}, which the set does"
                    f" not have; its classes are {_join_numbers(known)}"
                )
            if ids.setdefault(c, y) != y:
                raise UsageError(
                    f"CondensedMemory: class_ids calls class {c} both {ids[c]} and {y}; give one id"
                    " for a class"
                )


def _number_by_table(
    experience: DatasetExperience, ids: Sequence[int], given: ClassIds
) -> Numbering:
    parts, here = ([given], given) if isinstance(given, Mapping) else (given, None)
    if here is None:
        source = find_origin(experience)
        with source.no_attribute_masking():
            index = int(source.current_experience)
        if index >= len(parts):
            raise UsageError(
                f"CondensedMemory: class_ids is a list for {len(parts)} experiences, and experience"
                f" {index} came"
            )
        here = parts[index]
    absent = [y for y in ids if y not in here]
    if absent:
        raise UsageError(
            f"CondensedMemory: the stream brings id {absent[0]}, which class_ids does not name; add"
            " its class"
        )
    known = {c: y for part in parts for y, c in part.items()}
    return Numbering({y: here[y] for y in ids}, known, {}, "certain")


def _number_by_benchmark(experience: NCExperience, ids: Sequence[int]) -> Numbering:
    with experience.no_attribute_masking():
        benchmark: NCScenario = experience.benchmark
        position = experience.current_experience
    mapping = {c: y for c, y in enumerate(benchmark.class_mapping) if y >= 0}
    own = benchmark.original_classes_in_exp
    # Only ids that begin at zero in each experience need its position to be told apart.
    among = own[position] if benchmark.class_ids_from_zero_in_each_exp else set(mapping)
    inverse = {mapping[c]: c for c in among}
    absent = [y for y in ids if y not in inverse]
    if absent:
        raise UsageError(
            f"CondensedMemory: the stream brings id {absent[0]}, which its benchmark's class"
            " mapping does not have; pass class_ids={id: class of the set}"
        )
    tasks = {c: benchmark.task_labels[t][0] for t, part in enumerate(own) for c in part}
    return Numbering({y: inverse[y] for y in ids}, mapping, tasks, "mapped")


def _join_numbers(classes: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(classes)))


def require_stream_fit(
    experience: DatasetExperience,
    class_ids: ClassIds | None,
    known: Exemplars,
    card: Mapping[str, Any] | None,
    complete: bool,
) -> bool:
    """Check an experience against the exemplars known of some classes, or of all if `complete`.

    card: of their set, for the scale of pixels; None leaves that check out. Returns whether all
    classes of the experience have exemplars, so that one check is enough. Raises UsageError if
    they do not agree in classes, shape, dtype or scale.
    """
    numbering, source = find_numbering(experience, class_ids), find_origin(experience)
    available = set(known.labels.tolist())
    # Items of a stream may be drawn anew whenever they are read; looking at them must not change
    # what training draws.
    with torch.random.fork_rng(devices=[]):
        require_agreement(source.dataset, known.images, card)
        if numbering.trust != "certain":
            whole = find_numbering(source, class_ids)
            classes = set(whole.classes.values())
            if complete:
                require_classes(known, tuple(sorted(classes)))
            if classes <= available:
                x, y = sample_images(source.dataset, list(whole.classes))
                require_likeness(x, y, whole.classes, known, whole.trust)
    return set(numbering.classes.values()) <= available


SAMPLE = 64
# Deviations of the same classes differ by far less; images in 0..1 and normalised ones by 3 to 4.
RATIO = 2.5


def require_agreement(dataset: Any, memory: Tensor, card: Mapping[str, Any] | None) -> None:
    """Refuse a stream that does not agree with the memory's images (M, C, H, W).

    Its items must be (x, y) or (x, y, task label), x a float tensor of the memory's shape. With a
    card, the pixels of some items must be on the scale of its mean and std. Avalanche mixes
    whatever it gets without an error.
    """
    item = dataset[0]
    if len(item) not in (2, 3):
        raise UsageError(
            f"CondensedMemory: the stream's items have {len(item)} parts; give (x, y) or (x, y,"
            " task label)"
        )
    x = item[0]
    if not isinstance(x, Tensor) or not x.is_floating_point():
        kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise UsageError(
            f"CondensedMemory: the stream gives images as {kind}; normalise them to floats, as the"
            " memory's are"
        )
    if x.shape != memory.shape[1:]:
        raise UsageError(
            f"CondensedMemory: the stream's images are {tuple(x.shape)}, the memory's"
            f" {tuple(memory.shape[1:])}; use a set condensed from the stream's data"
        )
    if card is not None:
        _require_scale(dataset, memory, card)


def _require_scale(dataset: Any, memory: Tensor, card: Mapping[str, Any]) -> None:
    chosen = torch.linspace(0, len(dataset) - 1, min(SAMPLE, len(dataset))).round().int().tolist()
    stream = torch.stack([dataset[i][0] for i in chosen]).float()
    mean, std = torch.tensor(card["mean"]), torch.tensor(card["std"])
    low, high = float((-mean / std).min()), float(((1 - mean) / std).max())
    span = high - low
    outside = float(stream.min()) < low - span or float(stream.max()) > high + span
    ratio = float(stream.std()) / max(float(memory.std()), 1e-6)
    if outside or not 1 / RATIO < ratio < RATIO:
        raise UsageError(
            "CondensedMemory: the stream's pixels lie in"
            f" {float(stream.min()):.2f}..{float(stream.max()):.2f} (deviation"
            f" {float(stream.std()):.2f}), the memory's in"
            f" {float(memory.min()):.2f}..{float(memory.max()):.2f} (deviation"
            f" {float(memory.std()):.2f}); normalise the stream with mean {list(card['mean'])} and"
            f" std {list(card['std'])}, or pass check_range=False"
        )


# Standard deviations by which a count must exceed another to tell.
CLEAR = 3.0
# Images of each id, and of all ids together.
LEAST, MOST, TOTAL = 4, 32, 512


@dataclass(frozen=True)
class Votes:
    """Of n images of the id `id`, `own` look like its class, `other` like the class `looks`."""

    id: int
    n: int
    own: int
    looks: int
    other: int

    @property
    def against(self) -> bool:
        return self.other - self.own > CLEAR * math.sqrt(self.other + self.own)


def require_likeness(
    x: Tensor, y: Sequence[int], classes: Mapping[int, int], known: Exemplars, trust: str
) -> None:
    """Refuse images x (n, C, H, W) of ids y that do not look like their classes, id -> class.

    Under "assumed" ids the images must confirm the classes, and no id may look like another class,
    unless the id of that class does too.
    Under "mapped" ids one class may be hard to tell from another, but not most of them, and no two
    may look like each other.
    """
    votes = count_votes(x, y, classes, known)
    n, own, width = (
        sum(v.n for v in votes),
        sum(v.own for v in votes),
        len(set(known.labels.tolist())),
    )
    chance = n / width + CLEAR * math.sqrt(n / width * (1 - 1 / width))
    # Shirts may look like the set's coats, where coats do too.
    true = {classes[v.id] for v in votes if v.own > v.other}
    against = [v for v in votes if v.against and v.looks not in true]
    if trust == "mapped" and 2 * len(against) <= len(votes):
        against = [
            v
            for v in against
            if any(w.looks == classes[v.id] and v.looks == classes[w.id] for w in against)
        ]
    if against:
        first = against[0]
        raise UsageError(
            f"CondensedMemory: {first.other} of {first.n} images that the stream calls {first.id}"
            f" look like the set's class {first.looks}, {first.own} like class {classes[first.id]};"
            " say what each id means by class_ids={id: class of the set}, or a list of such"
            " tables, one for each experience"
        )
    if trust == "assumed" and own <= chance:
        raise UsageError(
            "CondensedMemory: the stream carries no class mapping, and its images do not tell"
            f" whether its ids {', '.join(map(str, classes))} are the set's classes; say what each"
            " means by class_ids={id: class of the set}, or a list of such tables, one for each"
            " experience"
        )


def sample_images(dataset: AvalancheDataset, ids: Sequence[int]) -> tuple[Tensor, list[int]]:
    """Take as many images (n, C, H, W) of each id, spread over the data set, with their labels.

    Raises UsageError if an item's label is not the one by which `targets` lists it.
    """
    each = min(MOST, max(LEAST, TOTAL // len(ids)))
    x, y = [], []
    for one in ids:
        among = list(dataset.targets.val_to_idx[one])
        for i in torch.linspace(0, len(among) - 1, min(each, len(among))).round().int().tolist():
            item = dataset[int(among[i])]
            if int(item[1]) != one:
                raise UsageError(
                    f"CondensedMemory: an item of the stream has label {int(item[1])}, and its data"
                    f" set's `targets` say {one}; renumber the labels before the data set is made,"
                    " not by a transform of the target"
                )
            x.append(item[0])
            y.append(one)
    return torch.stack(x), y


def count_votes(
    x: Tensor, y: Sequence[int], classes: Mapping[int, int], known: Exemplars
) -> list[Votes]:
    """Count which class the images of each id look like; the scale of pixels does not matter."""
    names, which = torch.unique(known.labels, return_inverse=True)
    images = _standardise(known.images)
    means = images.new_zeros(len(names), images.shape[1]).index_add_(0, which, images)
    means = means / torch.bincount(which)[:, None]
    # What the images of all classes share tells nothing.
    means = _standardise(means - means.mean(0))
    found = names[(_standardise(x) @ means.T).argmax(1)]
    votes, ids = [], torch.tensor(y)
    for one in classes:
        counts = found[ids == one].bincount(minlength=int(names.max()) + 1)
        own = int(counts[classes[one]]) if classes[one] < len(counts) else 0
        others = counts.clone()
        others[classes[one] : classes[one] + 1] = 0
        votes.append(Votes(one, int(counts.sum()), own, int(others.argmax()), int(others.max())))
    return votes


def _standardise(x: Tensor) -> Tensor:
    """Return each image as (D,) without its mean and of length 1, (n, D)."""
    flat = x.detach().flatten(1).float()
    flat = flat - flat.mean(1, keepdim=True)
    standardised: Tensor = flat / flat.norm(dim=1, keepdim=True).clamp_min(1e-9)
    return standardised
