"""A ground-truth table: one row for each architecture and seed, and how they were made.

What determines the truth about a space: its settings, the recipe, and what the data hold.

Seed, device and version of torch are recorded beside each row, but do not enter: one table holds
rows of many.
"""

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from condensers.errors import UsageError
from condensers.hyperparameters import settings_of
from condensers.networks.precision import AUTO
from scenarios.protocol import Splits

if TYPE_CHECKING:
    from scenarios.search.scenario import Search
    from scenarios.search.spaces.base import SearchSpace

FORMAT = 1
RECIPE = ("truth_epochs", "truth_batch", "truth_lr", "truth_augmentation", "precision")


@dataclass(frozen=True)
class Target:
    """space: name and settings, as it fits the images. recipe: the settings of `RECIPE`. data:
    name, digests, shape, images.
    """

    space: Mapping[str, Any]
    recipe: Mapping[str, Any]
    data: Mapping[str, Any]

    @property
    def published(self) -> bool:
        """Whether others trained: on images that are not known here, with networks of their own."""
        return "published" in self.recipe

    @property
    def key(self) -> str:
        """16 hex digits, equal where rows may be compared.

        The data enter by their digests, not by their name.
        """
        parts = [FORMAT, self.space, self.recipe, self.data["digests"]]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    def differences(self, other: "Target") -> list[str]:
        """What makes the keys differ, as "widths [8] and [8, 16]"; this one's value first."""
        tables = [
            (self.space, other.space),
            (self.recipe, other.recipe),
            (self.data["digests"], other.data["digests"]),
        ]
        found = []
        for which, (mine, theirs) in enumerate(tables):
            for name in dict.fromkeys([*mine, *theirs]):
                if mine.get(name) != theirs.get(name):
                    what = ("space " if name == "name" else "", "", "images for ")[which]
                    found.append(f"{what}{name} {mine.get(name)} and {theirs.get(name)}")
        return found

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def describe_target(settings: "Search", space: "SearchSpace", data: Splits) -> Target:
    """The target of a `Search` with these settings; space: as it fits `data`."""
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    described = {
        "name": data.train.name,
        "digests": {name: part.digest for name, part in parts.items()},
        "shape": list(data.train.shape),
        "classes": len(data.train.class_names),
        "images": {name: len(part.images) for name, part in parts.items()},
    }
    recipe = {name: value for name, value in settings_of(settings).items() if name in RECIPE}
    recipe["precision"] = truth_precision(settings)
    return Target({"name": space.registered, **settings_of(space)}, recipe, described)


def truth_precision(settings: "Search") -> str:
    """Return the precision of the truth: fp32 where the search leaves it to the machine.

    A table is of one recipe, whatever machine makes its rows.
    """
    return "fp32" if settings.precision == AUTO else settings.precision


Row = Mapping[str, Any]
OF_ROW = (
    "id",
    "choices",
    "seed",
    "parameters",
    "flops",
    "validation",
    "test",
    "seconds",
    "images",
    "curve",
    "made",
)
ACCURACIES = ("id", "choices", "seed", "parameters", "flops", "validation", "test", "images")


