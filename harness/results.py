"""The results of a run: the rows of its report, and every single value as a pandas frame."""

import html
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from condensers.errors import UsageError
from harness.report.formats.values import columns_of, read_values
from harness.store.store import Store

if TYPE_CHECKING:
    import pandas

    from harness.reference.files import Reference

Record = Mapping[str, Any]
SHOWN = ("scenario", "data", "condenser", "ipc", "bytes", "bits_per_class", "metric")
MOST_SHOWN = 40  # rows of a representation; the frames have all
WITHOUT_PANDAS = (
    'pandas is needed for this: pip install "condensation-harness[pandas]"; `rows` and `records`'
    " hold the same as plain dicts"
)


class Results:
    """The results of a run, as its directory held them when it was read.

    In a notebook it shows as a table of means with their 95 % intervals.

    Args:
        store: the run directory, or reference results.

    Attributes:
        directory: the run directory, or the file of the reference results.
        suite: the name of the suite.
        rows: one dict for each metric of each set or reference, as `harness report --format json`
            has them: mean, 95 % interval, n, comparison with random images.
        records: the record of each finished cell, with its raw values.
        failures: for each failed cell what it was, a `sentence` and a `traceback`.

    Raises:
        UsageError: the directory is not a run directory.
        Damaged: a file is not as it was written; the text names every one.
    """

    def __init__(self, store: "Store | Reference") -> None:
        self.directory = store.root
        self._description, self.records, self.failures = store.contents()
        self.suite: str = self._description["suite"]

    @property
    def cells(self) -> int:
        """Number of cells of the suite, computed or not."""
        return len(self._description["cells"])

    @cached_property
    def report(self) -> dict[str, Any]:
        """The whole report as one JSON object, with headlines, notes and what its figures draw."""
        from harness.report.building import build

        return build(self._description, self.records, self.failures)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of the report."""
        rows: list[dict[str, Any]] = self.report["rows"]
        return rows

    def to_pandas(self) -> "pandas.DataFrame":
        """Make a frame with a row for every single value.

        Returns:
            A long ("tidy") frame: a row is one value of one metric of one set or reference.
            Columns: scenario, data, condenser (or the name of the reference), reference (whether
            it is one), ipc, bytes (of the set), bits_per_class, budget ("ipc 10" or "bytes
            5000"), augmentation, origin (what the images of the set are), metric, unit,
            higher_is_better, seed, value, repeat_network and repeat_order (which of the networks
            or class orders of the seed), limit (N of a trial, `--limit N`), a further column
            `repeat_NAME` for whatever else was drawn anew within a seed, and `cell`, the key of
            the cell. They are all there, in this
            order, in every frame; `harness report DIR --format parquet` writes the same. Seconds
            and joules of making a set stand under the scenario "condense".

        Raises:
            UsageError: pandas is not installed.

        Examples:
            The mean over networks of each seed, then the mean of seeds::

                frame = read_results("reference:demo").to_pandas()
                accuracy = frame[frame.metric == "test-accuracy"]
                accuracy.groupby(["condenser", "ipc", "seed"]).value.mean()
        """
        frame = _require_pandas()
        rows = read_values(self.records)
        values: pandas.DataFrame = frame.DataFrame(rows, columns=columns_of(rows))
        return values

    def summary(self) -> "pandas.DataFrame":
        """Make a frame of the report's rows: mean, low, high and n of each metric of each set.

        Returns:
            The fields of `rows`; those of the comparison with random images of equal count are
            columns named comparison_difference, comparison_low and so on.

        Raises:
            UsageError: pandas is not installed.
        """
        frame = _require_pandas()
        rows: pandas.DataFrame = frame.DataFrame([dict(_flatten(row)) for row in self.rows])
        return rows

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        lines = [self._headline()]
        table = [[*SHOWN, "mean [95 % interval]", "n"], *map(_texts, self.rows[:MOST_SHOWN])]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines += [
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
            for row in table
        ]
        return "\n".join([*lines, *self._left_out()])

    def _repr_html_(self) -> str:
        heads = "".join(f"<th>{name}</th>" for name in (*SHOWN, "mean [95 % interval]", "n"))
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in _texts(row)) + "</tr>"
            for row in self.rows[:MOST_SHOWN]
        )
        below = "".join(f"<p>{html.escape(line)}</p>" for line in self._left_out())
        return (
            f"<p>{html.escape(self._headline())}</p>"
            f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{below}"
        )

    def _headline(self) -> str:
        failed = f", {len(self.failures)} failed" if self.failures else ""
        left = self.cells - len(self.records) - len(self.failures)
        missing = f", {left} not run yet" if left else ""
        return (
            f"Results of {self.suite} in {self.directory}: {len(self.records)} of {self.cells}"
            f" cells done{failed}{missing}"
        )

    def _left_out(self) -> list[str]:
        lines = [f"failed: {failure['sentence']}" for failure in self.failures]
        hidden = len(self.rows) - MOST_SHOWN
        return [*([f"... and {hidden} more rows"] if hidden > 0 else []), *lines]


def _require_pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise UsageError(WITHOUT_PANDAS) from None
    return pandas


def _flatten(row: Record) -> Iterator[tuple[str, Any]]:
    """The fields of a row, those of a table in it as NAME_FIELD."""
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}_{inner}", one) for inner, one in value.items())
        elif value is not None or not name.startswith("comparison"):
            yield name, value


def _texts(row: Record) -> Sequence[str]:
    """The cells of a row as people read them."""
    mean, low, high = row["mean"], row["low"], row["high"]
    figure = "-" if mean is None else f"{mean:.4g}"
    if low is not None and high is not None:
        figure += f" [{low:.4g}, {high:.4g}]"
    fields = ["" if row[name] is None else _whole(row[name]) for name in SHOWN]
    return [*fields, f"{figure} {row['unit']}".strip(), str(row["n"])]


def _whole(value: Any) -> str:
    return f"{value:.0f}" if isinstance(value, float) else str(value)
