"""Files of a run, suites and overrides of the wrong shape, checksums right: each is refused with
the place and what was found.
"""

import copy
import fcntl
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from condensers.engine.files import write_sealed
from condensers.errors import Damaged, UsageError, brief, shown, visible
from condensers.plain import oddities, parse_json
from harness.report.formats.data import as_json
from harness.store.store import FORMAT, Store
from harness.suite import definition
from harness.suite.overrides import apply_override

CELL = {
    "scenario": "accuracy",
    "settings": {"epochs": 2},
    "data": "digits",
    "condenser": "dm",
    "label": "dm",
    "ipc": 1,
    "seed": 0,
}
RECORD = {
    "format": FORMAT,
    "key": "a1",
    "kind": "scenario",
    "cell": CELL,
    "bytes": 650,
    "condensation": {"seconds": 1.5, "cpu_seconds": 1.4, "joules": "not measured"},
    "outcome": {
        "measurements": [
            {
                "metric": "test-accuracy",
                "values": [81.0, 82.0],
                "repeats": [{"network": 0}, {"network": 1}],
                "unit": "%",
            }
        ],
        "costs": {"seconds": 2.0, "images": 100, "joules": "not measured"},
        "detail": {
            "R": {"replay": {"0": [[90.0, 0.0], [50.0, 80.0]]}},
            "architectures": [{"id": "a", "seconds": 1.0}],
        },
    },
    "environment": {"torch": "2.6"},
    "command": "harness run s.toml",
    "seconds": 3.0,
    "origin": "learned",
}
SUITE = {
    "suite": "s",
    "about": "",
    "command": "harness run s.toml",
    "cells": ["a1"],
    "design": {"factors": {}, "runs": {}},
}


def changed(value: dict[str, Any], path: str, new: Any) -> dict[str, Any]:
    """A copy with `new` at the dotted path; a number is a place in a list."""
    found = copy.deepcopy(value)
    *parents, last = path.split(".")
    place: Any = found
    for step in parents:
        place = place[int(step) if isinstance(place, list) else step]
    place[int(last) if isinstance(place, list) else last] = new
    return found


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    store.describe(SUITE)
    write_sealed(store.folder("a1") / "record.json", RECORD)
    return store


def test_what_is_right_passes_with_keys_that_no_one_knows(store: Store) -> None:
    assert store.contents()[1] == [RECORD]
    for new in ({"network": "x"}, {}, {"0": None}):
        write_sealed(store.folder("a1") / "record.json", changed(RECORD, "outcome.detail.R", new))
    with pytest.raises(Damaged, match=r"outcome.detail.R.network: expected a table, found 'x'"):
        write_sealed(
            store.folder("a1") / "record.json",
            changed(RECORD, "outcome.detail.R", {"network": "x"}),
        )
        store.record("a1")