@dataclass(frozen=True)
class GroundTruthTable:
    """What every architecture of `target` reached.

    choices: name of each choice -> its values. made: command, torch, device and so on of each run
    that made rows. rows: a mapping of `OF_ROW`: "validation" and "test" in % after the last epoch,
    "seconds" of training and one validation, "images" passed in training, "curve" (validation in %,
    seconds of training so far) after each epoch, "made" the place in `made`. "validation" and
    "seconds" are None where they were not published.
    """

    target: Target
    choices: Mapping[str, Sequence[Any]]
    made: Sequence[Mapping[str, Any]]
    rows: Sequence[Row]

    @cached_property
    def content(self) -> str:
        """SHA-256 of all that the table says, whatever its file's spacing."""
        return hash_content(self.as_json())

    @cached_property
    def _by_name(self) -> dict[tuple[str, int], Row]:
        return {(row["id"], row["seed"]): row for row in self.rows}

    @property
    def seeds(self) -> list[int]:
        return sorted({row["seed"] for row in self.rows})

    @property
    def ids(self) -> list[str]:
        return list(dict.fromkeys(row["id"] for row in self.rows))

    @property
    def architectures(self) -> dict[str, Mapping[str, Any]]:
        """The choices of each of `ids`."""
        return {row["id"]: row["choices"] for row in self.rows}

    def row(self, name: str, seed: int) -> Row | None:
        """The row of an architecture, None where the table has none for that seed."""
        return self._by_name.get((name, seed))

    def as_json(self) -> dict[str, Any]:
        """All but the hash."""
        choices = {name: list(values) for name, values in self.choices.items()}
        return {
            "format": FORMAT,
            **self.target.as_json(),
            "choices": choices,
            "made": list(self.made),
            "rows": list(self.rows),
        }

    def as_csv(self) -> str:
        """A line for each row; each epoch of the curve has two columns.

        What holds for all rows is left to the JSON file.
        """
        epochs = max((len(row["curve"]) for row in self.rows), default=0)
        plain = [name for name in OF_ROW if name not in ("choices", "curve", "made")]
        each = [
            f"{what}_{epoch}"
            for epoch in range(1, epochs + 1)
            for what in ("validation", "seconds")
        ]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*plain, *self.choices, *each, "torch", "device"])
        for row in self.rows:
            curve = [value for point in row["curve"] for value in point]
            made = self.made[row["made"]]
            chosen = [row["choices"][name] for name in self.choices]
            padding = [""] * (2 * epochs - len(curve))
            writer.writerow(
                [
                    *(row[name] for name in plain),
                    *chosen,
                    *curve,
                    *padding,
                    made.get("torch"),
                    made.get("device"),
                ]
            )
        return text.getvalue()


def hash_content(value: Mapping[str, Any]) -> str:
    """The SHA-256 of a JSON value with sorted keys and no spaces."""
    return hashlib.sha256(
        json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()


def make_table(
    target: Target,
    choices: Mapping[str, Sequence[Any]],
    made: Sequence[Mapping[str, Any]],
    rows: Sequence[Row],
) -> GroundTruthTable:
    """A table in its one order: rows by architecture and seed; how they were made without repeats,
    and only what rows name.
    """
    used = {hash_content(made[row["made"]]): made[row["made"]] for row in rows}
    places = {content: place for place, content in enumerate(sorted(used))}
    moved = [{**row, "made": places[hash_content(made[row["made"]])]} for row in rows]
    return GroundTruthTable(
        target,
        choices,
        [used[name] for name in places],
        sorted(moved, key=lambda row: (row["id"], row["seed"])),
    )


def merge_tables(named: Sequence[tuple[str, GroundTruthTable]]) -> GroundTruthTable:
    """One table with the rows of all; of a row that several have, the first one's seconds stand.

    named: what each is called in errors, and the table. UsageError where they answer different
    questions, or where a row that two have does not say the same in both.
    """
    (first_name, first), *others = named
    made, rows = list(first.made), list(first.rows)
    found = {(row["id"], row["seed"]): (first_name, row) for row in rows}
    for name, table in others:
        different = first.target.differences(table.target)
        if different:
            raise UsageError(
                f"{first_name} and {name} are not tables of one truth: {'; '.join(different)};"
                " merge like with like"
            )
        offset = len(made)
        made += table.made
        for row in table.rows:
            place = row["id"], row["seed"]
            if place not in found:
                found[place] = name, row
                rows.append({**row, "made": row["made"] + offset})
            elif _list_values(found[place][1]) != _list_values(row):
                other, before = found[place]
                both = (
                    f"{other} and {name} both have {row['id']} with seed {row['seed']}, but not the"
                    " same"
                )
                raise UsageError(
                    f"{both} ({before['test']:.4g} and {row['test']:.4g} % test accuracy); leave"
                    " that row out of one, or build it again in one place"
                )
    return make_table(first.target, first.choices, made, rows)


def _list_values(row: Row) -> list[Any]:
    """What a row says that no machine's speed changes."""
    return [*(row[name] for name in ACCURACIES), [point[0] for point in row["curve"]]]
