"""Tables of a search beyond its metrics: proxies against baselines of equal cost, and what each
entry found best.

Which columns the tables of a search have: what decides first, all measures after it, then the true
top 20 %.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.report.chapters.search.alignment import FOUND
from harness.report.chapters.search.wording import (
    beaten,
    by_proxy,
    lost,
    rival_name,
    rival_names,
    winners,
)
from harness.report.table import (
    Bundle,
    Column,
    Layout,
    Row,
    Section,
    Table,
    compared,
    count,
    first,
    value,
)
from harness.report.wording import TOP, estimate, figure, listed, verdict

PAIRED = (
    "Differences are tau of the proxy less tau of the baseline, paired over architectures and"
    " seeds, with 95 % intervals."
)
EQUAL = (
    "A baseline with a curve is read where it has cost what the proxy costs on each architecture:"
    " the last reading up to there, the first where even that comes later; past its end, its end."
    " Condensation is spread over the architectures searched."
)
WAYS = (
    "The same trainings, their architectures ranked by validation accuracy and by validation loss;"
    " differences are paired over architectures and seeds, with 95 % intervals."
)
HARDEST = "Of each proxy's baselines the one with the highest tau is shown."
ADAPTED = (
    "Entries tried too few architectures in common for rank statistics. Test accuracy of the"
    " architecture: truth, where the truth trained it too, mean over its seeds; retrained, where"
    " the search retrained its answer on all data; - where not."
)


def search_tables(report: Mapping[str, Any]) -> list[Table]:
    """The hardest baseline of each proxy, then all of them; where there is no lineup, the best that
    each entry found.
    """
    found = []
    for place, rows in _places(report["equal_cost"]).items():
        heading = ", ".join(part for part in (f"{place[0]} on {place[1]}", place[2]) if part)
        title = f"{heading}: proxies against baselines of equal cost"
        notes = [*winners(rows), *_curve_notes(rows), HARDEST, PAIRED]
        found.append(
            Table(
                place[0],
                title,
                HARDEST_COLUMNS,
                _sections([_hardest(own) for own in by_proxy(rows)], HARDEST_COLUMNS),
                notes,
            )
        )
        found.append(
            Table(
                place[0],
                f"{title}, all of them",
                ALL_COLUMNS,
                _all(rows),
                [PAIRED, EQUAL],
                is_detail=True,
            )
        )
    for place, rows in _places(report["readings"]).items():
        heading = ", ".join(part for part in (f"{place[0]} on {place[1]}", place[2]) if part)
        title = f"{heading}: by accuracy and by loss"
        sections = _sections(_both_ways(rows), READING_COLUMNS)
        found.append(Table(place[0], title, READING_COLUMNS, sections, [WAYS], is_detail=True))
    for place, rows in _places(report["best_found"]).items():
        heading = ", ".join(part for part in (f"{place[0]} on {place[1]}", place[2]) if part)
        sections = _sections(rows, FOUND_COLUMNS)
        found.append(Table(place[0], f"{heading}: best found", FOUND_COLUMNS, sections, [ADAPTED]))
    return found


def _share(row: Row) -> str:
    ceiling, own = row["ceiling"], row["tau"]["mean"]
    return "-" if not ceiling or ceiling < 0 or own is None else f"{100 * own / ceiling:.0f} %"


def _difference(row: Row) -> str:
    return "-" if row["difference"] is None else estimate(row, "", "difference", signed=True)


HARDEST_COLUMNS = (
    Column("set", lambda row: str(row["condenser"]), is_text=True),
    Column("Kendall tau", lambda row: estimate(row["tau"], "")),
    Column("of the noise ceiling", _share, drop=3),
    Column("beats", lambda row: row["beats"]),
    Column("loses to", lambda row: row["loses"], drop=1),
    Column("hardest baseline", rival_name, is_text=True),
    Column("its tau", lambda row: figure(row["against_tau"], ""), drop=2),
    Column("difference", _difference),
    Column("proxy is", lambda row: verdict(row, True), is_text=True),
)
ALL_COLUMNS = (
    Column("baseline", lambda row: str(row["against"]), is_text=True),
    Column("at", lambda row: str(row["at"]), is_text=True),
    Column("its tau", lambda row: figure(row["against_tau"], "")),
    Column("tau of the proxy less its tau", _difference),
    Column("proxy is", lambda row: verdict(row, True), is_text=True),
)
FOUND_COLUMNS = (
    Column("set", lambda row: str(row["condenser"]), is_text=True),
    Column("seed", lambda row: str(row["seed"])),
    Column("tried", lambda row: str(row["tried"])),
    Column("best architecture", lambda row: str(row["architecture"]), is_text=True),
    Column("its score", lambda row: figure(row["score"], row["unit"])),
    Column("truth, %", lambda row: figure(row["truth"], "%")),
    Column("retrained, %", lambda row: figure(row["retrained"], "%")),
)


READING_COLUMNS = (
    Column("trained on", lambda row: str(row["condenser"]), is_text=True),
    Column("steps", lambda row: str(row["steps"])),
    Column("tau by accuracy", lambda row: estimate(row["tau"], "")),
    Column("tau by loss", lambda row: estimate(row["by_loss"]["tau"], "")),
    Column("loss less accuracy", lambda row: estimate(row["by_loss"]["over-accuracy"], "")),
)


def _both_ways(rows: Sequence[Row]) -> list[Row]:
    """A row for each reading, with that of the loss under `by_loss`; they come in pairs."""
    return [
        {**first, "by_loss": second} for first, second in zip(rows[::2], rows[1::2], strict=True)
    ]


def _hardest(rows: Sequence[Row]) -> Row:
    """The row of the baseline with the highest tau, and how many baselines the proxy beats and
    loses to.
    """
    hardest = max(rows, key=lambda row: -2.0 if row["against_tau"] is None else row["against_tau"])
    counts = {
        name: f"{sum(map(test, rows))} of {len(rows)}"
        for name, test in (("beats", beaten), ("loses", lost))
    }
    return {**hardest, **counts}


def _all(rows: Sequence[Row]) -> list[Section]:
    found = []
    for own in by_proxy(rows):
        title = f"{own[0]['condenser']}, {_size(own[0])}, tau {estimate(own[0]['tau'], '')}"
        found.append(Section(title, [[column.text(row) for column in ALL_COLUMNS] for row in own]))
    return found


def _sections(rows: Sequence[Row], columns: Sequence[Column]) -> list[Section]:
    """Rows by budget in bytes or images per class; references last."""
    found: dict[tuple[bool, int, int], list[Row]] = {}
    for row in rows:
        key = row["reference"], row["budget"] or 0, 0 if row["budget"] else row["ipc"] or 0
        found.setdefault(key, []).append(row)
    return [
        Section(
            _size(found[key][0]), [[column.text(row) for column in columns] for row in found[key]]
        )
        for key in sorted(found)
    ]


def _size(row: Row) -> str:
    if row["reference"]:
        return "references"
    return f"budget {row['budget']:,} bytes" if row["budget"] else f"ipc {row['ipc'] or '?'}"


def _curve_notes(rows: Sequence[Row]) -> list[str]:
    """Where a curve could not be read at equal cost, to whose advantage that is."""
    found = []
    for key, said in (
        ("late", "began after the proxy's cost, so the baseline is given more"),
        ("short", "ended before the proxy's cost, so the baseline is given less"),
    ):
        names = rival_names([row for row in rows if row[key]])
        found += [f"For some architectures the curve of {listed(names)} {said}."] if names else []
    return found


def _places(rows: Sequence[Row]) -> dict[tuple[str, str, str], list[Row]]:
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["scenario"], row["data"], row["variant"]), []).append(row)
    return found


TAU = "kendall-tau"


def search_layouts(names: Sequence[str], rows: Sequence[Row]) -> list[Layout]:
    """The tables of one search that holds the metrics `names`."""
    whole = [name for name in names if not name.endswith(TOP)]
    precision, regret = (_leading(whole, kind) for kind in ("precision", "regret"))
    main = [
        *first(rows),
        *compared(TAU, rows),
        *(replace(value(name), drop=1) for name in precision),
        *(Column(f"{name}, points (less is better)", value(name).text) for name in regret),
        Column("pays from (architectures)", _pays_from),
        count(TAU),
    ]
    shown = [name for name in (TAU, *precision, *regret) if name in names]
    times = [value(name) for name in ("condensation-seconds", "search-seconds") if name in names]
    further = [
        value(name)
        for name in whole
        if name not in shown and not name.endswith(("seconds", "architectures", FOUND))
    ]
    found = [Layout("", shown, main)] if shown else []
    if FOUND in names:
        found.append(
            Layout(
                ": accuracy of what was found",
                [FOUND],
                [*first(rows), *compared(FOUND, rows), count(FOUND)],
            )
        )
    found.append(
        Layout(
            ": seconds",
            ["search-seconds"],
            [*first(rows), *times, _seeds()],
            is_detail=len(found) > 0,
        )
    )
    if further:
        measured = [name for name in whole if name not in (*shown, FOUND)]
        found.append(
            Layout(
                ": further measures",
                measured,
                [*first(rows), *further, count("spearman")],
                is_detail=True,
            )
        )
    top = [name for name in names if name.endswith(TOP)]
    if top:
        columns = [
            *first(rows),
            *(replace(value(name), title=name.removesuffix(TOP)) for name in top),
            count(top[0]),
        ]
        found.append(Layout(f": measures{TOP}", top, columns, is_detail=True))
    return found


def _leading(names: Sequence[str], kind: str) -> list[str]:
    """The metric of a kind at the k that leads: the first."""
    return [name for name in names if name.startswith(f"{kind}@")][:1]


def _seeds() -> Column:
    return replace(count("search-seconds"), title="seeds")


def _pays_from(bundle: Bundle) -> str:
    row = bundle.get("break-even-architectures")
    if row is None:
        return "-"
    return "never" if row["mean"] is None else estimate(row, row["unit"])
