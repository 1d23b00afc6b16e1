"""Search: every architecture of a sample is trained on a set, and its validation accuracy is the
set's opinion of it.

Protocol of Zhao et al. (DC, ICLR 2021) and Du et al. (FTD, CVPR 2023, Table 5): a space of
ConvNets, proxies against training on all data. Differences: architectures are ranked by validation
accuracy, never by test accuracy; a sample of the space instead of all 720; the same recipe for
every proxy, real images included.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks.precision import PRECISIONS
from condensers.sets.synthetic_set import SyntheticSet
from condensers.training.classifier import Training
from scenarios.protocol import Measurement, Outcome, Recipe, Reference, Splits, Subject
from scenarios.registry import BASELINES, ENGINES, SEARCH_STRATEGIES
from scenarios.search.baselines.base import Judge
from scenarios.search.baselines.combination import SCORES, combined
from scenarios.search.baselines.truth import images_of_training, training_on_all
from scenarios.search.candidate import Job
from scenarios.search.curve import READINGS_SHARE, affordable, geometric, searching
from scenarios.search.engines.engines import Engine, Sequential
from scenarios.search.ground_truth.files import read
from scenarios.search.ground_truth.reading import (
    AUTO,
    named_table,
    said,
    table_there,
    truth_target,
)
from scenarios.search.judging import Judging, Plan
from scenarios.search.spaces.base import create_space
from scenarios.search.strategies import Listed
from scenarios.training_material import as_labelled

# The architectures that a strategy chose from a space, each scored by one judge.


def explored(
    plan: Plan, judge: Judge, data: ClassData, context: Context, engine: Engine | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Run the NNI experiment; return a row for each architecture that has a score, and one for each
    that has not.

    data: gives shape and classes. engine: Sequential where none is given.
    """
    rows = (engine or Sequential()).explore(
        Judging(plan, judge, data.shape, len(data.class_names)), context
    )
    return [row for row in rows if "error" not in row], [row for row in rows if "error" in row]


