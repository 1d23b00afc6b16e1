"""The chapter on the making of sets: what each takes in seconds, processor time and memory, and the
joules of making a set and of using it.

uses after which a set has paid for itself = making / (a use of all data - a use of the set)

Measured and estimated joules never enter one figure together, and every row says which they are.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any

from harness.power import ESTIMATED, MEASURED, Power
from harness.report.chapters import chapters_of_rows
from harness.report.chapters.base import COSTS, Chapter, Run
from harness.report.place import MAKING, Size, join_parts
from harness.report.results import Entry, Record, Result, group_by_entry, read_costs
from harness.report.rows import finite
from harness.report.set_sheets import list_sets
from harness.report.table import Column, MetricColumns, Section, Table, TableLayout
from harness.report.wording import estimate
from harness.statistics.bounds import POSITIVE
from harness.statistics.intervals import break_even, interval

Joules = dict[str, Any]  # {"mean", "low", "high", "n", "how"}
Row = Mapping[str, Any]


class MakingChapter(Chapter):
    """Making the sets: seconds, memory and energy."""

    @property
    def title(self) -> str:
        return "Making the sets"

    def results(self, records: Sequence[Record]) -> list[Result]:
        """Seconds, processor time and memory, and joules where a meter was read."""
        groups = group_by_entry(records)
        return [r for entry, group in groups.items() for r in read_costs(entry, group)]

    def facts(self, run: Run) -> dict[str, Any]:
        """energy: what making and using each set takes; sets: the cell of each set's first seed."""
        return {
            "energy": {**run.power.as_json(), "rows": list_energy(run)},
            "sets": list_sets(run.records),
        }

    def layouts(self, metrics: Sequence[str], rows: Sequence[Row]) -> list[TableLayout]:
        """One table of all costs."""
        columns, shown = MetricColumns(rows, self.column_titles), [m for m in COSTS if m in metrics]
        costs = [columns.value(metric) for metric in shown]
        parts = [*columns.name_and_bytes(), *costs, columns.count(shown[0])] if shown else []
        return [TableLayout("", shown, parts)] if shown else []

    def tables(self, report: Mapping[str, Any]) -> list[Table]:
        """The costs of making sets, then the energy of making and using them."""
        return super().tables(report) + tabulate_energy(report)


def list_energy(run: Run) -> list[dict[str, Any]]:
    """List the joules of making and using each set, for scenarios that say what a use is.

    Returns:
        Rows with making, use and full (a use of all data): each {"mean", "low", "high", "n", "how"}
        in joules, or None. paid_after is the number of uses; "never" where a use of the set takes
        no less; None where a figure is missing, or one was measured and another estimated.
    """
    groups = group_by_entry(run.records)
    costs = {entry: _joules_of_use(group, run.power) for entry, group in groups.items()}
    made = {_set(entry): cost for entry, cost in costs.items() if entry.scenario == MAKING}
    used = {e: cost for e, cost in costs.items() if run.chapters[e.scenario].use}
    full = {
        entry.place.of_any_augmentation: cost
        for entry, cost in used.items()
        if _is_full(entry, run)
    }
    rows = []
    for entry, use in used.items():
        is_full = _is_full(entry, run)
        if use is None or (entry.is_reference and not is_full):
            continue
        making = None if is_full else made.get(_set(entry))
        whole = None if is_full else full.get(entry.place.of_any_augmentation)
        parts = {"making": making, "use": use, "full": whole}
        grams = {
            name: run.power.grams(part["mean"]) if part else None for name, part in parts.items()
        }
        paid = _paid_after(making, use, whole)
        rows.append({**entry.as_json(), **parts, "paid_after": paid, "grams": grams})
    return rows


def _is_full(entry: Entry, run: Run) -> bool:
    return entry.is_reference and entry.condenser == run.chapters[entry.scenario].all_data_reference


def _set(entry: Entry) -> tuple[Any, ...]:
    return entry.data, entry.condenser, entry.ipc, entry.budget


def _joules_of_use(group: Sequence[Record], power: Power) -> Joules | None:
    """Joules of one use (or making), over seeds; those that were measured, where any was."""
    spent = {
        record["cell"]["seed"]: (power.joules(record), _count_uses(record)) for record in group
    }
    known = [(*joules, uses) for joules, uses in spent.values() if joules is not None and uses]
    if not known:
        return None
    how = MEASURED if any(each[1] == MEASURED for each in known) else known[0][1]
    mean = interval([joules / uses for joules, means, uses in known if means == how], POSITIVE)
    return {
        "mean": mean.mean,
        "low": finite(mean.low),
        "high": finite(mean.high),
        "n": mean.n,
        "how": how,
    }


