"""Several runs as one: cells of the same key count once, and what would look the same without being so says its run.

Two results look the same where scenario, settings, data, set and size are equal. They are one result of more seeds where
the set's hyperparameters are equal too and no seed occurs twice; else each is told apart. Where that befalls random real
images or a reference, which others of their run are compared with, the whole scenario is told apart by run.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.report.differences import Contents
from harness.report.kinds import REAL, REFERENCE, kind_of
from harness.report.results import RANDOM, Record

Owned = tuple[str, Record]  # with the name of the run it is from
Spot = tuple[str, ...]


def together(runs: Sequence[tuple[str, Contents]]) -> Contents:
    """The suite, records and failures of all runs, given by name; of one run, what it holds."""
    if len(runs) == 1:
        return runs[0][1]
    kept: dict[str, Owned] = {}
    failures: dict[str, Mapping[str, Any]] = {}
    for name, (_, records, failed) in runs:
        for record in records:
            kept.setdefault(record["key"], (name, record))
        failures |= {failure["key"]: failure for failure in failed}
    suites = [suite for _, (suite, _, _) in runs]
    designs = [suite["design"] for suite in suites if suite.get("design")]
    suite = {
        "suite": " + ".join(dict.fromkeys(str(suite.get("suite", "run")) for suite in suites)),
        "command": "\n".join(dict.fromkeys(str(suite["command"]) for suite in suites if suite.get("command"))),
        "cells": list(dict.fromkeys(key for suite in suites for key in suite.get("cells", []))),
        "design": designs[0] if len(designs) == 1 else {},
    }
    return suite, _told_apart(list(kept.values())), [f for key, f in failures.items() if key not in kept]


def _told_apart(owned: Sequence[Owned]) -> list[Record]:
    """The records, with their run in the settings of a scenario, or in the label of a set, where it must be said."""
    mixed = _mixed(owned)
    places = {_place(record) for _, record in owned if _spot(record) in mixed and _is_compared_with(record)}
    found: list[Record] = []
    for name, record in owned:
        cell = record["cell"]
        if _place(record) in places:
            cell = {**cell, "settings": {**(cell.get("settings") or {}), "run": name}}
        elif _spot(record) in mixed:
            cell = {**cell, "label": f"{cell['label']} ({name})"}
        found.append({**record, "cell": cell})
    return found


def _mixed(owned: Sequence[Owned]) -> set[Spot]:
    """Where results of several runs stand that are not the same thing."""
    groups: dict[Spot, list[Owned]] = {}
    for each in owned:
        groups.setdefault(_spot(each[1]), []).append(each)
    return {spot for spot, group in groups.items() if len({name for name, _ in group}) > 1 and not _is_one(group)}


def _is_one(group: Sequence[Owned]) -> bool:
    """Whether records of several runs are seeds of one and the same thing."""
    made = _distinct(group, lambda record: record["cell"].get("hyperparameters"))
    seeds = [record["cell"]["seed"] for _, record in group]
    return made == 1 and len(seeds) == len(set(seeds))


def _distinct(group: Sequence[Owned], of: Callable[[Record], Any]) -> int:
    return len({json.dumps(of(record), sort_keys=True) for _, record in group})


def _is_compared_with(record: Record) -> bool:
    kind = kind_of(record["cell"])
    return record["kind"] != "condense" and (kind == REFERENCE or (kind == REAL and record["cell"]["label"] == RANDOM))


def _place(record: Record) -> Spot:
    cell = record["cell"]
    return record["kind"], str(cell.get("scenario")), cell["data"], json.dumps(cell.get("settings") or {}, sort_keys=True)


def _spot(record: Record) -> Spot:
    cell = record["cell"]
    size = cell.get("budget") or ["ipc", cell.get("ipc")]
    return *_place(record), str(cell.get("recipe")), str(cell.get("reference")), cell["label"], json.dumps(list(size))