@dataclass(frozen=True)
class Search:
    """Architecture search with a set as proxy: one score per architecture, to be compared with the
    ground truth's.
    """

    space: Any = hyper("convnet-small", part="space", source="ours")
    strategy: Any = hyper("random", part="search strategy", source="ours")
    architectures: int = hyper(
        24, unit="architectures", source="ours; grid takes all of the space", minimum=2
    )
    sample_seed: int = hyper(
        0, source="ours; the same sample for every subject and seed", minimum=0
    )
    epochs: int = hyper(200, unit="epochs", source="FTD, search experiment", minimum=1)
    steps: int | None = hyper(
        None,
        unit="gradient steps, the same for sets of all sizes, in place of epochs",
        source="ours",
        minimum=1,
    )
    batch: int = hyper(256, unit="images", source="DC's code", minimum=1)
    lr: float = hyper(0.01, source="DC's code", minimum=0.0)
    networks: int = hyper(
        1,
        unit="networks of each architecture, whose mean accuracy is a set's opinion",
        source="ours",
        minimum=1,
    )
    augmentation: str = hyper("dsa", source="DSA and DM", values=("none", "dsa"))
    score_by: str = hyper(
        "accuracy",
        unit="what of the validation images scores what is trained; both are recorded",
        source="accuracy: DC's code; loss: ours",
        values=("accuracy", "loss"),
    )
    truth: str = hyper(
        AUTO,
        unit="auto (a table of this package where one fits), train, or a table's name or file",
        source="ours",
    )
    truth_content: str = hyper(
        "", unit="hash of the table that truth names; taken from it where left out", source="ours"
    )
    truth_epochs: int = hyper(20, unit="epochs", source="ours", minimum=1)
    truth_batch: int = hyper(256, unit="images", source="DC's code", minimum=1)
    truth_lr: float = hyper(0.01, source="DC's code", minimum=0.0)
    truth_augmentation: str = hyper("none", source="ours", values=("none", "dsa"))
    early_stopping_ipc: int = hyper(
        10, unit="images per class", source="ours; the set whose steps it may take", minimum=1
    )
    early_stopping_most: int = hyper(
        4, unit="times its steps", source="ours; its curve goes on for as long", minimum=1
    )
    subset_ipc: int = hyper(
        50, unit="images per class", source="ours; of the random subset", minimum=1
    )
    zero_cost_batch: int = hyper(
        64, unit="images", source="Abdelfattah et al., ICLR 2021: one minibatch", minimum=2
    )
    combine: str = hyper(
        "",
        unit="zero-cost score whose ranks a set's are averaged with",
        source="ours",
        values=("", *SCORES),
    )
    validation_images: int = hyper(
        2000, unit="images", source="ours; the truth takes all", minimum=1
    )
    readings: int = hyper(12, unit="points of a curve, at most", source="ours", minimum=1)
    first_reading: float = hyper(
        0.01, unit="share of the steps, where a curve begins", source="ours", minimum=0.0
    )
    precision: str = hyper(
        "fp32", unit="of products (bf16: an approximation)", source="ours", values=PRECISIONS
    )
    evaluation_batch: int = hyper(256, unit="images", source="DC's code", minimum=1)
    engine: Any = hyper("sequential", part="engine", source="ours")
    trial_limit: float = hyper(
        0.0, unit="seconds for one architecture; 0: no limit", source="ours", minimum=0.0
    )

    registered: ClassVar[str] = "search"
    default_references: ClassVar[Sequence[str]] = ("truth", "parameters", "early-stopping")

    @property
    def references(self) -> Sequence[str]:
        """All baselines."""
        return tuple(BASELINES.entries())

    def __post_init__(self) -> None:
        create_space(self.space, "search.space")
        SEARCH_STRATEGIES.create(self.strategy, "search.strategy")
        self._hold(table_there(self.truth))
        ENGINES.create(self.engine, "search.engine")

    def _hold(self, table: Path | None) -> None:
        """The content of the table, not its name, is what determines a result: UsageError where it
        is not what it was.
        """
        content = read(table).content if table else ""
        if table and self.truth_content not in ("", content):
            raise UsageError(
                f"{table}: has changed (content {content[:16]}, not {self.truth_content[:16]});"
                " start again with the new one"
            )
        object.__setattr__(self, "truth_content", content)

    def run(self, subject: Subject, data: Splits, context: Context) -> Outcome:
        """Judge the sampled architectures by `subject`.

        A set, "early-stopping": validation accuracy after training on it, or on real images for as
        many steps. "truth": test accuracy after training on all training data, beside validation
        accuracy. Other references: see their own summaries. With `combine` a set's scores are mean
        ranks, beside what they are made of. An architecture that fails is listed under `failures`
        and has no score; RuntimeError if all fail. `table` in the detail is the key of the ground
        truth that the scores may be compared with; `truth`, where it was read and not trained, says
        from which table. An adaptive strategy is told validation accuracy, tries other
        architectures for each subject, and adds "found-accuracy": the test accuracy of the one
        judged best, after training on all training data (`final` in the detail, its seconds apart
        from those of the search).
        """
        if isinstance(subject, Recipe):
            raise UsageError(
                "search: needs a finished set or a reference, not a condenser still to be run;"
                " condense first"
            )
        plan = self._plan(data)
        here = Splits(
            *(part.to(context.device) for part in (data.train, data.validation, data.test))
        )
        judge = self._judge(subject, here, context)
        own = context.fork("truth") if judge.own_draws else context
        rows, failures = explored(
            plan, judge, data.train, own, ENGINES.create(self.engine, "search.engine")
        )
        if not rows:
            raise RuntimeError(
                f"search: all {len(failures)} architectures failed; the first with"
                f" {failures[0]['error']}"
            )
        measures, unit = judge.measures, judge.unit
        if self.combine and not isinstance(subject, Reference):
            measures, unit = f"mean rank by {measures} and by {self.combine}, 0 to 1", "mean rank"
            rows = self._combined(rows, plan.space, here, context)
        detail = {
            "subject": subject.name if isinstance(subject, Reference) else subject.card["method"],
            "score": measures,
            "strategy": plan.strategy.registered,
            "adaptive": plan.strategy.adaptive,
            "space": {name: list(values) for name, values in plan.space.choices().items()},
            "table": truth_target(self, plan.space, data).key,
            "architectures": rows,
            "failures": failures,
            **said(judge, own),
        }
        repeats = [{"architecture": row["id"]} for row in rows]
        scores = Measurement(
            "architecture-score",
            [row["score"] for row in rows],
            repeats,
            unit,
            higher_is_better=True,
        )
        costs = {
            name: sum(row[name] for row in rows)
            for name in ("seconds", "images")
            if all(name in row for row in rows)  # of published truth seconds may not be known
        }
        if not plan.strategy.adaptive:
            return Outcome([scores], costs, detail)
        final = self._final(max(rows, key=plan.guide), plan, here, own)
        accuracy = Measurement(
            "found-accuracy",
            [final["test"]],
            [{"architecture": final["id"]}],
            "%",
            higher_is_better=True,
        )
        return Outcome([scores, accuracy], costs, detail | {"final": final})

    def image_passes(
        self, data: Splits, images: int, reference: str | None
    ) -> list[tuple[Any, float]]:
        """Networks and about how many images pass each, forward and backward; the space's middle
        network stands for all.
        """
        plan = self._plan(data)
        middle = plan.space.spec(
            {name: values[len(values) // 2] for name, values in plan.space.choices().items()}
        )
        each = (
            self.proxy_passes(data, images)
            if reference is None
            else BASELINES.create(reference).images(self, data)
        )
        final = images_of_training(self, data) if plan.strategy.adaptive else 0.0
        return [(middle, plan.limit * each + final)] if each or final else []

    def _plan(self, data: Splits) -> Plan:
        """What is tried, on images of `data`'s shape; UsageError where the space has fewer
        architectures than asked for.
        """
        space = create_space(self.space, "search.space").fitting(data.train.shape)
        strategy = SEARCH_STRATEGIES.create(self.strategy, "search.strategy")
        known = named_table(self.truth)
        if known is not None and isinstance(strategy, Listed):
            strategy = strategy.of([*known.architectures.values()])
        if known is not None and strategy.adaptive and known.target.published:
            raise UsageError(
                f"search.strategy: {strategy.registered} retrains what it finds, and the truth that"
                " is published is of other networks; take listed or random"
            )
        return Plan(
            space,
            strategy,
            strategy.tries(space, self.architectures),
            self.sample_seed,
            self.trial_limit,
        )

    def _final(
        self, best: Mapping[str, Any], plan: Plan, data: Splits, context: Context
    ) -> dict[str, Any]:
        """What the search led to: the architecture it judged best, trained as the truth trains one,
        and tested once.
        """
        name = best["id"]
        if "test" in best:
            return {
                "id": name,
                **{key: best[key] for key in ("validation", "test", "seconds", "images")},
            }
        spec = plan.space.spec({label: best[label] for label in plan.space.choices()})
        found = training_on_all(self, data).judge(spec, name, context.fork("final"))
        return {"id": name, **found}

    def _judge(self, subject: SyntheticSet | Reference, data: Splits, context: Context) -> Judge:
        """What scores architectures: a baseline, or training on the set."""
        if isinstance(subject, Reference):
            found: Judge = BASELINES.create(subject.name, "search.references").judge(self, data)
            return found
        train = data.train
        images, labels = subject.decode(context.device)
        if (
            images.shape[1:] != train.shape
            or tuple(subject.card["class_names"]) != train.class_names
        ):
            source = subject.card["dataset"]
            raise UsageError(
                f"search: the set was made from {source}, whose image size or classes are not those"
                f" of {train.name}"
            )
        labels, recipe = as_labelled(subject, labels, self.recipe())
        return self.proxy(data, images, labels, recipe)

    def proxy_passes(self, data: Splits, images: int) -> float:
        """About how many images pass forward and backward where an architecture is judged by
        training on `images`.
        """
        validated = min(self.validation_images, len(data.validation.images))
        seen = self.steps * min(images, self.batch) if self.steps else self.epochs * images
        return self.networks * (seen * (1 + READINGS_SHARE) + validated / 3)

    def recipe(self) -> Training:
        """How a network is trained on a set, or on real images in its place."""
        return Training(
            self.epochs,
            self.lr,
            batch=self.batch,
            augmentation=self.augmentation,
            steps=self.steps,
            precision=self.precision,
        )

    def steps_on(self, images: int) -> int:
        """How many gradient steps a network takes on a set of so many images."""
        return self.steps or self.epochs * -(-images // self.batch)

    def proxy(self, data: Splits, images: Tensor, labels: Tensor, recipe: Training) -> Job:
        """Training on a few images: a curve whose readings cost a quarter of it at most, on some of
        the validation images.
        """
        data = searching(data, self.validation_images)
        steps = self.steps_on(len(images))
        seen = steps * recipe.batch if self.steps else recipe.epochs * len(images)
        count = affordable(self.readings, seen, len(data.validation.images))
        readings = (steps, *geometric(steps, count, self.first_reading))
        return Job(
            data,
            images,
            labels,
            recipe,
            False,
            self.evaluation_batch,
            readings,
            networks=self.networks,
            by_loss=self.score_by == "loss",
        )

    def _combined(
        self, rows: list[dict[str, Any]], space: Any, data: Splits, context: Context
    ) -> list[dict[str, Any]]:
        """`rows` scored anew, by their ranks and those of the zero-cost score that `combine`
        names.
        """
        other = BASELINES.create(self.combine, "search.combine").judge(self, data)
        return combined(
            rows,
            self.combine,
            other,
            lambda row: space.spec({name: row[name] for name in space.choices()}),
            context,
        )
