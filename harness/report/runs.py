"""Several runs as one, and the differences of two runs.

Cells of one key count once. Two results look alike where scenario, settings, data, set and size are
equal. They are one result of more seeds where the set's hyperparameters are equal too and no seed
occurs twice; else each is given the name of its run. Where they are random real images or a
reference, which others of their run are compared with, the whole scenario is split by run.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from condensers.errors import UsageError
from harness.report.chapters import read_run
from harness.report.chapters.reproduction import compare_values
from harness.report.notes import environment
from harness.report.place import MAKING
from harness.report.results import (
    RANDOM,
    REAL,
    REFERENCE,
    Entry,
    Record,
    Result,
    origin_of,
)
from harness.report.rows import as_comparison, finite
from harness.report.wording import join_some

Contents = tuple[Mapping[str, Any], Sequence[Record], Sequence[Mapping[str, Any]]]
Facts = dict[str, dict[str, Any]]


def compare_runs(a: Contents, b: Contents) -> dict[str, Any]:
    """Compare two runs: what was changed, and what that did to the figures.

    Args:
        a: suite, records and failures of the first run.
        b: those of the second.

    Returns:
        One JSON object. "configuration", "environment" and "code" list {"what", "name", "a", "b"}
        of all that differs; "code" is of the modules behind what both runs have, by their digests.
        "figures" lists every metric of every set that either run has, and B less A with its
        interval where they share seeds. "reproduction" says whether B has the values of A.
    """
    old, new = read_run(a[0], a[1]).results, read_run(b[0], b[1]).results
    return {
        "configuration": _list_changes(_collect_facts(a[0], a[1]), _collect_facts(b[0], b[1])),
        "environment": _list_changes(
            {"environment": environment(a[1])}, {"environment": environment(b[1])}
        ),
        "code": _list_code(a[1], b[1]),
        "figures": _figures(old, new),
        "reproduction": compare_values(old, new),
    }


def _collect_facts(suite: Mapping[str, Any], records: Sequence[Record]) -> Facts:
    """The configuration of the finished cells: "set dm" -> "iterations" -> its value, or the list
    of its values.
    """
    values: dict[str, dict[str, list[Any]]] = {"suite": {}}
    for record in records:
        cell = record["cell"]
        kind = "reference" if cell.get("reference") else "set"
        what = f"{kind} {cell.get('reference') or cell['label']}"
        _note(values, "suite", {"data": cell["data"], "seeds": cell["seed"]})
        _note(
            values, what, {**dict(_flatten(cell.get("hyperparameters") or {})), **_asked_size(cell)}
        )
        if cell.get("scenario"):
            _note(
                values, f"scenario {cell['scenario']}", dict(_flatten(cell.get("settings") or {}))
            )
    facts = {
        what: {name: _single(each) for name, each in of.items()} for what, of in values.items()
    }
    facts["suite"] |= {
        "name": suite.get("suite"),
        "command": suite.get("command"),
        "cells": len(suite.get("cells", [])),
    }
    return facts


def _list_code(a: Sequence[Record], b: Sequence[Record]) -> list[dict[str, Any]]:
    """Modules whose code differs behind what both runs have: a line each, with what it is
    behind.
    """
    old, new = _collect_sources(a), _collect_sources(b)
    changes: dict[str, dict[str, Any]] = {}
    for what in (what for what in old if what in new):
        for module in dict.fromkeys([*old[what], *new[what]]):
            sides = {"a": old[what].get(module), "b": new[what].get(module)}
            if sides["a"] != sides["b"]:
                changes.setdefault(module, {"what": [], "name": module, **sides})["what"].append(
                    what
                )
    return [{**row, "what": join_some(row["what"])} for row in changes.values()]


def _collect_sources(records: Sequence[Record]) -> Facts:
    """ "accuracy: dm" -> module -> its digest, or the list of all."""
    values: dict[str, dict[str, list[Any]]] = {}
    for record in records:
        cell = record["cell"]
        what = f"{cell.get('scenario') or MAKING}: {cell.get('reference') or cell['label']}"
        _note(values, what, (record.get("keyed_by") or {}).get("sources") or {})
    return {what: {name: _single(each) for name, each in of.items()} for what, of in values.items()}


def _note(values: dict[str, dict[str, list[Any]]], what: str, facts: Mapping[str, Any]) -> None:
    known = values.setdefault(what, {})
    for name, value in facts.items():
        if value not in known.setdefault(name, []):
            known[name].append(value)


def _asked_size(cell: Mapping[str, Any]) -> dict[str, Any]:
    budget = cell.get("budget") or (("ipc", cell["ipc"]) if cell.get("ipc") else None)
    return {budget[0]: budget[1]} if budget else {}


def _flatten(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Values of nested tables by dotted names, as `--set` takes them."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _single(values: Sequence[Any]) -> Any:
    return (
        values[0]
        if len(values) == 1
        else sorted(values, key=lambda value: (str(type(value)), value))
    )


def _list_changes(a: Facts, b: Facts) -> list[dict[str, Any]]:
    """What only one run has is one line; of what both have, each value that differs."""
    changes = []
    for what in dict.fromkeys([*a, *b]):
        if what not in a or what not in b:
            changes.append({"what": what, "name": None, "a": what in a, "b": what in b})
            continue
        for name in dict.fromkeys([*a[what], *b[what]]):
            old, new = a[what].get(name), b[what].get(name)
            if old != new:
                changes.append({"what": what, "name": name, "a": old, "b": new})
    return changes


def _figures(a: Sequence[Result], b: Sequence[Result]) -> list[dict[str, Any]]:
    old, new = ({(r.entry, r.metric): r for r in results} for results in (a, b))
    return [
        _figure(entry, old.get((entry, metric)), new.get((entry, metric)))
        for entry, metric in {**old, **new}
    ]


def _figure(entry: Entry, a: Result | None, b: Result | None) -> dict[str, Any]:
    """Rank statistics are paired where both runs ranked the same architectures."""
    known = a or b
    assert known is not None
    difference = None if a is None or b is None else b.minus(a)
    return {
        **entry.as_json(),
        "metric": known.metric,
        "unit": known.unit,
        "higher_is_better": known.higher_is_better,
        "a": _estimate(a),
        "b": _estimate(b),
        "comparison": (
            None if difference is None else {**as_comparison(difference, "A"), "n": difference.n}
        ),
    }


def _estimate(result: Result | None) -> dict[str, Any] | None:
    if result is None:
        return None
    interval = result.interval
    return {
        "mean": finite(interval.mean),
        "low": finite(interval.low),
        "high": finite(interval.high),
        "n": interval.n,
    }


Owned = tuple[str, Record]  # the name of its run, and a record
Identity = tuple[str, ...]


def merge_runs(runs: Sequence[tuple[str, Contents]]) -> Contents:
    """Merge the suite, records and failures of runs, given by name; one run is returned as it is.

    Cells of one key count once. Sets and scenarios of equal names that are not the same get the
    name of their run.
    """
    if len(runs) == 1:
        return runs[0][1]
    _require_no_mix(runs)
    first: dict[str, Owned] = {}
    failures: dict[str, Mapping[str, Any]] = {}
    for name, (_, records, failed) in runs:
        for record in records:
            first.setdefault(record["key"], (name, record))
        failures |= {failure["key"]: failure for failure in failed}
    suites = [suite for _, (suite, _, _) in runs]
    designs = [suite["design"] for suite in suites if suite.get("design")]
    suite = {
        "suite": " + ".join(dict.fromkeys(str(suite.get("suite", "run")) for suite in suites)),
        "command": "\n".join(
            dict.fromkeys(str(suite["command"]) for suite in suites if suite.get("command"))
        ),
        "date": ", ".join(sorted({suite["date"] for suite in suites if suite.get("date")})),
        "cells": list(dict.fromkeys(key for suite in suites for key in suite.get("cells", []))),
        "design": designs[0] if len(designs) == 1 else {},
        "stopped_runs": [name for name, (suite, _, _) in runs if suite.get("until")],
    }
    return (
        suite,
        _name_runs(list(first.values())),
        [f for key, f in failures.items() if key not in first],
    )


def _require_no_mix(runs: Sequence[tuple[str, Contents]]) -> None:
    """UsageError where some of the runs are trials: their figures are no seeds of the others'."""
    limits = {name: suite.get("limit") for name, (suite, _, _) in runs}
    if len(set(limits.values())) > 1:
        name, limit = next((name, limit) for name, limit in limits.items() if limit is not None)
        raise UsageError(
            f"{name}: is a trial (--limit {limit}), and the runs beside it are not the same trial;"
            " report it alone"
        )


