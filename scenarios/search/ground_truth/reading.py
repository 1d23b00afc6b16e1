"""Truth that is read from a table in place of being trained.

Which architectures a search without feedback tries, found without training any.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from condensers.engine.context import Context, derive_seed
from condensers.errors import DataMissing, UsageError
from condensers.networks.base import NetworkSpec
from scenarios.datasets.naming import split_name
from scenarios.protocol import Splits
from scenarios.registry import SEARCH_STRATEGIES
from scenarios.search.baselines.base import Judge
from scenarios.search.engines.engines import try_architectures
from scenarios.search.ground_truth.files import find_path, list_shipped, read_table
from scenarios.search.ground_truth.table import GroundTruthTable, Target, describe_target
from scenarios.search.judging import SearchPlan
from scenarios.search.spaces.base import SearchSpace, create_space, describe_size
from scenarios.search.strategies import MOST, ListedSearch, RandomSearch, SearchStrategy

if TYPE_CHECKING:
    from scenarios.search.scenario import Search


def list_choices(space: SearchSpace) -> list[dict[str, Any]]:
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


def sample_choices(space: SearchSpace, count: int, seed: int) -> list[dict[str, Any]]:
    """The architectures that a random search of `count` with that `sample_seed` tries.

    UsageError where there are fewer.
    """
    strategy = RandomSearch()
    trials = try_architectures(
        SearchPlan(space, strategy, strategy.tries(space, count), seed), lambda choice: 0.0, None
    )
    return [{name: trial.choice[name] for name in space.choices()} for trial in trials]


TRAIN, AUTO = "train", "auto"
# the name under which a search forks the draws of the truth from those of the proxies
OWN_DRAWS = "truth"


@dataclass(frozen=True)
class TableJudge(Judge):
    """Judges by a table's rows of the search's seed.

    seeds: those that it is read for. otherwise: judges the others, None where they are an error.
    """

    name: str
    table: GroundTruthTable
    seeds: Sequence[int]
    otherwise: Judge | None

    measures: ClassVar[str] = "test accuracy"
    unit: ClassVar[str] = "%"
    independent_seed: ClassVar[bool] = True

    def seed(self, context: Context) -> int | None:
        """Which of the table's seeds `context`, forked for the truth, comes from."""
        return next(
            (seed for seed in self.seeds if derive_seed(seed, OWN_DRAWS) == context.seed), None
        )

    def judge(self, spec: NetworkSpec, name: str, context: Context) -> dict[str, Any]:
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
class PublishedJudge(Judge):
    """Judges by what others published of networks of their own: the mean over their seeds, the same
    for every seed of a run.

    What was not published, such as seconds, is no part of a row.
    """

    name: str
    table: GroundTruthTable

    measures: ClassVar[str] = "test accuracy, published"
    unit: ClassVar[str] = "%"
    independent_seed: ClassVar[bool] = True

    def judge(self, spec: NetworkSpec, name: str, context: Context) -> dict[str, Any]:
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


def describe_source(judge: Judge, context: Context) -> dict[str, Any]:
    """What a record says of truth that was read: {"truth": {"from", "content", "torch"}}; nothing
    of one that was trained.

    torch: the versions that trained the rows, where they are not this one. published: by whom,
    where others did, and `space` their networks' settings.
    """
    if isinstance(judge, PublishedJudge):
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
    if not isinstance(judge, TableJudge) or judge.seed(context) is None:
        return {}
    versions = sorted({str(made.get("torch")) for made in judge.table.made} - {torch.__version__})
    return {"truth": {"from": judge.name, "content": judge.table.content, "torch": versions}}


def find_named_path(truth: str) -> Path | None:
    """Find the file of the table that `truth` names; None where it names none, or one that was
    published and is not imported yet: the search says so when it reads it.
    """
    try:
        return None if truth in (TRAIN, AUTO) else find_path(truth)
    except DataMissing:
        return None


def read_named_table(truth: str) -> GroundTruthTable | None:
    """Read the table that `truth` names; None where it names none."""
    return None if truth in (TRAIN, AUTO) else read_table(find_path(truth))


def make_strategy(settings: "Search") -> SearchStrategy:
    """Make a search's strategy; one that goes by a list is given the architectures of its truth.

    Raises:
        UsageError: It retrains what it finds, and the truth was published.
    """
    strategy = SEARCH_STRATEGIES.create(settings.strategy, "search.strategy")
    known = read_named_table(settings.truth)
    if known is not None and isinstance(strategy, ListedSearch):
        return strategy.of(list(known.architectures.values()))
    if known is not None and strategy.adaptive and known.target.published:
        raise UsageError(
            f"search.strategy: {strategy.registered} retrains what it finds, and the truth that"
            " is published is of other networks; take listed or random"
        )
    return strategy


def describe_truth(settings: "Search", space: SearchSpace, data: Splits) -> Target:
    """Return the target of a search's truth: that of the published table that it names, or else its
    own.
    """
    known = read_named_table(settings.truth)
    published = known is not None and known.target.published
    return known.target if known and published else describe_target(settings, space, data)


def find_table(settings: "Search", data: Splits) -> tuple[str, GroundTruthTable] | None:
    """The table that the truth is read from, and its name; None where it is trained.

    UsageError where a table was named that is none, or is of another space, recipe or data.
    """
    if settings.truth == TRAIN:
        return None
    space = create_space(settings.space, "search.space").fitting(data.train.shape)
    target = describe_target(settings, space, data)
    if settings.truth != AUTO:
        table = read_table(find_path(settings.truth))
        different = (
            list_published_differences(table.target, target)
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
    tables = {name: read_table(path) for name, path in list_shipped().items()}
    matching = {name: table for name, table in tables.items() if table.target.key == target.key}
    return max(matching.items(), key=lambda entry: len(entry[1].rows), default=None)


def list_published_differences(published: Target, target: Target) -> list[str]:
    """List why published truth says nothing of a search: another space or other images.

    Smaller networks and fewer pixels of the same images are no reason: a search on a small budget
    compares them with the published networks.
    """
    sides = [
        (side.space["name"], split_name(side.data["name"])[0], side.data["classes"])
        for side in (published, target)
    ]
    return [
        f"{what} {mine} and {theirs}"
        for what, mine, theirs in zip(("space", "data", "classes"), *sides, strict=True)
        if mine != theirs
    ]


def make_judge(settings: "Search", data: Splits, trained: Judge) -> Judge:
    """What judges for the truth: a table's rows, `trained`, or the one for some seeds and the other
    for the rest.

    A table that was not named is read only for seeds of which it has all that the search tries.
    """
    known = find_table(settings, data)
    if known is None:
        return trained
    name, table = known
    if table.target.published:
        return PublishedJudge(name, table)
    if settings.truth != AUTO:
        return TableJudge(name, table, table.seeds, None)
    return TableJudge(name, table, _find_covered_seeds(table, settings, data), trained)


def _find_covered_seeds(table: GroundTruthTable, settings: "Search", data: Splits) -> list[int]:
    space = create_space(settings.space, "search.space").fitting(data.train.shape)
    rows = Counter(row["seed"] for row in table.rows)
    if all(count == space.size for count in rows.values()):
        return table.seeds
    if SEARCH_STRATEGIES.create(settings.strategy).registered != "random":
        return [seed for seed, count in rows.items() if count == space.size]
    tried = [
        space.identifier(choice)
        for choice in sample_choices(space, settings.architectures, settings.sample_seed)
    ]
    return [seed for seed in table.seeds if all(table.row(name, seed) for name in tried)]
