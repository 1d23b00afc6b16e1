"""The table of joules and grams: measured and estimated ones are told apart in every row."""

from collections.abc import Callable, Mapping
from math import ceil
from typing import Any

from harness.power import ESTIMATED
from harness.report.columns import Column
from harness.report.energy_costs import FULL, USES
from harness.report.sections import Section, Table
from harness.report.wording import estimate

Row = Mapping[str, Any]


def energy_tables(report: Mapping[str, Any]) -> list[Table]:
    """One table for each data set; none where nothing was measured and no CPU time is known."""
    energy = report["energy"]
    columns = _columns(energy["grid_intensity"] is not None)
    found = []
    for data in dict.fromkeys(row["data"] for row in energy["rows"]):
        groups: dict[tuple[str, str, bool, int, int], list[Row]] = {}
        for row in (row for row in energy["rows"] if row["data"] == data):
            size = row["budget"] or 0, 0 if row["budget"] else row["ipc"] or 0
            groups.setdefault((row["scenario"], row["variant"], row["reference"], *size), []).append(row)
        last = {scenario: place for place, (scenario, *_) in enumerate(groups)}  # references stand after the sets
        sections = [
            Section(_title(*key), [[column.text(row) for column in columns] for row in groups[key]])
            for key in sorted(groups, key=lambda key: (last[key[0]], key[1:]))
        ]
        title = f"energy on {data}: making a set, using it, and the uses after which it has paid for itself"
        found.append(Table("condense", title, columns, sections, _notes(energy)))
    return found


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
        Column("paid for after, uses", lambda row: _paid(row["paid_after"])),
        *(grams if with_grams else []),
        Column("joules are", _how, is_text=True),
    ]


def _title(scenario: str, variant: str, is_reference: bool, budget: int, ipc: int) -> str:
    size = "all data" if is_reference else f"{budget:,} bytes" if budget else f"ipc {ipc}"
    return ", ".join(part for part in (scenario, variant, size) if part)


def _joules(name: str) -> Callable[[Row], str]:
    return lambda row: estimate(row[name], "J") if row[name] else "-"


def _grams(name: str) -> Callable[[Row], str]:
    """Two digits, wherever they begin: a small set's grams are thousandths."""
    return lambda row: "-" if row["grams"][name] is None else f"{row['grams'][name]:.2g}"


def _paid(uses: float | str | None) -> str:
    if uses is None:
        return "-"
    return uses if isinstance(uses, str) else f"{ceil(uses):,}"


def _how(row: Row) -> str:
    """measured or estimated, or which is which."""
    known = {name: row[name]["how"] for name in ("making", "use", "full") if row[name]}
    if len(set(known.values())) == 1:
        return str(next(iter(known.values())))
    return ", ".join(f"{'all data' if name == 'full' else name} {how}" for name, how in known.items())


def _notes(energy: Mapping[str, Any]) -> list[str]:
    rows = energy["rows"]
    uses = "; ".join(f"{name}: {what}" for name, what in USES.items() if any(row["scenario"] == name for row in rows))
    full = "; ".join(dict.fromkeys(FULL[row["scenario"]] for row in rows if row["full"]))
    found = [f"A use is, in {uses}. Means over seeds with 95 % intervals; uses are computed from means."]
    found += [f"All data are those of the references {full}."] if full else []
    if any(row[name] and row[name]["how"] == ESTIMATED for row in rows for name in ("making", "use", "full")):
        found.append(
            f"Estimated: CPU seconds times {energy['watts_per_core']:g} W a core ({energy['source']}); no memory, no cooling."
        )
    if energy["grid_intensity"] is not None:
        found.append(f"CO2 at {energy['grid_intensity']:g} g/kWh.")
    return found
