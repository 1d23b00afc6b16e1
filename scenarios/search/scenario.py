"""Search: each architecture of a sample is trained on a set; its validation accuracy is the score.

Protocol of Zhao et al. (DC, ICLR 2021) and Du et al. (FTD, CVPR 2023, Table 5): a space of
ConvNets, proxies against training on all data. Differences: architectures are ranked by validation
accuracy, never by test accuracy; a sample of the space instead of all 720; the same recipe for
every proxy, real images included.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.sets.synthetic_set import SyntheticSet
from scenarios.protocol import (
    CondensationRequest,
    Measurement,
    Outcome,
    Reference,
    Scenario,
    Splits,
    Subject,
)
from scenarios.registry import BASELINES, ENGINES, SEARCH_STRATEGIES
from scenarios.search.baselines.base import Judge
from scenarios.search.baselines.combination import combine_scores
from scenarios.search.baselines.short_training import make_validation_judge
from scenarios.search.baselines.truth import (
    TruthBaseline,
    count_training_images,
    make_truth_judge,
)
from scenarios.search.engines.engines import explore_space
from scenarios.search.ground_truth.files import read_table
from scenarios.search.ground_truth.reading import (
    describe_source,
    describe_truth,
    find_named_path,
    make_strategy,
)
from scenarios.search.judging import SearchPlan
from scenarios.search.settings import SearchSettings
from scenarios.search.shared_weights import require_layer_choices, require_weight_sharing
from scenarios.search.spaces.base import create_space
from scenarios.training_material import match_loss_to_labels


@dataclass(frozen=True)
class Search(SearchSettings, Scenario):
    """Architecture search with a set as proxy: one score for each architecture.

    The scores are compared with those of the ground truth.
    """

    registered: ClassVar[str] = "search"
    default_references: ClassVar[Sequence[str]] = ("truth", "parameters", "early-stopping")

    @property
    def references(self) -> Sequence[str]:
        """All baselines."""
        return tuple(BASELINES.entries())

    def __post_init__(self) -> None:
        space = create_space(self.space, "search.space")
        if self.sharing():
            require_weight_sharing(space)
        SEARCH_STRATEGIES.create(self.strategy, "search.strategy")
        self._require_table_content(find_named_path(self.truth))
        ENGINES.create(self.engine, "search.engine")

    def reference_seeds(self, name: str, seeds: Sequence[int]) -> Sequence[int]:
        """Seeds of the truth are `truth_seeds`, where that is given."""
        own = name == TruthBaseline.registered and self.truth_seeds is not None
        return range(self.truth_seeds or 0) if own else seeds

    def _require_table_content(self, table: Path | None) -> None:
        """Note the content of the table, which determines results; UsageError if it changed."""
        content = read_table(table).content if table else ""
        if table and self.truth_content not in ("", content):
            raise UsageError(
                f"{table}: has changed (content {content[:16]}, not {self.truth_content[:16]});"
                " start again with the new one"
            )
        object.__setattr__(self, "truth_content", content)

    def run(self, subject: Subject, data: Splits, context: Context) -> Outcome:
        """Score the sampled architectures by `subject`.

        A set scores by validation accuracy after training on it, "truth" by test accuracy after
        training on all training data; for other references see their summaries. With `use` set to
        "validation" networks are trained as early stopping trains them, and the set takes the
        place of the validation images. With `combine` a
        set's scores are mean ranks. An adaptive strategy is guided by validation accuracy, tries
        other architectures for each subject, and adds "found-accuracy": the test accuracy of the
        best one after training on all training data (`final` in the detail, with its own seconds).

        In the detail, `failures` lists the architectures without a score, `table` is the key of
        the ground truth that the scores may be compared with, and `truth` names the table if it
        was read and not trained.

        Raises:
            UsageError: The subject is a condensation request, or a set of other images.
            RuntimeError: All architectures failed.
        """
        if isinstance(subject, CondensationRequest):
            raise UsageError(
                "search: needs a finished set or a reference, not a condenser still to be run;"
                " condense first"
            )
        plan = self._make_plan(data)
        here = Splits(
            *(part.to(context.device) for part in (data.train, data.validation, data.test))
        )
        judge = self._make_judge(subject, here, context)
        own = context.fork("truth") if judge.independent_seed else context
        judge = judge.prepare(plan.space, plan.limit, own)
        rows, failures = explore_space(
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
            rows = self._combine_ranks(rows, plan.space, here, context)
        scores = Measurement(
            "architecture-score",
            [row["score"] for row in rows],
            [{"architecture": row["id"]} for row in rows],
            unit,
            higher_is_better=True,
        )
        costs = {
            name: sum(row[name] for row in rows)
            for name in ("seconds", "images")
            if all(name in row for row in rows)  # of published truth seconds may not be known
        }
        detail = self._make_detail(subject, measures, plan, data) | {
            "architectures": rows,
            "failures": failures,
            **describe_source(judge, own),
        }
        if not plan.strategy.adaptive:
            return Outcome([scores], costs, detail)
        final = self._train_best(max(rows, key=plan.guide), plan, here, own)
        accuracy = Measurement(
            "found-accuracy",
            [final["test"]],
            [{"architecture": final["id"]}],
            "%",
            higher_is_better=True,
        )
        return Outcome([scores, accuracy], costs, detail | {"final": final})

    def _make_detail(
        self, subject: SyntheticSet | Reference, score: str, plan: SearchPlan, data: Splits
    ) -> dict[str, Any]:
        """Return what was searched, and the key of the ground truth it may be compared with."""
        return {
            "subject": subject.name if isinstance(subject, Reference) else subject.card["method"],
            "score": score,
            "strategy": plan.strategy.registered,
            "adaptive": plan.strategy.adaptive,
            "space": {name: list(values) for name, values in plan.space.choices().items()},
            "table": describe_truth(self, plan.space, data).key,
        }

    def image_passes(
        self, data: Splits, images: int, reference: str | None
    ) -> list[tuple[Any, float]]:
        """Estimate the training; the middle network of the space stands for all."""
        plan = self._make_plan(data)
        middle = plan.space.spec(
            {name: values[len(values) // 2] for name, values in plan.space.choices().items()}
        )
        baseline = None if reference is None else BASELINES.create(reference)
        each = (
            self.count_proxy_passes(data, images)
            if baseline is None
            else baseline.images(self, data)
        )
        final = count_training_images(self, data) if plan.strategy.adaptive else 0.0
        brief = baseline is None or baseline.trains_briefly
        sharing = self.sharing() if brief else None
        shared = (sharing.steps or 0) * sharing.batch if sharing else 0
        passes = plan.limit * each + final + shared
        return [(middle, passes)] if passes else []

    def _make_plan(self, data: Splits) -> SearchPlan:
        """Return what is tried; UsageError if the space has fewer architectures than asked for."""
        space = create_space(self.space, "search.space").fitting(data.train.shape)
        if self.sharing():
            require_layer_choices(space, data.train.shape)
        strategy = make_strategy(self)
        return SearchPlan(
            space,
            strategy,
            strategy.tries(space, self.architectures),
            self.sample_seed,
            self.trial_limit,
        )

    def _train_best(
        self, best: Mapping[str, Any], plan: SearchPlan, data: Splits, context: Context
    ) -> dict[str, Any]:
        """Train the best architecture as the truth trains one, and test it once."""
        name = best["id"]
        if "test" in best:
            return {
                "id": name,
                **{key: best[key] for key in ("validation", "test", "seconds", "images")},
            }
        spec = plan.space.spec({label: best[label] for label in plan.space.choices()})
        found = make_truth_judge(self, data).judge(spec, name, context.fork("final"))
        return {"id": name, **found}

    def _make_judge(
        self, subject: SyntheticSet | Reference, data: Splits, context: Context
    ) -> Judge:
        """Return what scores architectures: a baseline, or training on the set."""
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
        if self.use == "validation":
            return make_validation_judge(self, data, subject)
        labels, recipe = match_loss_to_labels(subject, labels, self.recipe())
        return self.make_proxy_judge(data, images, labels, recipe)

    def _combine_ranks(
        self, rows: list[dict[str, Any]], space: Any, data: Splits, context: Context
    ) -> list[dict[str, Any]]:
        """Score `rows` by their ranks and those of the zero-cost score that `combine` names."""
        other = BASELINES.create(self.combine, "search.combine").judge(self, data)
        return combine_scores(
            rows,
            self.combine,
            other,
            lambda row: space.spec({name: row[name] for name in space.choices()}),
            context,
        )
