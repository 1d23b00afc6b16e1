"""Every single value of a run: rows for a frame, and the same rows as a Parquet file.

A row is one value of one metric of one set or reference, with the seed and all that was drawn anew
within it. A report has means and intervals; who wants a test or a figure of their own starts here.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from condensers.optional import require_package
from condensers.sets.rate import bits_per_class
from harness.report.results import COST_UNITS, class_count, making_costs

Record = Mapping[str, Any]

# Column -> what it holds. A column `repeat_NAME` for whatever else was drawn anew stands before
# `cell`; those of networks and class orders are always there.
COLUMNS = {
    "scenario": 'label of the scenario; "condense" for the making of sets',
    "data": "name of the data set",
    "condenser": "label of the set, or name of the reference",
    "reference": "whether it is a reference",
    "ipc": "images per class of the set",
    "bytes": "bytes of the set",
    "bits_per_class": "bits per class: 8 times the bytes of the set over the classes of the data",
    "budget": 'what was asked for: "ipc 10" or "bytes 5000"',
    "augmentation": "augmentation of the training",
    "origin": "what the images of the set are",
    "metric": "name of the metric, after its strategy if it has one",
    "unit": "unit of the value",
    "higher_is_better": "whether a higher value is better; empty where neither is",
    "seed": "seed of the cell",
    "value": "the value",
    "repeat_network": "which network of those that one seed trains",
    "repeat_order": "which class order of those that one seed learns",
    "limit": "N of a trial with --limit N; empty for full results",
    "cell": "key of the cell",
}
WHOLE = ("ipc", "bytes", "seed", "repeat_network", "repeat_order", "limit")


def read_values(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Read all values of a run.

    Args:
        records: the records of finished cells.

    Returns:
        A row for each value, in the order of the records; all have the same columns in the same
        order, which `columns_of` gives.
    """
    rows = [row for record in records for row in _values(record)]
    return [{name: row.get(name) for name in columns_of(rows)} for row in rows]


def columns_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the columns of rows: COLUMNS, and before `cell` the repeats that these rows have."""
    drawn = sorted({name for row in rows for name in row if name not in COLUMNS})
    *first, last = COLUMNS
    return [*first, *drawn, last]


def as_parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Write rows of `read_values` as a Parquet file.

    Whole numbers are int64, truths are bool, the value is float64, all else is text; an empty
    field is null. What each column means stands in the metadata of its field.

    Raises:
        UsageError: pyarrow is not installed.
    """
    arrow = require_package("pyarrow", "pyarrow", "--format parquet", extra="parquet")
    parquet = require_package("pyarrow.parquet", "pyarrow", "--format parquet", extra="parquet")
    names = columns_of(rows)
    kinds = {
        "value": arrow.float64(),
        "bits_per_class": arrow.float64(),
        "reference": arrow.bool_(),
        "higher_is_better": arrow.bool_(),
    }
    kinds |= dict.fromkeys(WHOLE, arrow.int64())
    fields = [
        arrow.field(
            name,
            kinds.get(name, arrow.string()),
            metadata={"about": COLUMNS.get(name, "drawn anew within a seed")},
        )
        for name in names
    ]
    columns = {name: [_of_kind(name, row[name]) for row in rows] for name in names}
    file = io.BytesIO()
    parquet.write_table(arrow.table(columns, schema=arrow.schema(fields)), file)
    return file.getvalue()


def _of_kind(name: str, value: Any) -> Any:
    """A value of a text column as text: other scenarios may draw numbers or words."""
    return value if value is None or name in COLUMNS else str(value)


def _values(record: Record) -> Iterator[dict[str, Any]]:
    """One dict for each value of a record; none for a shard, whose set has a record of its own."""
    if record["kind"] == "shard":
        return
    cell = record["cell"]
    budget = cell.get("budget")
    fields = {
        "scenario": "condense" if record["kind"] == "condense" else cell["scenario"],
        "data": cell["data"],
        "condenser": cell.get("reference") or cell["label"],
        "reference": cell.get("reference") is not None,
        "ipc": cell.get("ipc"),
        "bytes": record.get("bytes"),
        "bits_per_class": _bits(record),
        "budget": " ".join(map(str, budget)) if budget else None,
        "augmentation": cell.get("recipe"),
        "origin": cell.get("origin"),
        "limit": (record.get("keyed_by") or {}).get("limit"),
    }
    for measurement, value, repeat in _measured(record):
        yield {
            **fields,
            "metric": measurement["metric"],
            "unit": measurement["unit"],
            "higher_is_better": measurement.get("higher_is_better"),
            "seed": cell["seed"],
            "value": value,
            **{f"repeat_{name}": _scalar(drawn) for name, drawn in repeat.items()},
            "cell": record["key"],
        }


def _bits(record: Record) -> float | None:
    nbytes, classes = record.get("bytes"), class_count(record["cell"])
    return bits_per_class(nbytes, classes) if nbytes and classes else None


def _measured(record: Record) -> Iterator[tuple[Record, float, Record]]:
    """Measurement, value and what was drawn anew for it; the costs of a record that made a set."""
    if record["kind"] == "condense":
        for metric, value in making_costs(record).items():
            cost = {"metric": metric, "unit": COST_UNITS[metric], "higher_is_better": False}
            yield cost, value, {}
    for measurement in (record.get("outcome") or {}).get("measurements", []):
        for value, repeat in zip(measurement["values"], measurement["repeats"], strict=True):
            yield measurement, value, repeat


def _scalar(value: Any) -> Any:
    """A value that a column can hold: tables and lists as JSON."""
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value