def _count_uses(record: Record) -> int:
    """Count the networks, class orders or architectures of a cell; the making of a set is one."""
    if record["kind"] == MAKING:
        return 1
    measurements: Sequence[Mapping[str, Any]] = (record.get("outcome") or {}).get(
        "measurements", []
    )
    networks = sum(
        len(m["values"]) for m in measurements if m["metric"].startswith("test-accuracy")
    )
    return networks or len(
        {json.dumps(repeat, sort_keys=True) for m in measurements for repeat in m["repeats"]}
    )


def _paid_after(making: Joules | None, use: Joules, full: Joules | None) -> float | str | None:
    if making is None or full is None or len({making["how"], use["how"], full["how"]}) > 1:
        return None
    if not making["mean"]:
        return 0.0
    return break_even(making["mean"], full["mean"], use["mean"]) or "never"


def tabulate_energy(report: Mapping[str, Any]) -> list[Table]:
    """Make a table for each data set; none where nothing was measured and no CPU time is known."""
    energy = report["energy"]
    columns = _columns(energy["grid_intensity"] is not None)
    notes = _notes(energy, chapters_of_rows(report["rows"]))
    tables = []
    for data in dict.fromkeys(row["data"] for row in energy["rows"]):
        groups: dict[tuple[str, str, Size], list[Row]] = {}
        for row in (row for row in energy["rows"] if row["data"] == data):
            key = row["scenario"], row["variant"], Size.of(row)
            groups.setdefault(key, []).append(row)
        # a scenario stands where its last group came: references are measured after the sets
        last = {scenario: position for position, (scenario, *_) in enumerate(groups)}
        sections = [
            Section(_title(*key), [[column.text(row) for column in columns] for row in groups[key]])
            for key in sorted(groups, key=lambda key: (last[key[0]], key[1:]))
        ]
        title = (
            f"Energy on {data}: making a set, using it, and the uses after which it has paid for"
            " itself"
        )
        tables.append(Table(MAKING, title, columns, sections, notes))
    return tables


def _columns(with_grams: bool) -> list[Column]:
    grams = [
        Column("making, g CO2", _grams("making")),
        Column("one use, g CO2", _grams("use")),
    ]
    return [
        Column("set", lambda row: str(row["condenser"]), is_text=True),
        Column("making, J", _joules("making")),
        Column("one use, J", _joules("use")),
        Column("a use of all data, J", _joules("full"), drop=1),
        Column("paid for after, uses", lambda row: _format_uses(row["paid_after"])),
        *(grams if with_grams else []),
        Column("joules are", _how, is_text=True),
    ]


def _title(scenario: str, variant: str, size: Size) -> str:
    return join_parts(scenario, variant, "all data" if size.is_reference else str(size))


def _joules(name: str) -> Callable[[Row], str]:
    return lambda row: estimate(row[name], "J") if row[name] else "-"


def _grams(name: str) -> Callable[[Row], str]:
    """Two digits, wherever they begin: a small set's grams are thousandths."""
    return lambda row: "-" if row["grams"][name] is None else f"{row['grams'][name]:.2g}"


def _format_uses(uses: float | str | None) -> str:
    if uses is None:
        return "-"
    return uses if isinstance(uses, str) else f"{ceil(uses):,}"


def _how(row: Row) -> str:
    """measured or estimated, or which is which."""
    known = {name: row[name]["how"] for name in ("making", "use", "full") if row[name]}
    if len(set(known.values())) == 1:
        return str(next(iter(known.values())))
    return ", ".join(
        f"{'all data' if name == 'full' else name} {how}" for name, how in known.items()
    )


def _notes(energy: Mapping[str, Any], chapters: Mapping[str, Chapter]) -> list[str]:
    rows = energy["rows"]
    own = {
        row["scenario"]: chapters[row["scenario"]] for row in rows if row["scenario"] in chapters
    }
    uses = "; ".join(f"{name}: {chapter.use}" for name, chapter in own.items())
    full = dict.fromkeys(own[row["scenario"]].all_data_reference for row in rows if row["full"])
    notes = [
        f"A use is, in {uses}. Means over seeds with 95 % intervals; uses are computed from means."
    ]
    notes += [f"All data are those of the references {'; '.join(full)}."] if full else []
    parts = [row[name] for row in rows for name in ("making", "use", "full") if row[name]]
    if any(part["how"] == ESTIMATED for part in parts):
        notes.append(
            f"Estimated: CPU seconds times {energy['watts_per_core']:g} W a core"
            f" ({energy['source']}); no memory, no cooling."
        )
    if energy["grid_intensity"] is not None:
        notes.append(f"CO2 at {energy['grid_intensity']:g} g/kWh.")
    return notes