def _name_runs(owned: Sequence[Owned]) -> list[Record]:
    """The records, with the name of their run in the settings of a scenario, or in the label of a
    set, where it is needed.
    """
    mixed = _find_mixed(owned)
    places = {
        _scenario_of(record)
        for _, record in owned
        if _identity(record) in mixed and _is_compared_with(record)
    }
    renamed: list[Record] = []
    for name, record in owned:
        cell = record["cell"]
        if _scenario_of(record) in places:
            cell = {**cell, "settings": {**(cell.get("settings") or {}), "run": name}}
        elif _identity(record) in mixed:
            cell = {**cell, "label": f"{cell['label']} ({name})"}
        renamed.append({**record, "cell": cell})
    return renamed


def _find_mixed(owned: Sequence[Owned]) -> set[Identity]:
    """Identities under which several runs have results that are not the same."""
    groups: dict[Identity, list[Owned]] = {}
    for each in owned:
        groups.setdefault(_identity(each[1]), []).append(each)
    return {
        identity
        for identity, group in groups.items()
        if len({name for name, _ in group}) > 1 and not _is_one(group)
    }


def _is_one(group: Sequence[Owned]) -> bool:
    """Whether records of several runs are seeds of one and the same thing."""
    count = _count_distinct(group, lambda record: record["cell"].get("hyperparameters"))
    seeds = [record["cell"]["seed"] for _, record in group]
    return count == 1 and len(seeds) == len(set(seeds))


def _count_distinct(group: Sequence[Owned], of: Callable[[Record], Any]) -> int:
    return len({json.dumps(of(record), sort_keys=True) for _, record in group})


def _is_compared_with(record: Record) -> bool:
    origin = origin_of(record["cell"])
    return record["kind"] != MAKING and (
        origin == REFERENCE or (origin == REAL and record["cell"]["label"] == RANDOM)
    )


def _scenario_of(record: Record) -> Identity:
    cell = record["cell"]
    return (
        record["kind"],
        str(cell.get("scenario")),
        cell["data"],
        json.dumps(cell.get("settings") or {}, sort_keys=True),
    )


def _identity(record: Record) -> Identity:
    cell = record["cell"]
    size = cell.get("budget") or ["ipc", cell.get("ipc")]
    return (
        *_scenario_of(record),
        str(cell.get("recipe")),
        str(cell.get("reference")),
        cell["label"],
        json.dumps(list(size)),
    )
