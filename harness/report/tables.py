"""Rows -> tables of text, one layout for every format: condensers side by side under their ipc,
references last.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.chapters.continual.tables import compared, ledgers
from harness.report.chapters.data_space import correlation_tables
from harness.report.chapters.design import effect_tables
from harness.report.chapters.energy import energy_tables
from harness.report.chapters.privacy import LEADER, privacy_layouts
from harness.report.chapters.search.tables import search_layouts, search_tables
from harness.report.origin import split_metric, strategies
from harness.report.table import Bundle, Layout, Row, Section, Table, layouts, leading
from harness.report.wording import DEFINITIONS, TOP, sizes


def tables(report: Mapping[str, Any]) -> list[Table]:
    """All tables of a report, by scenario in the order of its rows; what making the sets cost comes
    last.
    """
    rivals, searched = compared(report), search_tables(report)
    found = [*effect_tables(report), *(table for table in rivals if not table.is_detail)]
    for place, rows in _places(report["rows"]).items():
        bundles = _bundles(rows)
        names = list(dict.fromkeys(name for bundle in bundles for name in bundle))
        for layout in _laid(names, rows):
            shown = [
                bundle for bundle in bundles if any(metric in bundle for metric in layout.metrics)
            ]
            if not shown:
                continue
            sections, footnotes = _sections(shown, layout), _footnotes(shown, layout.metrics)
            title = f"{_heading(place)}{layout.title}"
            found.append(
                Table(place[0], title, layout.columns, sections, footnotes, layout.is_detail)
            )
    order = list(
        dict.fromkeys(row["scenario"] for row in report["rows"] if row["scenario"] != "condense")
    )
    places = {name: position for position, name in enumerate([*order, "condense"])}
    return sorted(
        [
            *found,
            *(table for table in searched if not table.is_detail),
            *correlation_tables(report["data_space"]["correlations"]),
            *(table for table in [*rivals, *searched] if table.is_detail),
            *ledgers(report),
            *energy_tables(report),
        ],
        key=lambda table: places[table.scenario],
    )


def _laid(names: Sequence[str], rows: Sequence[Row]) -> list[Layout]:
    if "search-seconds" in names:
        return search_layouts(names, rows)
    return privacy_layouts(names, rows) if LEADER in names else layouts(names, rows)


def _places(rows: Sequence[Row]) -> dict[tuple[Any, ...], list[Row]]:
    """Rows by scenario, data, variant and recipe; references stand in the table of every recipe."""
    recipes: dict[tuple[str, str, str], dict[str | None, None]] = {}
    for row in rows:
        known = recipes.setdefault((row["scenario"], row["data"], row["variant"]), {})
        if not row["reference"]:
            known[row["recipe"]] = None
    found: dict[tuple[Any, ...], list[Row]] = {}
    for place, known in recipes.items():
        for recipe in known or {None: None}:
            apart = (*place, recipe, len(known) > 1)
            found[apart] = [
                row
                for row in rows
                if (row["scenario"], row["data"], row["variant"]) == place
                and (row["reference"] or row["recipe"] == recipe)
            ]
    return found


def _heading(place: tuple[Any, ...]) -> str:
    scenario, data, variant, recipe, told_apart = place
    apart = [variant, f"augmentation {recipe or 'none'}" if told_apart else ""]
    what = f"making the sets of {data}" if scenario == "condense" else f"{scenario} on {data}"
    return ", ".join([what, *(part for part in apart if part)])


def _bundles(rows: Sequence[Row]) -> list[Bundle]:
    """The rows of each set; a reference, measured under its own name, stands beside the sets of
    every strategy.
    """
    beside = strategies(rows)
    found: dict[tuple[Any, ...], dict[str, Row]] = {}
    for row in rows:
        bundle = found.setdefault(
            (row["reference"], row["condenser"], row["budget"], row["ipc"]), {}
        )
        bundle[row["metric"]] = row
        own, name = split_metric(row["metric"])
        for strategy in beside if row["reference"] and own else []:
            bundle.setdefault(f"{strategy}/{name}", row)
    return list(found.values())


def _sections(bundles: Sequence[Bundle], layout: Layout) -> list[Section]:
    found: dict[tuple[bool, int, int], list[Bundle]] = {}
    for bundle in bundles:
        row = next(iter(bundle.values()))
        key = row["reference"], row["budget"] or 0, 0 if row["budget"] else row["ipc"] or 0
        found.setdefault(key, []).append(bundle)
    sections = []
    for key in sorted(found):
        rows = [[column.text(bundle) for column in layout.columns] for bundle in found[key]]
        sections.append(
            Section(_section_title(*key, found[key]), rows, _leading(found[key], layout.ranked_by))
        )
    return sections


def _leading(bundles: Sequence[Bundle], metric: str | None) -> list[int] | None:
    if metric is None:
        return None
    first = [next(iter(bundle.values())) for bundle in bundles]
    return leading(
        [
            (row["condenser"], row["kind"], _mean(bundle, metric))
            for row, bundle in zip(first, bundles, strict=True)
        ]
    )


def _mean(bundle: Bundle, metric: str) -> float | None:
    mean: float | None = bundle[metric]["mean"] if metric in bundle else None
    return mean


def _section_title(is_reference: bool, budget: int, ipc: int, bundles: Sequence[Bundle]) -> str:
    if is_reference:
        return "references"
    if budget:
        return f"budget {budget:,} bytes"
    held = {next(iter(bundle.values()))["bytes"] for bundle in bundles}
    size = f", {sizes(next(iter(held)))} bytes" if len(held) == 1 and None not in held else ""
    return f"ipc {ipc or '?'}{size}"


def _footnotes(bundles: Sequence[Bundle], metrics: Sequence[str]) -> list[str]:
    rows = [row for bundle in bundles for name, row in bundle.items() if name in metrics]
    made = dict.fromkeys(f"{row['interval']} over {row['over']}" for row in rows)
    found = [f"95 % intervals: {'; '.join(made)}."]
    if any(row["metric"].endswith(TOP) for row in rows):
        found.append(f"{DEFINITIONS[TOP.strip()]}")
    if any(
        row["metric"].startswith("kendall-tau") and row["reference"] and row["condenser"] == "truth"
        for row in rows
    ):
        found.append(
            "Row truth: how far two seeds of the ground truth agree, a guide to the best that a"
            " proxy can show."
        )
    beside = [row for row in rows if "equal_count_is_equal_bytes" in row]
    if beside and all(row["budget"] for row in beside):
        found.append("Each set is compared with the random real images of its budget in bytes.")
    elif beside and all(row["equal_count_is_equal_bytes"] for row in beside):
        found.append(
            "Each set takes the bytes of the random real images of its ipc: equal count is equal"
            " bytes."
        )
    return found
