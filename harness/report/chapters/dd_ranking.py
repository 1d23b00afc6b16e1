"""DD-Ranking's scores of the sets of a run, from the accuracies that its records hold."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.report.results import (
    RANDOM,
    REFERENCE,
    Entry,
    Record,
    Result,
    group_by_entry,
    nbytes,
    summarise,
)
from harness.statistics.dd_ranking import augmentation_robust_score, label_robust_score

ACCURACY, FULL_DATA = "test-accuracy", "full-data"
LABEL_ROBUST, AUGMENTATION_ROBUST = "label-robust-score", "augmentation-robust-score"
RECOVERY, IMPROVEMENT = "hard-label-recovery", "improvement-over-random"
AUGMENTED = ("dsa", "crop")
PLAIN = "none"
HARD = "hard"
# Settings that tell apart what is compared here.
COMPARED = ("augmentation", "labels")

Values = Mapping[int, float]  # seed -> accuracy, %


@dataclass(frozen=True)
class Trained:
    """The accuracies of one entry.

    Args:
        entry: a set, or a reference.
        nbytes: stored bytes of the set.
        settings: those of the scenario that are not compared.
        augmented: whether a reference was trained with augmentation.
        wanted: the labels that were asked for: "set" or "hard".
        form: the labels that networks were trained with: "hard" or "soft"; "" where a record of
            an older version does not say.
        is_random: whether the images are random real ones.
        values: seed -> mean accuracy over its networks.
    """

    entry: Entry
    nbytes: int | None
    settings: str
    augmented: bool
    wanted: str
    form: str
    is_random: bool
    values: Values


def score_sets(records: Sequence[Record]) -> list[Result]:
    """Compute both scores of every set that has all the accuracies they take, and the two parts of
    the label-robust one.

    Args:
        records: all records of a run; scenarios of one kind may stand under several labels.

    Returns:
        A result for each score and set, with one value a seed. A set has no label-robust score
        without random images of its size, labels of the same form and augmentation, training on
        the full data, and, if its labels are soft, its accuracy with hard labels. It has no
        augmentation-robust score unless it and random images were trained with and without
        augmentation.
    """
    groups = group_by_entry(records).items()
    trained = [found for entry, group in groups if (found := _read(entry, group)) is not None]
    sets = [one for one in trained if not one.entry.is_reference and not one.is_random]
    results = []
    for one in sets:
        for metric, unit, rises, values in (
            *_label_robust(one, trained),
            (AUGMENTATION_ROBUST, "%", True, _augmentation_robust(one, trained)),
        ):
            if values:
                by_seed = {seed: {"": value} for seed, value in values.items()}
                known = (metric, unit, rises)
                results.append(summarise(one.entry, one.nbytes, known, by_seed, "seeds"))
    return results


def _read(entry: Entry, records: Sequence[Record]) -> Trained | None:
    values: dict[int, float] = {}
    forms = set()
    for record in records:
        outcome = record.get("outcome") or {}
        for measured in outcome.get("measurements", []):
            if measured["metric"] == ACCURACY and measured["values"]:
                mean = sum(measured["values"]) / len(measured["values"])
                values[record["cell"]["seed"]] = mean
        forms.add((outcome.get("detail") or {}).get("labels", ""))
    if not values:
        return None
    cell = records[0]["cell"]
    settings = cell.get("settings") or {}
    rest = {name: value for name, value in settings.items() if name not in COMPARED}
    return Trained(
        entry,
        nbytes(records),
        json.dumps(rest, sort_keys=True),
        settings.get("augmentation") in AUGMENTED,
        settings.get("labels", "set"),
        forms.pop() if len(forms) == 1 else "",
        cell.get("condenser") == RANDOM and entry.origin != REFERENCE,
        values,
    )


def _label_robust(one: Trained, trained: Sequence[Trained]) -> list[tuple[str, str, bool, Values]]:
    """Metric, unit, whether more is better, and values: the score, then its parts."""
    if one.wanted == HARD:
        return []
    hard = one if one.form == HARD else _same_set(one, trained, one.entry.augmentation, HARD)
    random, full = _random_like(one, trained), _full_data(one, trained)
    if hard is None or random is None or full is None:
        return []
    parts = one.values, random.values, hard.values, full.values
    seeds = _shared(*parts)
    score = {seed: label_robust_score(*(part[seed] for part in parts)) for seed in seeds}
    recovery = {seed: full.values[seed] - hard.values[seed] for seed in seeds}
    improvement = {seed: one.values[seed] - random.values[seed] for seed in seeds}
    return [
        (LABEL_ROBUST, "%", True, score),
        (RECOVERY, "points", False, recovery),
        (IMPROVEMENT, "points", True, improvement),
    ]


def _augmentation_robust(one: Trained, trained: Sequence[Trained]) -> Values:
    if one.entry.augmentation in (None, PLAIN):
        return {}
    plain = _same_set(one, trained, PLAIN, one.wanted)
    random = _random_like(one, trained)
    random_plain = None if plain is None else _random_like(plain, trained)
    if plain is None or random is None or random_plain is None:
        return {}
    parts = one.values, random.values, plain.values, random_plain.values
    return {
        seed: augmentation_robust_score(*(part[seed] for part in parts)) for seed in _shared(*parts)
    }


def _shared(*parts: Values) -> list[int]:
    return [seed for seed in parts[0] if all(seed in part for part in parts)]


def _alike(one: Trained, trained: Sequence[Trained]) -> list[Trained]:
    """Those measured on the same data in the same way, but for what is compared; those of the same
    scenario first.
    """
    found = [
        other
        for other in trained
        if (other.entry.data, other.settings) == (one.entry.data, one.settings)
    ]
    return sorted(found, key=lambda other: other.entry.scenario != one.entry.scenario)


def _same_set(
    one: Trained, trained: Sequence[Trained], augmentation: str | None, wanted: str
) -> Trained | None:
    """The same set, trained with another augmentation or with hard labels."""
    return next(
        (
            other
            for other in _alike(one, trained)
            if other.entry.condenser == one.entry.condenser
            and other.entry.size == one.entry.size
            and (other.entry.augmentation, other.wanted) == (augmentation, wanted)
        ),
        None,
    )


def _random_like(one: Trained, trained: Sequence[Trained]) -> Trained | None:
    """As many random real images, with labels of the same form and the same augmentation."""
    return next(
        (
            other
            for other in _alike(one, trained)
            if other.is_random
            and other.entry.size == one.entry.size
            and other.entry.augmentation == one.entry.augmentation
            and (other.wanted, other.form) == (one.wanted, one.form)
        ),
        None,
    )


def _full_data(one: Trained, trained: Sequence[Trained]) -> Trained | None:
    """All training images, without augmentation if they were trained so, as DD-Ranking does."""
    found = [other for other in _alike(one, trained) if other.entry.condenser == FULL_DATA]
    return min(found, key=lambda other: other.augmented, default=None)
