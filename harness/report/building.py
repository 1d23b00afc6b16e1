"""The report of a run: built from its records alone, then put into one of several formats."""

from collections.abc import Mapping, Sequence
from typing import Any

from condensers.errors import UsageError, suggestion
from harness.power import Power
from harness.printable import all_visible
from harness.report.chapters.continual.figures import curves, scatters
from harness.report.chapters.continual.memories import compared_memories, memories
from harness.report.chapters.continual.tables import ledger
from harness.report.chapters.data_space import (
    correlation_headlines,
    correlations,
    scattered,
    space_notes,
)
from harness.report.chapters.design import design_effects, effect_headlines
from harness.report.chapters.energy import energy_costs
from harness.report.chapters.masks import mask_pictures
from harness.report.chapters.privacy import privacy_headlines
from harness.report.chapters.search.equal_cost import equal_costs, regret_by_cost
from harness.report.chapters.search.found import best_found
from harness.report.chapters.search.readings import combine_ranks, rank_readings
from harness.report.chapters.search.wording import search_headlines
from harness.report.formats import data, html, latex, markdown
from harness.report.headlines import headlines
from harness.report.notes import commands, environment, notes, progress
from harness.report.rows import as_rows, results_of
from harness.report.set_sheets import made_sets

FORMATS = ("json", "md", "csv", "latex", "html")


def build(
    store_suite: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    failures: Sequence[Mapping[str, Any]],
    power: Power | None = None,
) -> dict[str, Any]:
    """Compute the report of a run, as one JSON object.

    store_suite: {"suite": name, "cells": [keys in order]}, as the store has it; records and
        failures: those of its cells.
    power: how energy that was not measured is estimated.
    `rows` has one entry a metric of a set or reference, `cells` says how many there are, are done,
    failed and missing.
    """
    order = {key: position for position, key in enumerate(store_suite.get("cells", []))}
    known = sorted(records, key=lambda record: order.get(record["key"], len(order)))
    results, searches = results_of(known)
    continual, matched, spaces = (
        memories(results),
        equal_costs(searches),
        correlations(results, searches),
    )
    effects = design_effects(store_suite.get("design") or {}, results)
    found = [
        *compared_memories(continual),
        *search_headlines(results, matched),
        *privacy_headlines(results),
    ]
    return {
        "suite": store_suite.get("suite", "run"),
        "headlines": [
            *found,
            *effect_headlines(effects),
            *correlation_headlines(spaces),
            *headlines(results),
        ],
        "rows": as_rows(results),
        "continual": continual,
        "failures": [dict(failure) for failure in failures],
        "cells": progress(store_suite, known, failures),
        "notes": notes(known, results, searches) + space_notes(known),
        "environment": environment(known),
        "commands": commands(store_suite, known),
        "ledger": ledger(known),
        "energy": energy_costs(known, power or Power()),
        "curves": curves(known),
        "scatters": scatters(searches),
        "equal_cost": matched,
        "regret_by_cost": regret_by_cost(searches),
        "readings": rank_readings(searches),
        "combined_ranks": combine_ranks(searches),
        "data_space": {"correlations": spaces, "scatters": scattered(known)},
        "best_found": best_found(searches),
        "effects": effects,
        "masks": mask_pictures(known),
        "sets": made_sets(known),
    }


def render(report: Mapping[str, Any], format: str) -> str:
    """Put a built report into json, md, csv, latex or html; UsageError for another format."""
    if format == "json":
        return data.as_json(report)
    formats = {
        "md": markdown.render,
        "csv": data.render,
        "latex": latex.render,
        "html": html.render,
    }
    if format not in formats:
        raise UsageError(f"report format '{format}' is not known; {suggestion(format, FORMATS)}")
    return formats[format](all_visible(report))
