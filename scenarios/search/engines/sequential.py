"""One architecture after the other, in this process."""

import itertools
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from condensers.engine.context import Context, Progress
from scenarios.search.judging import Judging, Plan

if TYPE_CHECKING:
    from scenarios.search.experiment import Trial


@dataclass(frozen=True)
class Sequential:
    """One architecture after the other, in the process of the command."""

    registered: ClassVar[str] = "sequential"

    def explore(self, judging: Judging, context: Context) -> list[dict[str, Any]]:
        plan, found, done = judging.plan, dict[str, dict[str, Any]](), itertools.count(1)

        def score(choice: Mapping[str, Any]) -> float:
            row = found[plan.identifier(choice)] = judging.row(choice, context)
            context.progress(Progress("search", next(done), plan.limit, f"{row['id']} {row['score']:.4g}"))
            return plan.guide(row)

        trials = tried(plan, score, context.folder)
        named = {plan.identifier(trial.choice): trial for trial in trials}  # a strategy may choose one twice
        return [judging.failed(t.choice, t.error) if t.score is None else found[name] for name, t in named.items()]


def tried(plan: Plan, score: Callable[[Mapping[str, Any]], float], folder: Path | None) -> "list[Trial]":
    """What the plan's strategy tries, in order, where `score` tells it of each choice; NNI writes below `folder` / nni."""
    from scenarios.search.experiment import explore  # NNI takes seconds to import
    from scenarios.search.model_space import ChoiceSpace

    with ExitStack() as stack:
        home = folder / "nni" if folder else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(torch.random.fork_rng(devices=[]))  # NNI's models draw weights that nobody uses
        return explore(ChoiceSpace(plan.space), plan.strategy.of_nni(plan.seed), plan.limit, score, home)
