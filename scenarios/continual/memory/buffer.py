"""CondensedMemory: a condensed set as the replay memory of any Avalanche strategy.

Whether a stream and a memory speak of the same kind of images. Avalanche mixes whatever it gets,
without an error.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from avalanche.training.storage_policy import ExemplarsBuffer
from torch import Tensor

from condensers.errors import UsageError
from scenarios.continual.items import as_dataset
from scenarios.continual.memory.exemplars import Exemplars, MemoryBatch, StreamIds, join_exemplars
from scenarios.continual.memory.likeness import require_likeness, sample_images
from scenarios.continual.memory.numbering import (
    ClassIds,
    Numbering,
    find_numbering,
    find_origin,
    require_class_ids,
)
from scenarios.continual.memory.sources import Offline, SourceLike, as_source, require_classes

SAMPLE = 64
# Standard deviations of the same classes differ by far less than this; images in 0..1 and
# normalised ones by 3 to 4.
RATIO = 2.5


def require_agreement(dataset: Any, memory: Tensor, card: Mapping[str, Any] | None) -> None:
    """Refuse, with UsageError, a stream data set whose items do not fit the memory's images (M, C,
    H, W).

    Items must be (x, y) or (x, y, t), x a float tensor of the memory's shape. With a card, the
    pixels of some items, spread over the data set, must also be on the scale of images normalised
    with the card's mean and std.
    """
    if not memory.is_floating_point():
        raise UsageError(
            f"CondensedMemory: the memory's images are {memory.dtype}, not normalised floats;"
            " decode them first"
        )
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


class CondensedMemory(ExemplarsBuffer):
    """Replay memory that holds the condensed images of the classes seen so far, and never one of a
    class to come.

    source: a SyntheticSet; the path of its .safetensors file; or a callable which is given the new
        classes of an
    experience, in ascending order, and returns their set (condensation anew for each experience).
    max_size: images it may hold, which ReplayPlugin wants to be equal to its `mem_size`; the set's
        size where it is left
    out, and needed with a callable.
    fill_batch: the `batch_size_mem` of Avalanche's plugin, to have every memory batch full.
        Avalanche cuts a memory batch to
    the size of the memory, so a smaller memory would also weigh less in the loss; with this its
    images are listed over and
    over (by index, not copied). 0 leaves Avalanche's behaviour. Leave it at 0 for GDumb.
    check_range: refuse a stream whose pixels are on another scale than the set's.
    class_ids: what the ids of the stream mean: a table {id: class of the set}, or a list of such
        tables, one for each
    experience. It is needed only where neither the benchmark says so (as `nc_benchmark` does,
    however it numbers classes) nor
    the images, which are compared with the set's; what is given here is believed.
    outputs: the learner's output for each class, where several classes share one (domains).

    Use: `CondensedReplay(memory, batch_size_mem=64)` of `scenarios.continual.memory`, which takes
    soft labels too; `ReplayPlugin(mem_size=memory.max_size, batch_size_mem=64,
    storage_policy=memory)`, or `plugin = GDumbPlugin(memory.max_size); plugin.storage_policy =
    memory` with hard labels. Items take the stream's form, (x, y) or (x, y, t), and labels are the
    stream's ids. Raises UsageError where stream and set do not agree in classes, shape, dtype or
    scale, and where it cannot be told which classes the stream's ids are.
    """

    def __init__(
        self,
        source: SourceLike,
        max_size: int | None = None,
        fill_batch: int = 0,
        check_range: bool = True,
        outputs: Sequence[int] | None = None,
        class_ids: ClassIds | None = None,
    ) -> None:
        self.source = as_source(source)
        if max_size is None:
            if not isinstance(self.source, Offline):
                raise UsageError(
                    "CondensedMemory: a callable source needs max_size, the number of images the"
                    " memory may hold"
                )
            max_size = len(self.source.whole.labels)
        super().__init__(max_size)
        self._fill_batch, self._check_range = fill_batch, check_range
        if class_ids is not None:
            require_class_ids(
                class_ids,
                self.source.whole.labels.tolist() if isinstance(self.source, Offline) else (),
            )
        self._class_ids = class_ids
        # What the stream calls the set's classes; none where it calls each by its own number.
        self._ids = {} if outputs is None else dict(enumerate(outputs))
        self._tasks: dict[int, int] = {}
        self._compared: Any = None
        self._pieces: list[Exemplars] = []
        self._whole: Exemplars | None = None
        self._arrived: dict[int, tuple[int, int]] = {}  # class -> experience, task label
        self._marks = torch.empty(0, 2, dtype=torch.int64)
        self._task_aware, self._dtype = False, torch.float32
        self.unchanged = 0

    @property
    def nbytes(self) -> int:
        """The bytes that the memory takes now; an offline set takes all of its own from the
        start.
        """
        return sum(self.source.ledger.values())

    @property
    def seen(self) -> tuple[int, ...]:
        """The classes in memory, in order of arrival."""
        return tuple(self._arrived)

    @property
    def held(self) -> int:
        """The number of different images in memory."""
        return 0 if self._whole is None else len(self._whole.labels)

    @property
    def experiences(self) -> list[int]:
        """The experiences, counted from 0, that images in memory came with."""
        return sorted(set(self._marks[:, 0].tolist()))

    def admit(self, classes: Sequence[int], task: int = 0) -> None:
        """Take in those of `classes` that are new, as one experience.

        `unchanged`: how many images stand where they stood.
        """
        new = tuple(sorted({int(c) for c in classes} - set(self._arrived)))
        if new:
            pieces = list(self.source.take(new))
            experience = 1 + max((arrived for arrived, _ in self._arrived.values()), default=-1)
            self._arrived |= dict.fromkeys(new, (experience, task))
            self._hold(pieces)

    def observe(self, images: Tensor, labels: Tensor) -> None:
        """Let a memory that is made from the passing stream see a minibatch: (n, C, H, W) uint8 and
        its classes (n,).
        """
        if self.source.observe(images, labels):
            self._hold(list(self.source.pieces))

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint needs: the order in which classes came, and what the source keeps."""
        arrived = [[c, *mark] for c, mark in self._arrived.items()]
        named = {"ids": dict(self._ids), "tasks": dict(self._tasks)}
        return {
            "arrived": arrived,
            "source": self.source.state_dict(),
            "unchanged": self.unchanged,
        } | named

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._arrived = {c: (experience, task) for c, experience, task in state["arrived"]}
        self._ids, self._tasks = dict(state["ids"]), dict(state["tasks"])
        groups: dict[int, list[int]] = {}
        for c, (experience, _) in self._arrived.items():
            groups.setdefault(experience, []).append(c)
        self.source.restore(state["source"], [tuple(group) for group in groups.values()])
        if self.source.pieces:
            self._hold(list(self.source.pieces))
        self.unchanged = state["unchanged"]

    def _hold(self, pieces: list[Exemplars]) -> None:
        """Hold `pieces` in place of what was held."""
        held = sum(len(piece.labels) for piece in pieces)
        if held > self.max_size:
            raise UsageError(
                f"CondensedMemory: {held} images do not fit max_size {self.max_size}; raise it"
            )
        same = [a is b for a, b in zip(self._pieces, pieces, strict=False)]
        kept = pieces[: same.index(False)] if False in same else pieces[: len(same)]
        self.unchanged = sum(len(piece.labels) for piece in kept)
        self._pieces, whole = pieces, join_exemplars(pieces)
        latest = max((mark for mark in self._arrived.values()), default=(0, 0))
        self._marks = torch.tensor([self._arrived.get(c, latest) for c in whole.labels.tolist()])
        self._whole = whole.called(self._names(whole))

    def _names(self, whole: Exemplars) -> StreamIds | None:
        """What the stream calls the classes; None where it has names of its own for none."""
        tasks = self._tasks | {c: task for c, (_, task) in self._arrived.items()}
        several = len(set(tasks.values())) > 1
        if several and whole.scores:
            raise UsageError(
                "CondensedMemory: this set has scores, which are regressed on all outputs at once,"
                " and the stream has several tasks with outputs of their own; use a set with hard"
                " labels or probabilities"
            )
        if not self._ids and (whole.targets is None or not several):
            return None
        width = 1 + int(whole.labels.max()) if whole.targets is None else whole.targets.shape[1]
        named = self._ids or {c: c for c in range(width)}
        # A class to come is of the one task there is; but not one that shares an id, for it may be
        # the id of another task.
        shared = self._class_ids is not None and len(set(named.values())) < len(named)
        unknown = -1 if several or shared else next(iter(tasks.values()), 0)
        classes = range(max(width, *(c + 1 for c in named)))
        ids = torch.tensor([named.get(c, -1) for c in classes])
        return StreamIds(ids, torch.tensor([tasks.get(c, unknown) for c in classes]))

    def whole(self) -> Exemplars:
        """All that is held; UsageError before anything is."""
        if self._whole is None:
            raise UsageError(
                "CondensedMemory: holds nothing yet; let it take in an experience first"
            )
        return self._whole

    def batch(
        self, n: int, generator: torch.Generator, experience: int | None = None, once: bool = False
    ) -> MemoryBatch:
        """n images drawn without replacement, or all of them over and over (`once`: one time) where
        there are fewer.

        experience: of those alone that came with this one, counted from 0.
        """
        held = self.whole()
        among = (
            torch.arange(self.held)
            if experience is None
            else (self._marks[:, 0] == experience).nonzero().flatten()
        )
        rounds = 1 if once else -(-n // len(among))
        index = torch.cat(
            [among[torch.randperm(len(among), generator=generator)] for _ in range(rounds)]
        )[:n]
        return self.at(index, held)

    def at(self, index: Tensor, held: Exemplars | None = None) -> MemoryBatch:
        """The images at `index` (n,)."""
        held = held or self.whole()
        targets = None if held.targets is None else held.targets[index]
        return MemoryBatch(
            held.images[index],
            held.labels[index],
            targets,
            held.scores,
            self._marks[index, 1],
            index,
        )

    def post_adapt(self, agent_state: Any, exp: Any) -> None:
        """Take in the classes of `exp` that are new; ReplayPlugin does so after training on it,
        GDumbPlugin before.
        """
        item = exp.dataset[0]
        self._task_aware, self._dtype = len(item) == 3, getattr(item[0], "dtype", torch.float32)
        numbering = find_numbering(exp, self._class_ids)
        self._ids |= numbering.ids
        self._tasks |= numbering.tasks
        self.admit(list(numbering.classes.values()), int(item[2]) if self._task_aware else 0)
        self.require_fit(exp)

    def require_fit(self, exp: Any) -> None:
        """Refuse a stream whose items are not of the form, scale and classes of the images, as far
        as there are any.
        """
        numbering, data = find_numbering(exp, self._class_ids), find_origin(exp).dataset
        known = (
            self.source.whole
            if isinstance(self.source, Offline)
            else join_exemplars(self._pieces)
            if self._pieces
            else None
        )
        if known is None or data is self._compared:
            return
        # Items of a stream may be drawn anew whenever they are read; looking at them must not
        # change what training draws.
        with torch.random.fork_rng(devices=[]):
            require_agreement(data, known.images, self.source.card if self._check_range else None)
            if numbering.trust != "certain":
                self._require_classes(
                    data, find_numbering(find_origin(exp), self._class_ids), known
                )
        here = set(numbering.classes.values()) <= set(known.labels.tolist())
        self._compared = data if here else None

    def _require_classes(self, data: Any, numbering: Numbering, known: Exemplars) -> None:
        """Refuse ids that are not those of the classes they are taken for, once there are images of
        all these classes.
        """
        classes = tuple(sorted(set(numbering.classes.values())))
        if isinstance(self.source, Offline):
            require_classes(known, classes)
        if set(classes) <= set(known.labels.tolist()):
            x, y = sample_images(data, list(numbering.classes))
            require_likeness(x, y, numbering.classes, known, numbering.trust)

    def update(self, strategy: Any, **_: Any) -> None:
        """What Avalanche's plugins call; here without the base class's deprecation warning at each
        experience.
        """
        self.post_adapt(strategy, strategy.experience)

    def resize(self, strategy: Any, new_size: int) -> None:
        """Change the limit; UsageError below what is held, for part of a condensed set is not what
        was condensed.
        """
        if new_size < self.held:
            raise UsageError(
                f"CondensedMemory: holds {self.held} images and cannot be cut to {new_size};"
                " condense a smaller set"
            )
        self.max_size = new_size

    @property
    def buffer(self) -> Any:
        """The memory as an Avalanche data set, for Avalanche's own plugins."""
        return super().buffer if self._whole is None else self._as_dataset(self._whole)

    @buffer.setter
    def buffer(self, new: Any) -> None:
        self._buffer = new

    def _as_dataset(self, held: Exemplars) -> Any:
        if held.targets is not None:
            raise UsageError(
                "CondensedMemory: this set has soft labels, which Avalanche cannot mix with the"
                " whole-number labels of a stream; use the plugin CondensedReplay of"
                " scenarios.continual.memory, or condense one with hard labels"
            )
        dataset = as_dataset(
            held.images.to(self._dtype),
            held.labels,
            self._marks[:, 1].tolist() if self._task_aware else None,
        )
        if not self._fill_batch:
            return dataset
        # As many rounds as make the length a multiple of the batch: then no batch is cut, and all
        # images count the same.
        rounds = math.lcm(self.held, self._fill_batch) // self.held
        return dataset.subset(list(range(self.held)) * rounds)
