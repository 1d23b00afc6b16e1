"""Which columns the tables of a search have: what decides first, all measures after it, then the true top 20 %."""

from collections.abc import Sequence
from dataclasses import replace

from harness.report.columns import Bundle, Column, Layout, Row, compared, count, first, value
from harness.report.definitions import TOP
from harness.report.search_lineup import FOUND
from harness.report.wording import estimate

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
    further = [value(name) for name in whole if name not in shown and not name.endswith(("seconds", "architectures", FOUND))]
    found = [Layout("", shown, main)] if shown else []
    if FOUND in names:
        found.append(Layout(": accuracy of what was found", [FOUND], [*first(rows), *compared(FOUND, rows), count(FOUND)]))
    found.append(Layout(": seconds", ["search-seconds"], [*first(rows), *times, _seeds()], is_detail=len(found) > 0))
    if further:
        measured = [name for name in whole if name not in (*shown, FOUND)]
        found.append(Layout(": further measures", measured, [*first(rows), *further, count("spearman")], is_detail=True))
    top = [name for name in names if name.endswith(TOP)]
    if top:
        columns = [*first(rows), *(replace(value(name), title=name.removesuffix(TOP)) for name in top), count(top[0])]
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
