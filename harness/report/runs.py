"""Several runs as one: cells of the same key count once, and what would look the same without being
so says its run.

Two results look the same where scenario, settings, data, set and size are equal. They are one
result of more seeds where the set's hyperparameters are equal too and no seed occurs twice; else
each is told apart. Where that befalls random real images or a reference, which others of their run
are compared with, the whole scenario is told apart by run.

What changed from one run to another: configuration, environment, and figures, paired over the seeds
that both have.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from harness.report.notes import environment
from harness.report.origin import REAL, REFERENCE, kind_of
from harness.report.results import RANDOM, Entry, Record, Result
from harness.report.rows import Searches, comparison, number, results_of
from harness.report.wording import some

Contents = tuple[Mapping[str, Any], Sequence[Record], Sequence[Mapping[str, Any]]]
Facts = dict[str, dict[str, Any]]


def differences(a: Contents, b: Contents) -> dict[str, Any]:
    """One JSON object. configuration, environment, code: {"what", "name", "a", "b"} of all that
    differs.

    code: the modules behind what both runs have, by their digests.

    figures: every metric of every set that either run has, and B less A with its interval where
    they share seeds.
    """
    return {
        "configuration": _changed(_facts(a[0], a[1]), _facts(b[0], b[1])),
        "environment": _changed(
            {"environment": environment(a[1])}, {"environment": environment(b[1])}
        ),
        "code": _code(a[1], b[1]),
        "figures": _figures(results_of(a[1]), results_of(b[1])),
    }


def _facts(suite: Mapping[str, Any], records: Sequence[Record]) -> Facts:
    """What was asked for, as the finished cells tell it: "set dm" -> "iterations" -> its value, or
    the list of its values.
    """
    values: dict[str, dict[str, list[Any]]] = {"suite": {}}
    for record in records:
        cell = record["cell"]
        kind = "reference" if cell.get("reference") else "set"
        what = f"{kind} {cell.get('reference') or cell['label']}"
        _note(values, "suite", {"data": cell["data"], "seeds": cell["seed"]})
        _note(values, what, {**dict(_flat(cell.get("hyperparameters") or {})), **_size(cell)})
        if cell.get("scenario"):
            _note(values, f"scenario {cell['scenario']}", dict(_flat(cell.get("settings") or {})))
    found = {
        what: {name: _single(each) for name, each in of.items()} for what, of in values.items()
    }
    found["suite"] |= {
        "name": suite.get("suite"),
        "command": suite.get("command"),
        "cells": len(suite.get("cells", [])),
    }
    return found


def _code(a: Sequence[Record], b: Sequence[Record]) -> list[dict[str, Any]]:
    """Modules whose code differs behind what both runs have: a line each, with what it is
    behind.
    """
    old, new = _sources(a), _sources(b)
    found: dict[str, dict[str, Any]] = {}
    for what in (what for what in old if what in new):
        for module in dict.fromkeys([*old[what], *new[what]]):
            sides = {"a": old[what].get(module), "b": new[what].get(module)}
            if sides["a"] != sides["b"]:
                found.setdefault(module, {"what": [], "name": module, **sides})["what"].append(what)
    return [{**row, "what": some(row["what"])} for row in found.values()]


def _sources(records: Sequence[Record]) -> Facts:
    """ "accuracy: dm" -> module -> its digest, or the list of all."""
    values: dict[str, dict[str, list[Any]]] = {}
    for record in records:
        cell = record["cell"]
        what = f"{cell.get('scenario') or 'condense'}: {cell.get('reference') or cell['label']}"
        _note(values, what, (record.get("keyed_by") or {}).get("sources") or {})
    return {what: {name: _single(each) for name, each in of.items()} for what, of in values.items()}


def _note(values: dict[str, dict[str, list[Any]]], what: str, facts: Mapping[str, Any]) -> None:
    own = values.setdefault(what, {})
    for name, value in facts.items():
        if value not in own.setdefault(name, []):
            own[name].append(value)


def _size(cell: Mapping[str, Any]) -> dict[str, Any]:
    budget = cell.get("budget") or (("ipc", cell["ipc"]) if cell.get("ipc") else None)
    return {budget[0]: budget[1]} if budget else {}


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Values of nested tables by dotted names, as `--set` takes them."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _single(values: Sequence[Any]) -> Any:
    return (
        values[0]
        if len(values) == 1
        else sorted(values, key=lambda value: (str(type(value)), value))
    )


def _changed(a: Facts, b: Facts) -> list[dict[str, Any]]:
    """What only one run has is one line; of what both have, each value that differs."""
    found = []
    for what in dict.fromkeys([*a, *b]):
        if what not in a or what not in b:
            found.append({"what": what, "name": None, "a": what in a, "b": what in b})
            continue
        for name in dict.fromkeys([*a[what], *b[what]]):
            old, new = a[what].get(name), b[what].get(name)
            if old != new:
                found.append({"what": what, "name": name, "a": old, "b": new})
    return found


def _figures(
    a: tuple[Sequence[Result], Searches], b: tuple[Sequence[Result], Searches]
) -> list[dict[str, Any]]:
    old, new = ({(r.entry, r.metric): r for r in results} for results, _ in (a, b))
    same = {place for place in a[1] if place in b[1] and _same_architectures(a[1], b[1], place)}
    return [
        _figure(entry, old.get((entry, metric)), new.get((entry, metric)), same)
        for entry, metric in {**old, **new}
    ]


def _same_architectures(a: Searches, b: Searches, place: tuple[str, str, str]) -> bool:
    """Rank statistics are paired over resampled architectures and seeds of the truth, so these must
    be the same.
    """
    one, other = a[place].lineup, b[place].lineup
    if one is None or other is None:
        return False
    return one.ids == other.ids and one.truth.test.shape == other.truth.test.shape


def _figure(
    entry: Entry, a: Result | None, b: Result | None, same: set[tuple[str, str, str]]
) -> dict[str, Any]:
    known = a or b
    assert known is not None
    difference = None
    if (
        a is not None
        and b is not None
        and (a.draws is None or (entry.scenario, entry.data, entry.variant) in same)
    ):
        difference = b.minus(a)
    return {
        **entry.named(),
        "metric": known.metric,
        "unit": known.unit,
        "higher_is_better": known.higher_is_better,
        "a": _estimate(a),
        "b": _estimate(b),
        "comparison": (
            None if difference is None else {**comparison(difference, "A"), "n": difference.n}
        ),
    }


def _estimate(result: Result | None) -> dict[str, Any] | None:
    if result is None:
        return None
    found = result.interval
    return {
        "mean": number(found.mean),
        "low": number(found.low),
        "high": number(found.high),
        "n": found.n,
    }


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
        "command": "\n".join(
            dict.fromkeys(str(suite["command"]) for suite in suites if suite.get("command"))
        ),
        "cells": list(dict.fromkeys(key for suite in suites for key in suite.get("cells", []))),
        "design": designs[0] if len(designs) == 1 else {},
    }
    return (
        suite,
        _told_apart(list(kept.values())),
        [f for key, f in failures.items() if key not in kept],
    )


def _told_apart(owned: Sequence[Owned]) -> list[Record]:
    """The records, with their run in the settings of a scenario, or in the label of a set, where it
    must be said.
    """
    mixed = _mixed(owned)
    places = {
        _place(record)
        for _, record in owned
        if _spot(record) in mixed and _is_compared_with(record)
    }
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
    return {
        spot
        for spot, group in groups.items()
        if len({name for name, _ in group}) > 1 and not _is_one(group)
    }


def _is_one(group: Sequence[Owned]) -> bool:
    """Whether records of several runs are seeds of one and the same thing."""
    made = _distinct(group, lambda record: record["cell"].get("hyperparameters"))
    seeds = [record["cell"]["seed"] for _, record in group]
    return made == 1 and len(seeds) == len(set(seeds))


def _distinct(group: Sequence[Owned], of: Callable[[Record], Any]) -> int:
    return len({json.dumps(of(record), sort_keys=True) for _, record in group})


def _is_compared_with(record: Record) -> bool:
    kind = kind_of(record["cell"])
    return record["kind"] != "condense" and (
        kind == REFERENCE or (kind == REAL and record["cell"]["label"] == RANDOM)
    )


def _place(record: Record) -> Spot:
    cell = record["cell"]
    return (
        record["kind"],
        str(cell.get("scenario")),
        cell["data"],
        json.dumps(cell.get("settings") or {}, sort_keys=True),
    )


def _spot(record: Record) -> Spot:
    cell = record["cell"]
    size = cell.get("budget") or ["ipc", cell.get("ipc")]
    return (
        *_place(record),
        str(cell.get("recipe")),
        str(cell.get("reference")),
        cell["label"],
        json.dumps(list(size)),
    )
