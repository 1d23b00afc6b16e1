"""CondensedMemory: a condensed set as the replay memory of any Avalanche strategy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from avalanche.training.storage_policy import ExemplarsBuffer
from torch import Tensor

from condensers.errors import UsageError
from scenarios.continual.items import as_memory_dataset
from scenarios.continual.memory.exemplars import (
    Exemplars,
    MemoryBatch,
    SourceLike,
    StreamIds,
    as_source,
    join_exemplars,
)
from scenarios.continual.memory.stream_fit import (
    ClassIds,
    find_numbering,
    find_origin,
    require_class_ids,
    require_stream_fit,
)


@dataclass(frozen=True)
class ClassGroup:
    """The images of one class in a memory, as an Avalanche data set."""

    buffer: Any


class CondensedMemory(ExemplarsBuffer):  # type: ignore[misc]
    """Hold the condensed images of the classes seen so far, and never one of a class to come.

    Use it with `CondensedReplay(memory, batch_size_mem=64)`, which takes soft labels too. With hard
    labels Avalanche's own plugins do as well: `ReplayPlugin(mem_size=memory.max_size,
    batch_size_mem=64, storage_policy=memory)`, or `plugin = GDumbPlugin(memory.max_size);
    plugin.storage_policy = memory`; so do strategies with a buffer of their own, such as
    `strategy = ER_ACE(..., mem_size=memory.max_size); strategy.storage_policy = memory` (DER needs
    `CondensedMemoryWithLogits`). Items take the stream's form, (x, y) or (x, y, task label), and
    labels are the stream's ids.

    Args:
        source: A SyntheticSet; the path of its .safetensors file, or `gallery:NAME`; or a callable
            that is given the new classes of an experience, in ascending order, and returns their
            set.
        max_size: How many images the memory may hold; Avalanche's ReplayPlugin wants its
            `mem_size` equal to it. The size of the set by default; a callable needs it.
        fill_batch: The `batch_size_mem` of Avalanche's own plugins, to keep memory batches full.
            Avalanche cuts a memory batch to the size of the memory, so that a small memory weighs
            less in the loss. With this the images are listed over and over (by index, not copied).
            0 keeps Avalanche's behaviour, which GDumb needs.
        check_range: Refuse a stream whose pixels are on another scale than the set's.
        outputs: The learner's output for each class, where several classes share one (domains).
        class_ids: What the ids of the stream mean: a table {id: class of the set}, or a list of
            such tables, one for each experience. Needed only if neither the benchmark tells (as
            `nc_benchmark` does, however it numbers classes) nor the images, which are compared
            with the set's. It is not checked against the images.

    Raises:
        UsageError: The file is no set. Later, when the memory meets the stream: they do not agree
            in classes, shape, dtype or scale, or the classes of the ids cannot be determined.

    Examples:
        >>> import tempfile
        >>> from condensers.engine.context import Context
        >>> from condensers.registry.registry import create_condenser
        >>> from condensers.sets.files import save_set
        >>> from condensers.sets.synthetic_set import Budget
        >>> from scenarios import CondensedMemory, load_dataset
        >>> train = load_dataset("digits").train
        >>> condensed = create_condenser("random").condense(train, Budget(ipc=2), Context())
        >>> path = f"{tempfile.mkdtemp()}/digits.safetensors"
        >>> save_set(condensed, path)
        >>> memory = CondensedMemory(path)
        >>> memory.max_size
        20
        >>> memory.admit([3, 7])  # Avalanche does this after each experience
        >>> memory.seen_classes, memory.image_count
        ((3, 7), 4)
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
            if self.source.known_exemplars is None:
                raise UsageError(
                    "CondensedMemory: a callable source needs max_size, the number of images the"
                    " memory may hold"
                )
            max_size = len(self.source.known_exemplars.labels)
        super().__init__(max_size)
        self._fill_batch, self._check_range = fill_batch, check_range
        if class_ids is not None:
            known = self.source.known_exemplars
            require_class_ids(class_ids, () if known is None else known.labels.tolist())
        self._class_ids = class_ids
        # What the stream calls the set's classes; none where it calls each by its own number.
        self._ids = {} if outputs is None else dict(enumerate(outputs))
        self._tasks: dict[int, int] = {}
        self._compared: Any = None
        self._parts: list[Exemplars] = []
        self._exemplars: Exemplars | None = None
        self._dataset: Any = None
        self._arrived: dict[int, tuple[int, int]] = {}  # class -> experience, task label
        self._marks = torch.empty(0, 2, dtype=torch.int64)
        self._task_aware, self._dtype = False, torch.float32
        self.unchanged_count = 0

    def __repr__(self) -> str:
        return (
            f"CondensedMemory({self.image_count} of at most {self.max_size} images,"
            f" {len(self.seen_classes)} classes seen, {self.nbytes} bytes)"
        )

    @property
    def nbytes(self) -> int:
        """The bytes that the memory takes now; an offline set takes all of its bytes at once."""
        return sum(self.source.ledger.values())

    @property
    def seen_classes(self) -> tuple[int, ...]:
        """The classes in memory, in order of arrival."""
        return tuple(self._arrived)

    @property
    def image_count(self) -> int:
        """The number of different images in memory."""
        return 0 if self._exemplars is None else len(self._exemplars.labels)

    @property
    def experiences(self) -> list[int]:
        """The experiences, counted from 0, that images in memory came with."""
        return sorted(set(self._marks[:, 0].tolist()))

    def admit(self, classes: Sequence[int], task: int = 0) -> None:
        """Take in those of `classes` that are new, as one experience.

        `unchanged_count` then tells how many images kept their positions.

        Args:
            classes: Classes of the set.
            task: The task label of the experience.

        Raises:
            UsageError: The set has no image of a class, or the images exceed `max_size`.
        """
        new = tuple(sorted({int(c) for c in classes} - set(self._arrived)))
        if new:
            parts = list(self.source.take(new))
            experience = 1 + max((arrived for arrived, _ in self._arrived.values()), default=-1)
            self._arrived |= dict.fromkeys(new, (experience, task))
            self._store(parts)

    def observe(self, images: Tensor, labels: Tensor) -> None:
        """Let a memory that is condensed from the passing stream see a minibatch.

        Args:
            images: (n, C, H, W) uint8.
            labels: (n,) int64, classes of the set.
        """
        if self.source.observe(images, labels):
            self._store(list(self.source.exemplars))

    def state_dict(self) -> dict[str, Any]:
        """Return the order in which classes came, and the state of the source."""
        arrived = [[c, *mark] for c, mark in self._arrived.items()]
        named = {"ids": dict(self._ids), "tasks": dict(self._tasks)}
        return {
            "arrived": arrived,
            "source": self.source.state_dict(),
            "unchanged": self.unchanged_count,
        } | named

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._arrived = {c: (experience, task) for c, experience, task in state["arrived"]}
        self._ids, self._tasks = dict(state["ids"]), dict(state["tasks"])
        groups: dict[int, list[int]] = {}
        for c, (experience, _) in self._arrived.items():
            groups.setdefault(experience, []).append(c)
        self.source.restore(state["source"], [tuple(group) for group in groups.values()])
        if self.source.exemplars:
            self._store(list(self.source.exemplars))
        self.unchanged_count = state["unchanged"]

    def _store(self, parts: list[Exemplars]) -> None:
        """Hold `parts` in place of what was held."""
        count = sum(len(part.labels) for part in parts)
        if count > self.max_size:
            raise UsageError(
                f"CondensedMemory: {count} images do not fit max_size {self.max_size}; raise it"
            )
        same = [a is b for a, b in zip(self._parts, parts, strict=False)]
        unchanged = parts[: same.index(False)] if False in same else parts[: len(same)]
        self.unchanged_count = sum(len(part.labels) for part in unchanged)
        self._parts, joined, self._dataset = parts, join_exemplars(parts), None
        latest = max((mark for mark in self._arrived.values()), default=(0, 0))
        self._marks = torch.tensor([self._arrived.get(c, latest) for c in joined.labels.tolist()])
        self._exemplars = joined.renumber(self._find_stream_ids(joined))

    def _find_stream_ids(self, exemplars: Exemplars) -> StreamIds | None:
        """Return the stream's ids of the classes; None if they are the classes' own numbers."""
        tasks = self._tasks | {c: task for c, (_, task) in self._arrived.items()}
        several = len(set(tasks.values())) > 1
        if several and exemplars.scores:
            raise UsageError(
                "CondensedMemory: this set has scores, which are regressed on all outputs at once,"
                " and the stream has several tasks with outputs of their own; use a set with hard"
                " labels or probabilities"
            )
        labels, targets = exemplars.labels, exemplars.targets
        if not self._ids and (targets is None or not several):
            return None
        width = 1 + int(labels.max()) if targets is None else targets.shape[1]
        named = self._ids or {c: c for c in range(width)}
        # A class to come is of the one task there is; but not one that shares an id, for it may be
        # the id of another task.
        shared = self._class_ids is not None and len(set(named.values())) < len(named)
        unknown = -1 if several or shared else next(iter(tasks.values()), 0)
        classes = range(max(width, *(c + 1 for c in named)))
        ids = torch.tensor([named.get(c, -1) for c in classes])
        return StreamIds(ids, torch.tensor([tasks.get(c, unknown) for c in classes]))

    def exemplars(self) -> Exemplars:
        """Return all that the memory holds.

        Raises:
            UsageError: The memory is still empty.
        """
        if self._exemplars is None:
            raise UsageError(
                "CondensedMemory: holds nothing yet; let it take in an experience first"
            )
        return self._exemplars

    def draw(
        self, n: int, generator: torch.Generator, experience: int | None = None, once: bool = False
    ) -> MemoryBatch:
        """Draw a batch without replacement.

        Args:
            n: How many images; where there are fewer, all of them come over and over.
            generator: What draws.
            experience: Draw only from images that came with this experience, counted from 0.
            once: Draw no image twice, so that the batch may be smaller than `n`.
        """
        among = (
            torch.arange(self.image_count)
            if experience is None
            else (self._marks[:, 0] == experience).nonzero().flatten()
        )
        rounds = 1 if once else -(-n // len(among))
        index = torch.cat(
            [among[torch.randperm(len(among), generator=generator)] for _ in range(rounds)]
        )[:n]
        return self.select(index)

    def select(self, index: Tensor) -> MemoryBatch:
        """Return the images at the positions `index` (n,) int64."""
        held = self.exemplars()
        return MemoryBatch(
            held.images[index],
            held.labels[index],
            None if held.targets is None else held.targets[index],
            held.scores,
            self._marks[index, 1],
            index,
        )

    def post_adapt(self, agent_state: Any, exp: Any) -> None:
        """Take in the new classes of `exp`; ReplayPlugin does so after training, GDumb before."""
        item = exp.dataset[0]
        self._task_aware = len(item) == 3
        self._dtype = item[0].dtype if isinstance(item[0], Tensor) else torch.float32
        numbering = find_numbering(exp, self._class_ids)
        self._ids |= numbering.ids
        self._tasks |= numbering.tasks
        self.admit(list(numbering.classes.values()), int(item[2]) if self._task_aware else 0)
        self.require_fit(exp)
        self._dataset = None

    def require_fit(self, exp: Any) -> None:
        """Refuse a stream whose items do not fit the images that are known.

        Args:
            exp: An Avalanche experience.

        Raises:
            UsageError: Stream and set do not agree in classes, shape, dtype or scale.
        """
        data, known = find_origin(exp).dataset, self.source.known_exemplars
        if known is None and self._parts:
            known = join_exemplars(self._parts)
        if known is None or data is self._compared:
            return
        card = self.source.card if self._check_range else None
        complete = self.source.known_exemplars is not None
        self._compared = (
            data if require_stream_fit(exp, self._class_ids, known, card, complete) else None
        )

    def update(self, strategy: Any, **_: Any) -> None:
        """Take in an experience, without the deprecation warning of the base class."""
        self.post_adapt(strategy, strategy.experience)

    def resize(self, strategy: Any, new_size: int) -> None:
        """Change the limit.

        Raises:
            UsageError: More images are held; part of a condensed set is not what was condensed.
        """
        if new_size < self.image_count:
            raise UsageError(
                f"CondensedMemory: holds {self.image_count} images and cannot be cut to {new_size};"
                " condense a smaller set"
            )
        self.max_size = new_size

    @property
    def buffer(self) -> Any:
        """The memory as an Avalanche data set, for Avalanche's own plugins."""
        if self._exemplars is None:
            return super().buffer
        if self._dataset is None:  # MER reads it image by image
            self._dataset = self._as_dataset(self._exemplars, torch.arange(self.image_count))
        return self._dataset

    @buffer.setter
    def buffer(self, new: Any) -> None:
        self._buffer = new

    @property
    def buffer_groups(self) -> dict[int, ClassGroup]:
        """The memory by the stream's id of each class, for strategies that choose by class."""
        if self._exemplars is None:
            return {}
        groups = {}
        for label in torch.unique(self._exemplars.labels).tolist():
            index = (self._exemplars.labels == label).nonzero().flatten()
            groups[label] = ClassGroup(self._as_dataset(self._exemplars.select(index), index))
        return groups

    @property
    def buffer_datasets(self) -> list[Any]:
        """The data sets of `buffer_groups`."""
        return [group.buffer for group in self.buffer_groups.values()]

    def _as_dataset(self, exemplars: Exemplars, index: Tensor) -> Any:
        """Return some exemplars, at the positions `index` of the memory, as Avalanche items."""
        tasks = self._marks[index, 1].tolist() if self._task_aware else None
        logits = self._select_logits(index)
        return as_memory_dataset(exemplars, tasks, self._dtype, self._fill_batch, logits)

    def _select_logits(self, index: Tensor) -> Tensor | None:
        """Return the logits (n, K) that items end with; none here."""
        return None
