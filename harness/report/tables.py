"""Rows -> tables of text, one layout for every format: condensers side by side under their ipc, references last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.report.columns import Bundle, Column, Row, layouts
from harness.report.wording import sizes


@dataclass(frozen=True)
class Section:
    title: str
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Table:
    """is_detail: further metrics, for formats with room."""

    scenario: str
    title: str
    columns: Sequence[Column]
    sections: Sequence[Section]
    footnotes: Sequence[str] = field(default_factory=tuple)
    is_detail: bool = False


def tables(report: Mapping[str, Any]) -> list[Table]:
    """All tables of a report, in the order of its rows; what making the sets cost comes last."""
    found = []
    for place, rows in _places(report["rows"]).items():
        bundles = _bundles(rows)
        names = list(dict.fromkeys(name for bundle in bundles for name in bundle))
        for layout in layouts(names, rows):
            shown = [bundle for bundle in bundles if any(metric in bundle for metric in layout.metrics)]
            if not shown:
                continue
            sections, footnotes = _sections(shown, layout.columns), _footnotes(shown, layout.metrics)
            title = f"{_heading(place)}{layout.title}"
            found.append(Table(place[0], title, layout.columns, sections, footnotes, layout.is_detail))
    return sorted(found, key=lambda table: table.scenario == "condense")


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
                if (row["scenario"], row["data"], row["variant"]) == place and (row["reference"] or row["recipe"] == recipe)
            ]
    return found


def _heading(place: tuple[Any, ...]) -> str:
    scenario, data, variant, recipe, told_apart = place
    apart = [variant, f"augmentation {recipe or 'none'}" if told_apart else ""]
    what = f"making the sets of {data}" if scenario == "condense" else f"{scenario} on {data}"
    return ", ".join([what, *(part for part in apart if part)])


def _bundles(rows: Sequence[Row]) -> list[Bundle]:
    found: dict[tuple[Any, ...], dict[str, Row]] = {}
    for row in rows:
        found.setdefault((row["reference"], row["condenser"], row["ipc"]), {})[row["metric"]] = row
    return list(found.values())


def _sections(bundles: Sequence[Bundle], columns: Sequence[Column]) -> list[Section]:
    found: dict[tuple[bool, int], list[Bundle]] = {}
    for bundle in bundles:
        row = next(iter(bundle.values()))
        found.setdefault((row["reference"], row["ipc"] or 0), []).append(bundle)
    return [
        Section(_section_title(*key, found[key]), [[column.text(bundle) for column in columns] for bundle in found[key]])
        for key in sorted(found)
    ]


def _section_title(is_reference: bool, ipc: int, bundles: Sequence[Bundle]) -> str:
    if is_reference:
        return "references"
    held = {next(iter(bundle.values()))["bytes"] for bundle in bundles}
    size = f", {sizes(next(iter(held)))} bytes" if len(held) == 1 and None not in held else ""
    return f"ipc {ipc or '?'}{size}"


def _footnotes(bundles: Sequence[Bundle], metrics: Sequence[str]) -> list[str]:
    rows = [row for bundle in bundles for name, row in bundle.items() if name in metrics]
    made = dict.fromkeys(f"{row['interval']} over {row['over']}" for row in rows)
    found = [f"95 % intervals: {'; '.join(made)}."]
    if any(row["metric"] == "kendall-tau" and row["condenser"] == "truth" for row in rows):
        found.append("Row truth: how far two seeds of the ground truth agree, a guide to the best that a proxy can show.")
    compared = [row for row in rows if "equal_count_is_equal_bytes" in row]
    if compared and all(row["equal_count_is_equal_bytes"] for row in compared):
        found.append("Each set takes the bytes of the random real images of its ipc: equal count is equal bytes.")
    return found
