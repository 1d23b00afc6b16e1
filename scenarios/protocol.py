"""The base class of scenarios, what they are given and the raw values that they give back."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from condensers.condenser import Condenser
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.sets.synthetic_set import Budget, SyntheticSet


@dataclass(frozen=True)
class Splits:
    """The disjoint parts of a data set.

    Attributes:
        train: What condensers and learners see.
        validation: What any selection uses.
        test: Read once, at the end.
    """

    train: ClassData
    validation: ClassData
    test: ClassData


@dataclass(frozen=True)
class Reference:
    """What a scenario measures without a set: a bound or a baseline, by its name.

    Examples are "joint" (continual) and "parameters" (search).
    """

    name: str


@dataclass(frozen=True)
class CondensationRequest:
    """A condenser still to be run, for scenarios that condense parts of the data themselves."""

    condenser: Condenser
    budget: Budget


Subject = SyntheticSet | Reference | CondensationRequest


@dataclass(frozen=True)
class Measurement:
    """All values of one metric in one cell.

    Attributes:
        metric: Its name in tables.
        values: One value for each repeat.
        repeats: What differs between the values; repeats[i] describes values[i], as
            {"network": 0}.
        unit: Such as "%" or "points".
        higher_is_better: None if neither is.
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
    """What one run of a scenario on one subject gives.

    Attributes:
        measurements: One for each metric.
        costs: {"seconds": ..., "images": ...}; images are those processed in training, a number
            that no machine changes.
        detail: Raw results such as accuracy matrices, as JSON values.
    """

    measurements: Sequence[Measurement]
    costs: Mapping[str, float]
    detail: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as JSON values."""
        return asdict(self)


class Scenario(ABC):
    """Base class of the scenarios: a use of a condensed set.

    A subclass is a frozen dataclass, whose fields are its settings. It defines `references` and
    `run`; the other members have defaults.

    Attributes:
        registered: The name in suites.
        references_only: Whether no set is measured, but references alone.
    """

    registered: ClassVar[str] = ""
    references_only: ClassVar[bool] = False

    @property
    @abstractmethod
    def references(self) -> Sequence[str]:
        """The names of all references, what else the scenario can measure once per seed."""

    @property
    def default_references(self) -> Sequence[str]:
        """The references that are measured if a suite names none: all."""
        return self.references

    def reference_seeds(self, name: str, seeds: Sequence[int]) -> Sequence[int]:
        """Return the seeds for which a reference is measured.

        Args:
            name: The reference.
            seeds: Those of the suite, the default.
        """
        return seeds

    @property
    def condensations(self) -> int:
        """How many sets the scenario condenses for one request, to estimate its time."""
        return 1

    def condenses_along_stream(self, couples_classes: bool) -> bool:
        """Return whether a condenser comes as a CondensationRequest, not as a finished set.

        Args:
            couples_classes: Whether the condenser's images of one class depend on the others.
        """
        return False

    def image_passes(
        self, data: Splits, images: int, reference: str | None
    ) -> list[tuple[Any, float]] | None:
        """Estimate the training of one run, for `harness plan`.

        Args:
            data: What the scenario would be run on.
            images: The size of the set.
            reference: The reference that is measured, or None for a set.

        Returns:
            Network specs, and how many images pass each, forward and backward (a forward pass
            counts a third). None if it is unknown.
        """
        return None

    @abstractmethod
    def run(self, subject: Subject, data: Splits, context: Context) -> Outcome:
        """Measure one subject.

        Args:
            subject: A finished set, a reference, or a condensation request.
            data: The parts of the data set.
            context: Its seed is that of the cell. What is forked from it under equal names is
                equal for all subjects of that seed, so that comparisons are paired.

        Raises:
            UsageError: The subject cannot be measured on this data.
        """