@pytest.mark.parametrize(
    ("path", "new", "sentence"),
    [
        (
            "kind",
            "set",
            r"kind: expected one of 'condense', 'shard', 'scenario' or 'truth', found 'set'",
        ),
        ("cell", [], "cell: expected a table, found an empty list"),
        ("cell.seed", True, "cell.seed: expected a whole number, found true"),
        ("cell.label", "", "cell.label: expected a text that is not empty, found ''"),
        (
            "cell.scenario",
            None,
            "cell.scenario: is missing, which a record of the kind 'scenario' has",
        ),
        ("cell.budget", ["ipc", "1"], r'cell.budget: expected \["ipc", N\] or \["bytes", N\]'),
        (
            "cell.settings",
            {"precision": []},
            "cell.settings.precision: expected a text, found an empty list",
        ),
        ("bytes", -1, "bytes: expected at least 0, found -1"),
        ("bytes", 10**400, "bytes: a number of many digits is beyond the whole numbers of 64 bits"),
        ("seconds", float("inf"), "seconds: expected a finite number, found inf"),
        ("command", "\ud800", r"command: '\\ud800' is not valid Unicode"),
        ("outcome", None, "outcome: is missing, which a record of the kind 'scenario' has"),
        (
            "outcome.measurements.0.values.1",
            "82",
            r"outcome.measurements\[0\].values\[1\]: expected a number, found '82'",
        ),
        (
            "outcome.measurements.0.values",
            [1.0],
            r"outcome.measurements\[0\]: has 1 values but 2 repeats",
        ),
        (
            "outcome.measurements.0.repeats.0",
            None,
            r"outcome.measurements\[0\].repeats\[0\]: expected a table, found nothing",
        ),
        ("outcome.costs.joules", -1.0, "outcome.costs.joules: expected at least 0.0, found -1.0"),
        (
            "outcome.detail.R.replay.0",
            [[1.0], [2.0]],
            "outcome.detail.R: replay of order 0 is not a square matrix",
        ),
        (
            "outcome.detail.architectures.0.seconds",
            None,
            r"architectures\[0\].seconds: expected a number, found nothing",
        ),
        (
            "outcome.detail.pictures",
            "no picture",
            "outcome.detail.pictures: is not a PNG in base64",
        ),
        ("outcome.detail.said", "once", "outcome.detail.said: expected a list, found 'once'"),
        ("x", json.loads("[" * 60 + "]" * 60), "is nested more than 40 deep"),
    ],
    ids=lambda value: (
        value if isinstance(value, str) and value.isascii() and len(value) < 60 else "value"
    ),
)
def test_a_record_of_the_wrong_shape_is_damaged(
    store: Store, path: str, new: Any, sentence: str
) -> None:
    write_sealed(store.folder("a1") / "record.json", changed(RECORD, path, new))
    with pytest.raises(Damaged, match=rf"record\.json: damaged \(.*{sentence}.*--repair") as fault:
        store.contents()
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("path", "new", "sentence"),
    [
        ("cells", ["../../other"], r"cells\[0\]: "),
        ("cells", [["a1"]], r"cells\[0\]: expected a text, found a list"),
        (
            "design",
            {"factors": {"view": ["a"]}, "runs": {"r": {}}},
            "design: runs.r: has no level of the factor view",
        ),
        (
            "design",
            {"runs": {"r": {}}},
            "design: factors: is missing, which a design with runs has",
        ),
        ("command", None, "command: expected a text, found nothing"),
    ],
    ids=["path", "list", "design", "no factors", "command"],
)
def test_a_description_of_the_wrong_shape_is_damaged(
    store: Store, path: str, new: Any, sentence: str
) -> None:
    store.describe(changed(SUITE, path, new))
    with pytest.raises(Damaged, match=rf"suite\.json: damaged \({sentence}"):
        store.contents()


def test_who_holds_a_lock_is_said_where_the_lock_says_it(store: Store) -> None:
    for written in (
        '{"process": 1e999, "host": "h", "command": "c"}',
        "[" * 100_000,
        '{"process": "7"}',
        "\ud800".encode("utf-8", "replace").decode(),
    ):
        (store.root / ".lock").write_text(written)
        with (store.root / ".lock").open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with (
                pytest.raises(
                    UsageError,
                    match=r"another run is using it \(which one, its lock does not say\)",
                ),
                store.lock(),
            ):
                pass


TABLE: dict[str, Any] = {
    "data": ["digits"],
    "condensers": [{"method": "random"}],
    "scenarios": [{"scenario": "accuracy"}],
}


