"""The report of a run: built from its records alone, then put into one of several formats."""

from collections.abc import Mapping, Sequence
from typing import Any

from condensers.errors import UsageError, suggestion
from harness.power import Power
from harness.printable import all_visible
from harness.report import comma, html, latex, markdown
from harness.report.curves import curves, scatters
from harness.report.data_space_correlations import correlations
from harness.report.data_space_pictures import scattered, space_notes
from harness.report.data_space_tables import correlation_headlines
from harness.report.effect_tables import effect_headlines
from harness.report.effects import design_effects
from harness.report.energy_costs import energy_costs
from harness.report.galleries import made_sets
from harness.report.headlines import headlines
from harness.report.ledger import ledger
from harness.report.mask_pictures import mask_pictures
from harness.report.memories import memories
from harness.report.memory_headlines import compared_memories
from harness.report.notes import commands, environment, notes, progress
from harness.report.privacy_headlines import privacy_headlines
from harness.report.rows import as_rows, results_of
from harness.report.search_cost_curves import regret_by_cost
from harness.report.search_costs import equal_costs
from harness.report.search_found import best_found
from harness.report.search_headlines import search_headlines

FORMATS = ("json", "md", "csv", "latex", "html")


def build(
    store_suite: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    failures: Sequence[Mapping[str, Any]],
    power: Power | None = None,
) -> dict[str, Any]:
    """Compute the report of a run, as one JSON object.

    store_suite: {"suite": name, "cells": [keys in order]}, as the store has it; records and failures: those of its cells.
    power: how energy that was not measured is estimated.
    `rows` has one entry a metric of a set or reference, `cells` says how many there are, are done, failed and missing.
    """
    order = {key: position for position, key in enumerate(store_suite.get("cells", []))}
    known = sorted(records, key=lambda record: order.get(record["key"], len(order)))
    results, searches = results_of(known)
    continual, matched, spaces = memories(results), equal_costs(searches), correlations(results, searches)
    effects = design_effects(store_suite.get("design") or {}, results)
    found = [*compared_memories(continual), *search_headlines(results, matched), *privacy_headlines(results)]
    return {
        "suite": store_suite.get("suite", "run"),
        "headlines": [*found, *effect_headlines(effects), *correlation_headlines(spaces), *headlines(results)],
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
        "data_space": {"correlations": spaces, "scatters": scattered(known)},
        "best_found": best_found(searches),
        "effects": effects,
        "masks": mask_pictures(known),
        "sets": made_sets(known),
    }


def render(report: Mapping[str, Any], format: str) -> str:
    """Put a built report into json, md, csv, latex or html; UsageError for another format."""
    if format == "json":
        return comma.as_json(report)
    formats = {"md": markdown.render, "csv": comma.render, "latex": latex.render, "html": html.render}
    if format not in formats:
        raise UsageError(f"report format '{format}' is not known; {suggestion(format, FORMATS)}")
    return formats[format](all_visible(report))
