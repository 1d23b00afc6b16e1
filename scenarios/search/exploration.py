"""The architectures that a strategy chose from a space, each scored by one judge."""

from typing import Any

from condensers.data import ClassData
from condensers.engine.context import Context
from scenarios.search.baselines.base import Judge
from scenarios.search.engines.base import Engine
from scenarios.search.engines.sequential import Sequential
from scenarios.search.judging import Judging, Plan


def explored(
    plan: Plan, judge: Judge, data: ClassData, context: Context, engine: Engine | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Run the NNI experiment; return a row for each architecture that has a score, and one for each that has not.

    data: gives shape and classes. engine: Sequential where none is given.
    """
    rows = (engine or Sequential()).explore(Judging(plan, judge, data.shape, len(data.class_names)), context)
    return [row for row in rows if "error" not in row], [row for row in rows if "error" in row]
