"""From a suite's name to a checked plan with its data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import plan, suite


@dataclass(frozen=True)
class Planned:
    """A plan, and the data it was made with."""

    plan: plan.Plan
    data: Mapping[str, Any]


def load_plan(name: str, overrides: Sequence[str], data_dir: Path | None, download: bool) -> Planned:
    """Read, check and lay out a suite. Raises UsageError (every fault at once) or DataMissing."""
    from scenarios.datasets import load

    read = suite.read(name, overrides)
    data: dict[str, Any] = {}

    def fetch(dataset: str) -> Any:
        data[dataset] = load(dataset, data_dir=data_dir, download=download, validation=read.validation)
        return data[dataset]

    return Planned(plan.make(read, fetch), data)
