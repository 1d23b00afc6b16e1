"""How a scenario is called and what it gives back: raw values, never only means."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.sets.synthetic_set import Budget, Condenser, SyntheticSet


@dataclass(frozen=True)
class Splits:
    """train: what condensers and learners see. validation: what any selection uses. test: read
    once, at the end.
    """

    train: ClassData
    validation: ClassData
    test: ClassData


@dataclass(frozen=True)
class Reference:
    """What a scenario measures without a set: a bound or a baseline, such as "joint" or
    "parameters".
    """

    name: str


@dataclass(frozen=True)
class CondensationRequest:
    """A condenser still to be run: for scenarios that must condense anew for each part of the data
    they show it.
    """

    condenser: Condenser
    budget: Budget


Subject = SyntheticSet | Reference | CondensationRequest


@dataclass(frozen=True)
class Measurement:
    """All values of one metric in one cell. repeats[i] says what was drawn anew for values[i], as
    {"network": 0}.
    """

    metric: str
    values: Sequence[float]
    repeats: Sequence[Mapping[str, Any]]
    unit: str
    higher_is_better: bool | None

    def __post_init__(self) -> None:
        if len(self.values) != len(self.repeats):
            raise ValueError(
                f"{self.metric}: {len(self.values)} values but {len(self.repeats)} repeats"
            )


@dataclass(frozen=True)
class Outcome:
    """What one run of a scenario on one subject found. detail: raw material such as R matrices, as
    JSON values.

    costs: {"seconds": ..., "images": ...}, images being those processed in training, which no
    machine changes.
    """

    measurements: Sequence[Measurement]
    costs: Mapping[str, float]
    detail: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Scenario(Protocol):
    """A use of a set. Its settings are its fields; references names what else it measures, once per
    seed.

    run is called with a context whose seed is that of the cell: what is forked from it under equal
    names is equal for all subjects with that seed, which is what makes their comparison paired. A
    scenario that shows its learner one part of the data after the other has
    `anew(couples_classes)`: whether such a condenser comes as a Recipe, to be run on those parts.
    """

    @property
    def references(self) -> Sequence[str]: ...

    def run(self, subject: Subject, data: Splits, context: Context) -> Outcome: ...
