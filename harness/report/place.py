"""Where figures stand: scenario, data set, settings and augmentation; and the size of a set. Their
texts are written here alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from scenarios.registry import SCENARIOS

MAKING = "condense"  # the scenario name of cells that make a set
NAMES = {
    "continual": "Continual learning",
    "search": "Architecture search",
    "one-shot": "One-shot architecture search",
    "cross-architecture": "Cross-architecture accuracy",
}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """One scenario on one data set: what is compared with each other stands in one place.

    Args:
        scenario: name of the scenario; "condense" for the making of sets.
        data: name of the data set.
        variant: settings in which scenarios of this name differ, as "epochs=30"; "" for none.
        augmentation: augmentation of the training; None where there is none or it is not said.
    """

    scenario: str
    data: str
    variant: str = ""
    augmentation: str | None = None

    @classmethod
    def of(cls, row: Row) -> "Place":
        """Read the place of a row of the report, augmentation included.

        Args:
            row: a mapping with "scenario", "data" and "variant", and "recipe" where it has one.
        """
        return cls(row["scenario"], row["data"], row["variant"], row.get("recipe"))

    @property
    def of_any_augmentation(self) -> "Place":
        """The place without its augmentation: where references stand, which are trained without."""
        return replace(self, augmentation=None)

    def heading(self, subject: str = "") -> str:
        """Write the place as the heading of a table or figure.

        Args:
            subject: what is on the data; the scenario where it is empty.

        Examples:
            >>> Place("accuracy", "mnist-5k", "epochs=30", "dsa").heading()
            'Accuracy on mnist-5k, epochs=30, augmentation dsa'
            >>> Place("continual", "mnist-5k").heading("Replay")
            'Replay on mnist-5k'
            >>> Place("as published", "mnist-5k").heading("Replay")
            'Replay on mnist-5k, as published'
            >>> Place("condense", "mnist-5k").heading()
            'Making the sets of mnist-5k'
        """
        first = f"{subject or name_scenario(self.scenario)} on {self.data}"
        if not subject and self.scenario == MAKING:
            first = f"Making the sets of {self.data}"
        return join_parts(first, self._own_label() if subject else "", *self._settings())

    def _own_label(self) -> str:
        """The label that a suite gave the scenario; "" where it is called by its name."""
        return "" if self.scenario in (MAKING, *SCENARIOS.entries()) else self.scenario

    def question(self) -> str:
        """Write the place for the end of a question.

        Examples:
            >>> Place("accuracy", "mnist-5k", "epochs=30").question()
            'mnist-5k, epochs=30 (accuracy)'
        """
        return f"{self.describe()} ({self.scenario})"

    def describe(self) -> str:
        """Write the place without its scenario: "mnist-5k, epochs=30, augmentation dsa"."""
        return join_parts(self.data, *self._settings())

    def _settings(self) -> tuple[str, str]:
        return self.variant, f"augmentation {self.augmentation}" if self.augmentation else ""


@dataclass(frozen=True, order=True)
class Size:
    """How large a set is, as it was asked for; sizes sort by images per class, then by bytes, then
    references.

    Args:
        is_reference: whether this is a reference, which has no size.
        budget: bytes that were asked for; 0 where a number of images was.
        ipc: images per class; 0 where bytes were asked for or the number is not known.

    Examples:
        >>> [str(size) for size in (Size(ipc=10), Size(budget=7850), Size(is_reference=True))]
        ['ipc 10', '7,850 bytes', 'references']
    """

    is_reference: bool = False
    budget: int = 0
    ipc: int = 0

    @classmethod
    def of(cls, row: Row) -> "Size":
        """Read the size of a row of the report, with "reference", "budget" and "ipc"."""
        budget = row["budget"] or 0
        return cls(bool(row["reference"]), budget, 0 if budget else row["ipc"] or 0)

    def __str__(self) -> str:
        if self.is_reference:
            return "references"
        return f"{self.budget:,} bytes" if self.budget else f"ipc {self.ipc or '?'}"

    @property
    def heading(self) -> str:
        """The size as the heading of a section: "budget 7,850 bytes"."""
        return f"budget {self}" if self.budget else str(self)


def group_by_place(rows: Iterable[Row]) -> dict[Place, list[Row]]:
    """Group rows by place, whatever their augmentation: references, which have none, stand with the
    sets.
    """
    groups: dict[Place, list[Row]] = {}
    for row in rows:
        groups.setdefault(Place.of(row).of_any_augmentation, []).append(row)
    return groups


def name_scenario(scenario: str) -> str:
    """Name a scenario at the start of a title; the label that a suite gave stays as it is written.

    Examples:
        >>> name_scenario("data-space"), name_scenario("a ResNet-18")
        ('Data space', 'A ResNet-18')
    """
    if scenario in NAMES:
        return NAMES[scenario]
    known = scenario in SCENARIOS.entries()
    return capitalise(scenario.replace("-", " ") if known else scenario)


def capitalise(text: str) -> str:
    """Write the first letter large, and leave the others."""
    return text[:1].upper() + text[1:]


def join_parts(*parts: str) -> str:
    """Join the parts that are not empty with commas."""
    return ", ".join(part for part in parts if part)


def set_label(row: Row) -> str:
    """Name a set as figures do: "dm, ipc 10"; a reference has its name alone."""
    name = str(row["condenser"])
    return name if row["ipc"] is None else f"{name}, ipc {row['ipc']}"
