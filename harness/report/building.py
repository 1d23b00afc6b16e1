"""The report of a run: built from its records alone, then put into one of several formats."""

from collections.abc import Mapping, Sequence
from typing import Any

from condensers.errors import UsageError, suggestion
from harness.power import Power
from harness.printable import all_visible
from harness.report.chapters import read_run
from harness.report.formats import data, html, latex, markdown
from harness.report.headlines import answer_questions
from harness.report.notes import commands, environment, progress, write_notes
from harness.report.overview.summary import summarise_sets
from harness.report.rows import as_rows

FORMATS = ("json", "md", "csv", "latex", "html")


def build(
    store_suite: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    failures: Sequence[Mapping[str, Any]],
    power: Power | None = None,
) -> dict[str, Any]:
    """Compute the report of a run, as one JSON object.

    Args:
        store_suite: {"suite": name, "cells": [keys in order]}, as the store has it.
        records: the records of its cells.
        failures: those of its cells that failed.
        power: how energy that was not measured is estimated.

    Returns:
        The report. "rows" has one entry a metric of a set or reference; "cells" says how many there
        are, are done, failed and missing; chapters add keys of their own.

    Raises:
        UsageError: a chapter cannot be loaded, or gives a key that others have.
    """
    order = {key: position for position, key in enumerate(store_suite.get("cells", []))}
    known = sorted(records, key=lambda record: order.get(record["key"], len(order)))
    run = read_run(store_suite, known, power)
    facts: dict[str, Any] = {}
    headlines: list[dict[str, str]] = []
    verdicts: list[dict[str, Any]] = []
    for chapter in run.chapters.values():
        own = chapter.facts(run)
        facts = join_facts(facts, own)
        headlines += [{"scenario": chapter.scenario, **h} for h in chapter.headlines(run, own)]
        verdicts += [verdict.as_json() for verdict in chapter.verdicts(run, own)]
    report = {
        "suite": store_suite.get("suite", "run"),
        "date": store_suite.get("date", ""),
        "verdicts": verdicts,
        "summary": summarise_sets(run),
        "headlines": headlines + answer_questions(run),
        "rows": as_rows(run.results),
        "failures": [dict(failure) for failure in failures],
        "cells": progress(store_suite, known, failures),
        "notes": write_notes(run),
        "environment": environment(known),
        "commands": commands(store_suite, known),
    }
    for key in report.keys() & facts.keys():
        raise UsageError(f"a report chapter gives '{key}', which every report has; rename it")
    return {**facts, **report}


def join_facts(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Join what two chapters add to the report: lists of one key one after the other, mappings key
    by key.

    Raises:
        UsageError: both have a key whose values cannot be joined.
    """
    joined = dict(first)
    for key, value in second.items():
        known = joined.get(key)
        if isinstance(known, list) and isinstance(value, list):
            joined[key] = known + value
        elif isinstance(known, Mapping) and isinstance(value, Mapping):
            joined[key] = join_facts(known, value)
        elif key in joined:
            raise UsageError(f"two report chapters give '{key}' of the report different values")
        else:
            joined[key] = value
    return joined


def render(report: Mapping[str, Any], format: str) -> str:
    """Put a built report into a format.

    Args:
        report: what `build` returned.
        format: json, md, csv, latex or html.

    Raises:
        UsageError: the format is not known.
    """
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
