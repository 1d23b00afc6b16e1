"""A report as data: every row as JSON, or as comma-separated values."""

import csv
import io
import json
import math
from collections.abc import Mapping
from typing import Any

from harness.printable import no_formula

COLUMNS = (
    "scenario",
    "variant",
    "data",
    "recipe",
    "condenser",
    "ipc",
    "bytes",
    "bits_per_class",
    "metric",
    "mean",
    "low",
    "high",
    "n",
    "unit",
    "higher_is_better",
    "interval",
    "over",
    "against",
    "difference",
    "difference_low",
    "difference_high",
    "distinguishable",
    "kind",
    "budget",
    "detectable",
    "n_for_one",
)

# Of a comparison, under its own name.
TAKEN = ("against", "difference", "distinguishable", "detectable", "n_for_one")


def as_json(report: Mapping[str, Any]) -> str:
    """The whole report, indented; null stands where a number is not finite, since JSON has no such
    number.
    """
    return json.dumps(_finite(report), indent=1, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def render(report: Mapping[str, Any]) -> str:
    """One line a row, in full precision; empty where there is no value. Failures are not rows: see
    the other formats.

    A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for row in report["rows"]:
        found = row["comparison"] or {}
        flat = {"difference_low": found.get("low"), "difference_high": found.get("high")}
        flat |= {name: found.get(name) for name in TAKEN}
        writer.writerow({name: no_formula(value) for name, value in {**row, **flat}.items()})
    return text.getvalue()