@pytest.mark.parametrize(
    ("path", "new", "sentence"),
    [
        ("data", [-1], "data[0]: -1 is not a name"),
        ("data", 3, "data: 3 is not a list of names"),
        ("seeds", 2**63, f"seeds: {2**63} is beyond the whole numbers of 64 bits"),
        ("seeds", [True], "seeds: a list is neither a number of seeds"),
        ("seeds", [2**32], "seeds: a list is neither a number of seeds"),
        ("seeds", 10**9, "seeds: 1000000000 is neither a number of seeds (1 to 10000)"),
        ("ipc", [[1]], "suite.ipc: a list is not a whole number of at least 1"),
        ("name", "../elsewhere", "name: '../elsewhere' cannot name a directory"),
        ("name", "a\x00b", "name: 'a\\x00b' holds a control character"),
        ("about", 3, "about: 3 is not a text"),
        ("design", 5, "design: write each factor's levels as [[design.NAME]] tables"),
        (
            "design",
            {"view": [{"level": [1]}, {"level": "a"}]},
            "design.view[0]: needs a `level`, its name",
        ),
        (
            "design",
            {f"f{i}": [{"level": str(j)} for j in range(9)] for i in range(9)},
            "design: has more than 10000",
        ),
        (
            "condensers.0.method",
            ["dm"],
            "condensers[0].method: a list is not a text that names something",
        ),
        ("condensers.0.label", 7, "condensers[0].label: 7 is not a text that names something"),
        (
            "condensers.0.name",
            "dm",
            "condensers[0]: unknown key 'name'; what is used is named by `method`",
        ),
        ("scenarios.0.references", True, "scenarios[0].references: true is not a list of names"),
        (
            "scenarios.0.condensers",
            {"a": 1},
            "scenarios[0].condensers: a table is not a list of names",
        ),
        (
            "scenarios.0.seeds",
            "\x1b[31m",
            "scenarios[0].seeds: '\\x1b[31m' holds a control character",
        ),
        ("scenarios.0.lr", float("nan"), "scenarios[0].lr: nan is not a finite number"),
    ],
    ids=lambda value: (
        value if isinstance(value, str) and value.isascii() and value.isprintable() else "value"
    ),
)
def test_a_suite_of_the_wrong_shape_is_told_by_the_place(
    path: str, new: Any, sentence: str
) -> None:
    read = definition.parse(changed(TABLE, path, new), "s")
    assert any(fault.startswith(f"suite s: {sentence}") for fault in read.faults), read.faults


def test_a_right_suite_has_no_fault() -> None:
    assert definition.parse({**TABLE, "about": "two\nlines"}, "s").faults == ()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            b'\xef\xbb\xbfdata = ["digits"]',
            "begins with a byte-order mark, which TOML does not know; save it as UTF-8 without BOM",
        ),
        ('data = ["digits"]'.encode("utf-16"), "is saved as UTF-16; save it as UTF-8 without BOM"),
        (
            b'data = ["digits"]\nabout = "\xff"',
            "not valid TOML (line 2 is not UTF-8); save it as UTF-8",
        ),
        (
            b'data = ["folder:C:\\Users\\me"]',
            "write 'C:\\Users\\me' in single quotes, or C:/Users/me",
        ),
        (b"seeds = " + b"9" * 5000, "not valid TOML (Exceeds the limit"),
    ],
    ids=["bom", "utf-16", "latin-1", "backslash", "digits"],
)
def test_toml_as_windows_leaves_it_is_told_in_words_that_help(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "s.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError) as fault:
        definition.read(str(path))
    assert str(fault.value).startswith(f"{path}: ") and sentence in str(fault.value)


@pytest.mark.parametrize(
    "text", ["9" * 5000, "[" * 3000, "1\nw = 2"], ids=["digits", "nested", "two keys"]
)
def test_an_override_that_is_no_toml_is_a_text(text: str) -> None:
    table: dict[str, Any] = {}
    apply_override(table, f"ipc={text}")
    assert table == {"ipc": text}
    assert definition.parse(table, "s").faults


@pytest.mark.parametrize("quote", [brief, str], ids=["brief", "str"])
def test_what_a_terminal_would_obey_is_written_out(quote: Callable[[BaseException], str]) -> None:
    assert visible(quote(ValueError("a\x1b[2Jb\x07\ud800é"))) == "a\\x1b[2Jb\\x07\\ud800é"
    assert (
        shown("x" * 100) == f"'{'x' * 60}...'"
        and shown({}) == "a table"
        and shown(10**50) == "a number of many digits"
    )


def test_values_that_no_reader_can_use_are_told_by_their_place() -> None:
    with pytest.raises(ValueError, match=r"a\.b\[1\]: a number of many digits is beyond"):
        parse_json(json.dumps({"a": {"b": [1, 10**40]}}).encode())
    assert list(oddities({"a": [{"\ud800": 1}]})) == [
        "a[0]: the key '\\ud800' is not valid Unicode"
    ]
    assert list(oddities({"a": float("nan"), "b": "x\ty", "c": None})) == []
    assert len(list(oddities({"a": float("nan"), "b": "x\ty", "c": b""}, strict=True))) == 3


def test_a_report_has_null_where_a_number_is_not_finite() -> None:
    found = json.loads(
        as_json({"environment": {"load": float("nan")}, "rows": [(1.5, float("inf"))]})
    )
    assert found == {"environment": {"load": None}, "rows": [[1.5, None]]}
