"""Tables of a search: what decides first, all measures after it, then the true top 20 %; and beside
its metrics, proxies against baselines of equal cost and what each entry found best.
"""

from collections.abc import Sequence
from dataclasses import replace

from harness.report.chapters.search.alignment import FOUND
from harness.report.chapters.search.rivals import (
    group_by_proxy,
    is_beaten,
    is_better,
    name_winners,
    rival_name,
    rival_names,
)
from harness.report.chapters.search.tables_by_cost import tell_together
from harness.report.place import Size, group_by_place
from harness.report.table import (
    Bundle,
    Column,
    MetricColumns,
    Row,
    Section,
    Table,
    TableLayout,
    sections_by_size,
)
from harness.report.wording import TOP, estimate, format_number, join_words, judge

TAU = "kendall-tau"
PAIRED = (
    "Differences are tau of the proxy less tau of the baseline, paired over architectures and"
    " seeds, with 95 % intervals."
)
EQUAL = (
    "A baseline with a curve is read at the proxy's cost for all architectures together: its last"
    " reading up to that cost (timings may differ by 5 %), its first where even that costs more,"
    " its end where it ends before."
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


def tabulate_rivals(rows: Sequence[Row]) -> list[Table]:
    """Make the table of the hardest baseline of each proxy, and that of all baselines.

    Args:
        rows: proxies against baselines of equal cost.
    """
    tables = []
    for place, own in group_by_place(rows).items():
        title = f"{place.heading()}: proxies against baselines of equal cost"
        notes = [*name_winners(own), *_curve_notes(own), HARDEST, PAIRED]
        hardest = [_hardest(each) for each in group_by_proxy(own)]
        sections = sections_by_size(hardest, HARDEST_COLUMNS)
        tables.append(Table(place.scenario, title, HARDEST_COLUMNS, sections, notes))
        title, notes = f"{title}, all of them", [PAIRED, EQUAL, tell_together(own)]
        tables.append(Table(place.scenario, title, ALL_COLUMNS, _all(own), notes, is_detail=True))
    return tables


def tabulate_best(rows: Sequence[Row]) -> list[Table]:
    """Make the table of the best architecture of each entry, where none were scored by all.

    Args:
        rows: what each entry found best.
    """
    return [
        Table(
            place.scenario,
            f"{place.heading()}: best found",
            FOUND_COLUMNS,
            sections_by_size(own, FOUND_COLUMNS),
            [ADAPTED],
        )
        for place, own in group_by_place(rows).items()
    ]


def tabulate_readings(rows: Sequence[Row]) -> list[Table]:
    """Make the table of Kendall's tau by accuracy and by loss at the readings of each curve.

    Args:
        rows: what ranks better of one training, in pairs by accuracy and by loss.
    """
    return [
        Table(
            place.scenario,
            f"{place.heading()}: by accuracy and by loss",
            READING_COLUMNS,
            sections_by_size(_pair_ways(own), READING_COLUMNS),
            [WAYS],
            is_detail=True,
        )
        for place, own in group_by_place(rows).items()
    ]


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
    Column("its tau", lambda row: format_number(row["against_tau"], ""), drop=2),
    Column("difference", _difference),
    Column("proxy is", lambda row: judge(row, True, ""), is_text=True),
)
ALL_COLUMNS = (
    Column("baseline", lambda row: str(row["against"]), is_text=True),
    Column("at", lambda row: str(row["at"]), is_text=True),
    Column("its tau", lambda row: format_number(row["against_tau"], "")),
    Column("tau of the proxy less its tau", _difference),
    Column("proxy is", lambda row: judge(row, True, ""), is_text=True),
)
FOUND_COLUMNS = (
    Column("set", lambda row: str(row["condenser"]), is_text=True),
    Column("seed", lambda row: str(row["seed"])),
    Column("tried", lambda row: str(row["tried"])),
    Column("best architecture", lambda row: str(row["architecture"]), is_text=True),
    Column("its score", lambda row: format_number(row["score"], row["unit"])),
    Column("truth, %", lambda row: format_number(row["truth"], "%")),
    Column("retrained, %", lambda row: format_number(row["retrained"], "%")),
)
READING_COLUMNS = (
    Column("trained on", lambda row: str(row["condenser"]), is_text=True),
    Column("steps", lambda row: str(row["steps"])),
    Column("tau by accuracy", lambda row: estimate(row["tau"], "")),
    Column("tau by loss", lambda row: estimate(row["by_loss"]["tau"], "")),
    Column("loss less accuracy", lambda row: estimate(row["by_loss"]["over-accuracy"], "")),
)


