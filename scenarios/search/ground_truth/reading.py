"""Truth that is read from a table in place of being trained.

Which architectures a search without feedback tries, found without training any.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import torch

from condensers.engine.context import Context, derive_seed
from condensers.errors import DataMissing, UsageError
from scenarios.datasets.naming import parted
from scenarios.protocol import Splits
from scenarios.registry import SEARCH_STRATEGIES
from scenarios.search.baselines.base import Judge
from scenarios.search.engines.engines import tried
from scenarios.search.ground_truth.files import find, read, shipped
from scenarios.search.ground_truth.table import Table, Target, target_of
from scenarios.search.judging import Plan
from scenarios.search.spaces.base import create_space, describe_size
from scenarios.search.strategies import MOST, Random


def every_choice(space: Any) -> list[dict[str, Any]]:
    """All architectures of a space, as its choices' values by name; UsageError where no table could
    hold them.
    """
    if space.size > MOST:
        raise UsageError(
            f"space {space.registered}: has {describe_size(space.size)} architectures; say how many"
            " of them"
        )
    choices = space.choices()
    return [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]


def sampled(space: Any, count: int, seed: int) -> list[dict[str, Any]]:
    """The architectures that a random search of `count` with that `sample_seed` tries.

    UsageError where there are fewer.
    """
    strategy = Random()
    trials = tried(
        Plan(space, strategy, strategy.tries(space, count), seed), lambda choice: 0.0, None
    )
    return [{name: trial.choice[name] for name in space.choices()} for trial in trials]


TRAIN, AUTO = "train", "auto"
# the name under which a search forks the draws of the truth from those of the proxies
OWN_DRAWS = "truth"


@dataclass(frozen=True)
class Tabled:
    """Judges by a table's rows of the search's seed.

    seeds: those that it is read for. otherwise: judges the others, None where they are an error.
    """

    name: str
    table: Table
    seeds: Sequence[int]
    otherwise: Judge | None

    measures: ClassVar[str] = "test accuracy"
    unit: ClassVar[str] = "%"
    own_draws: ClassVar[bool] = True

    def seed(self, context: Context) -> int | None:
        """Which of the table's seeds `context`, forked for the truth, comes from."""
        return next(
            (seed for seed in self.seeds if derive_seed(seed, OWN_DRAWS) == context.seed), None
        )

    def judge(self, spec: Any, name: str, context: Context) -> dict[str, Any]:
        seed = self.seed(context)
        if seed is None and self.otherwise is not None:
            return self.otherwise.judge(spec, name, context)
        row = None if seed is None else self.table.row(name, seed)
        if row is None:
            size = f"{len(self.table.ids)} architectures, seeds {', '.join(map(str, self.seeds))}"
            raise UsageError(
                f"search.truth: {self.name} has no row for {name} with this seed (it has {size});"
                " add it by harness truth build, or set truth to auto or train"
            )
        images = self.table.target.data["images"]["train"]
        per_epoch = -(-images // self.table.target.recipe["truth_batch"])
        curve = [
            {
                "steps": epoch * per_epoch,
                "images": epoch * images,
                "seconds": seconds,
                "validation": validation,
            }
            for epoch, (validation, seconds) in enumerate(row["curve"], 1)
        ]
        plain = {name: row[name] for name in ("flops", "validation", "test", "seconds", "images")}
        return {**plain, "curve": curve, "score": row["test"]}


@dataclass(frozen=True)
class PublishedTruth:
    """Judges by what others published of networks of their own: the mean over their seeds, the same
    for every seed of a run.

    What was not published, such as seconds, is no part of a row.
    """

    name: str
    table: Table

    measures: ClassVar[str] = "test accuracy, published"
    unit: ClassVar[str] = "%"
    own_draws: ClassVar[bool] = True

    def judge(self, spec: Any, name: str, context: Context) -> dict[str, Any]:
        rows = [row for seed in self.table.seeds if (row := self.table.row(name, seed))]
        if not rows:
            raise UsageError(
                f"search.truth: {self.name} has no row for {name}; set search.strategy to listed,"
                " which tries what the table holds"
            )
        found = {"images": sum(row["images"] for row in rows)}
        for key in ("validation", "test", "seconds"):
            values = [row[key] for row in rows]
            if None not in values:
                found[key] = sum(values) / len(values)
        return {**found, "score": found["test"]}


def said(judge: Judge, context: Context) -> dict[str, Any]:
    """What a record says of truth that was read: {"truth": {"from", "content", "torch"}}; nothing
    of one that was trained.

    torch: the versions that trained the rows, where they are not this one. published: by whom,
    where others did, and `space` their networks' settings.
    """
    if isinstance(judge, PublishedTruth):
        target = judge.table.target
        published = {"published": target.recipe["published"], "space": dict(target.space)}
        return {
            "truth": {
                "from": judge.name,
                "content": judge.table.content,
                "torch": [],
                **published,
            }
        }
    if not isinstance(judge, Tabled) or judge.seed(context) is None:
        return {}
    versions = sorted({str(made.get("torch")) for made in judge.table.made} - {torch.__version__})
    return {"truth": {"from": judge.name, "content": judge.table.content, "torch": versions}}


def table_there(truth: str) -> Path | None:
    """The file of the table that `truth` names; None where it names none, or one that was published
    and has still to be imported: that is said when it is read.
    """
    try:
        return None if truth in (TRAIN, AUTO) else find(truth)
    except DataMissing:
        return None


def named_table(truth: str) -> Table | None:
    """The table that `truth` names; None where it names none."""
    return None if truth in (TRAIN, AUTO) else read(find(truth))


def truth_target(settings: Any, space: Any, data: Splits) -> Target:
    """What the truth of a `Search` is of: a published table's own target, where one is named."""
    known = named_table(settings.truth)
    published = known is not None and known.target.published
    return known.target if known and published else target_of(settings, space, data)


def found(settings: Any, data: Splits) -> tuple[str, Table] | None:
    """The table that the truth is read from, and its name; None where it is trained.

    UsageError where a table was named that is none, or is of another space, recipe or data.
    """
    if settings.truth == TRAIN:
        return None
    space = create_space(settings.space, "search.space").fitting(data.train.shape)
    target = target_of(settings, space, data)
    if settings.truth != AUTO:
        table = read(find(settings.truth))
        different = (
            published_differences(table.target, target)
            if table.target.published
            else table.target.differences(target)
        )
        if different:
            raise UsageError(
                f"search.truth: {settings.truth} is not the truth of this search"
                f" ({'; '.join(different)}, the table's first); give the search its values, name"
                " another table, or set truth to auto or train"
            )
        return settings.truth, table
    tables = {name: read(path) for name, path in shipped().items()}
    matching = {name: table for name, table in tables.items() if table.target.key == target.key}
    return max(matching.items(), key=lambda entry: len(entry[1].rows), default=None)


def published_differences(published: Target, target: Target) -> list[str]:
    """Why published truth says nothing of a search: another space or other images. Smaller networks
    and fewer pixels of the same images are what a search on a small budget compares with it.
    """
    sides = [
        (side.space["name"], parted(side.data["name"])[0], side.data["classes"])
        for side in (published, target)
    ]
    return [
        f"{what} {mine} and {theirs}"
        for what, mine, theirs in zip(("space", "data", "classes"), *sides, strict=True)
        if mine != theirs
    ]


def reader(settings: Any, data: Splits, trained: Judge) -> Judge:
    """What judges for the truth: a table's rows, `trained`, or the one for some seeds and the other
    for the rest.

    A table that was not named is read only for seeds of which it has all that the search tries.
    """
    known = found(settings, data)
    if known is None:
        return trained
    name, table = known
    if table.target.published:
        return PublishedTruth(name, table)
    if settings.truth != AUTO:
        return Tabled(name, table, table.seeds, None)
    return Tabled(name, table, _covered(table, settings, data), trained)


def _covered(table: Table, settings: Any, data: Splits) -> list[int]:
    space = create_space(settings.space, "search.space").fitting(data.train.shape)
    rows = Counter(row["seed"] for row in table.rows)
    if all(count == space.size for count in rows.values()):
        return table.seeds
    if SEARCH_STRATEGIES.create(settings.strategy).registered != "random":
        return [seed for seed, count in rows.items() if count == space.size]
    tried = [
        space.identifier(choice)
        for choice in sampled(space, settings.architectures, settings.sample_seed)
    ]
    return [seed for seed in table.seeds if all(table.row(name, seed) for name in tried)]