def _pair_ways(rows: Sequence[Row]) -> list[Row]:
    """Make one row of each pair, with that of the loss under `by_loss`."""
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
        for name, test in (("beats", is_beaten), ("loses", is_better))
    }
    return {**hardest, **counts}


def _all(rows: Sequence[Row]) -> list[Section]:
    sections = []
    for own in group_by_proxy(rows):
        title = (
            f"{own[0]['condenser']}, {Size.of(own[0]).heading}, tau {estimate(own[0]['tau'], '')}"
        )
        sections.append(
            Section(title, [[column.text(row) for column in ALL_COLUMNS] for row in own])
        )
    return sections


def _curve_notes(rows: Sequence[Row]) -> list[str]:
    """Which curves could not be read at equal cost, and to whose advantage that is."""
    notes = []
    for key, what in (
        ("late", "began after the proxy's cost, so the baseline is given more"),
        ("short", "ended before the proxy's cost, so the baseline is given less"),
    ):
        names = rival_names([row for row in rows if row[key]])
        notes += [f"The curve of {join_words(names)} {what}."] if names else []
    return notes


def lay_out_search(metrics: Sequence[str], usual: MetricColumns) -> list[TableLayout]:
    """Say which tables one search has.

    Args:
        metrics: the metrics that it holds.
        usual: the usual columns.
    """
    whole = [name for name in metrics if not name.endswith(TOP)]
    first = usual.name_and_bytes()
    precision, regret = (_first_of(whole, kind) for kind in ("precision", "regret"))
    shown = [name for name in (TAU, *precision, *regret) if name in metrics]
    further = [
        usual.value(name)
        for name in whole
        if name not in shown and not name.endswith(("seconds", "architectures", FOUND))
    ]
    layouts = []
    if shown:
        columns = [
            *first,
            *usual.comparison(TAU),
            *(replace(usual.value(name), drop=1) for name in precision),
            *(Column(f"{n}, points (less is better)", usual.value(n).text) for n in regret),
            Column("pays from (architectures)", _pays_from, drop=1),
            usual.count(TAU),
        ]
        layouts.append(TableLayout("", shown, columns))
    if FOUND in metrics:
        columns = [*first, *usual.comparison(FOUND), usual.count(FOUND)]
        layouts.append(TableLayout(": accuracy of what was found", [FOUND], columns))
    times = [
        usual.value(name) for name in ("condensation-seconds", "search-seconds") if name in metrics
    ]
    columns = [*first, *times, usual.count("search-seconds", "seeds")]
    detail = len(layouts) > 0
    layouts.append(TableLayout(": seconds", ["search-seconds"], columns, is_detail=detail))
    if further:
        measured = [name for name in whole if name not in (*shown, FOUND)]
        columns = [*first, *further, usual.count("spearman")]
        layouts.append(TableLayout(": further measures", measured, columns, is_detail=True))
    return layouts + _lay_out_top([name for name in metrics if name.endswith(TOP)], usual)


def _lay_out_top(metrics: Sequence[str], usual: MetricColumns) -> list[TableLayout]:
    if not metrics:
        return []
    columns = [
        *usual.name_and_bytes(),
        *(replace(usual.value(name), title=name.removesuffix(TOP)) for name in metrics),
        usual.count(metrics[0]),
    ]
    return [TableLayout(f": measures{TOP}", metrics, columns, is_detail=True)]


def _first_of(names: Sequence[str], kind: str) -> list[str]:
    """The metric of a kind at the k that leads: the first."""
    return [name for name in names if name.startswith(f"{kind}@")][:1]


def _pays_from(bundle: Bundle) -> str:
    row = bundle.get("break-even-architectures")
    if row is None:
        return "-"
    return "never" if row["mean"] is None else estimate(row, row["unit"])
