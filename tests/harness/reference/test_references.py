"""Reference results: those that ship, and those that users make of runs of their own."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from condensers.engine.files import SEAL, seal
from condensers.errors import Damaged, OtherFormat, UsageError
from harness import read_results
from harness.reference import built_in
from harness.reference.files import LARGEST, VERSION, Reference, write_reference
from harness.reference.packing import pack, unpack
from harness.report.building import build, render
from harness.report.tables import tables
from harness.store.store import Store
from tests.helpers.command_line import Harness

NAMES = sorted(built_in())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a tiny suite with two scenarios, its folder full of what a reference leaves out."""
    from harness import run as run_suite

    suite = {
        "about": "two scenarios",
        "data": ["digits"],
        "seeds": 3,
        "ipc": [1],
        "condensers": [{"method": "random"}, {"method": "herding"}],
        "scenarios": [
            {"scenario": "accuracy", "network": "mlp", "networks": 1, "epochs": 1},
            {
                "scenario": "continual",
                "network": "mlp",
                "experiences": 2,
                "orders": 1,
                "strategies": [{"name": "gdumb", "epochs": 1}],
            },
        ],
    }
    directory = tmp_path_factory.mktemp("a place") / "run"
    run_suite(suite, directory)
    return directory


def as_text(contents: Any) -> dict[str, str]:
    report = build(*contents)
    return {form: render({**report, "commands": []}, form) for form in ("md", "csv", "latex")}


@pytest.mark.parametrize("name", NAMES)
def test_what_ships_is_small_whole_and_of_no_machine(name: str) -> None:
    path = built_in()[name]
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < LARGEST
    assert not [word for word in ("/home", "/work", "/tmp", "/root") if word in text]
    suite, records, _ = Reference(Path(name)).contents()
    assert suite["command"].startswith("harness run ") and records
    for record in records:
        assert record["key"] in suite["cells"] and record["environment"] and record["command"]
        for measured in (record["outcome"] or {}).get("measurements", []):
            assert len(measured["values"]) == len(measured["repeats"])


def test_a_reference_is_reported_as_its_run_is(run: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine.json"
    size = write_reference(Store(run), target)
    assert size == target.stat().st_size < sum(p.stat().st_size for p in run.rglob("record.json"))
    assert str(run) not in target.read_text(encoding="utf-8")
    ours, theirs = Store(run).contents(), Reference(target).contents()
    assert as_text(theirs) == as_text(ours)
    assert [table.title for table in tables(build(*theirs))]
    both = [read_results(path).to_pandas().to_csv() for path in (run, target)]
    assert both[0] == both[1]


def test_export_report_and_diff_on_the_command_line(
    harness: Harness, run: Path, tmp_path: Path
) -> None:
    target = tmp_path / "mine.json"
    words = ("export", run, "--to", "reference", "--out", target)
    assert harness(*words).status == 0
    again = harness(*words)
    assert again.status == 2 and "--force" in again.err
    assert harness(*words, "--force").status == 0
    table, rows = (harness("report", path, "--format", "csv") for path in (run, target))
    assert table.out == rows.out and rows.status == 0
    page = harness("report", target, "--format", "html")
    assert page.status == 0 and "<svg" in page.out
    same = harness("diff", run, target)
    assert "values are equal" not in same.err and "B reproduces A" in same.out
    as_json = harness("diff", run, target, "--json")
    found = json.loads(as_json.out)["reproduction"]
    assert found["values"] == found["equal"] > 0 and found["largest"] == []


def test_diff_says_within_what_a_run_differs(harness: Harness, run: Path, tmp_path: Path) -> None:
    suite, records, _ = Store(run).contents()
    changed = json.loads(json.dumps(records))
    first = next(r for r in changed if r["cell"]["scenario"] == "accuracy")
    first["outcome"]["measurements"][0]["values"][0] += 1.25
    store = Store(tmp_path / "changed")
    with store.lock():
        store.describe(suite)
        for record in changed:
            store.write_record(record["key"], {**record, "set": None, "card": None})
    target = tmp_path / "mine.json"
    write_reference(Store(run), target)
    answer = " ".join(harness("diff", store.root, target).out.split())
    assert "the others differ by at most 1.250 % (test-accuracy of" in answer
    assert "differ by more than chance" in answer and "B reproduces A" not in answer


def test_list_show_and_a_near_name(harness: Harness) -> None:
    listed = harness("list", "references", "--json")
    assert set(json.loads(listed.out)["references"]) == set(NAMES)
    shown = harness("show", NAMES[0])
    assert "Made by: harness run" in shown.out and "CPU hours" in shown.out
    for verb in ("report", "show"):
        wrong = harness(verb, NAMES[0][:-1])
        assert wrong.status == 2 and f"did you mean '{NAMES[0]}'?" in wrong.err


def rewrite(path: Path, **changes: Any) -> None:
    content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    content = {k: v for k, v in {**content, **changes}.items() if k != SEAL}
    path.write_text(json.dumps({**content, SEAL: seal(content)}), encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"reference": VERSION + 1}, OtherFormat, "of version 2, and this harness reads 1"),
        ({"reference": "x"}, UsageError, "holds no reference results"),
        ({"records": []}, Damaged, "records: expected a list of at least 1"),
        ({"records": [{"@": 10**6}]}, Damaged, "which is not there"),
        ({"records": 7}, Damaged, "damaged"),
        ({"suite": {}}, Damaged, "suite.suite: is missing"),
        ({"modules": []}, Damaged, "damaged"),
        ({"cpu_hours": -1}, Damaged, "cpu_hours"),
    ],
)
def test_a_bad_file_is_refused_in_a_sentence(
    run: Path, tmp_path: Path, changes: Mapping[str, Any], kind: type[UsageError], words: str
) -> None:
    target = tmp_path / "mine.json"
    write_reference(Store(run), target)
    rewrite(target, **changes)
    with pytest.raises(kind, match=words) as refused:
        Reference(target).contents()
    assert "\n" not in str(refused.value)


def test_a_changed_file_or_record_is_refused(run: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine.json"
    write_reference(Store(run), target)
    text = target.read_text(encoding="utf-8")
    target.write_text(text.replace("random", "herded"), encoding="utf-8")
    with pytest.raises(Damaged, match="its checksum differs"):
        Reference(target).contents()
    target.write_text(text, encoding="utf-8")
    content = json.loads(text)
    records = unpack(content["records"], content["shared"])
    records[-1]["cell"]["seed"] = 7
    packed, shared = pack(records)
    rewrite(target, records=packed, shared=shared)
    with pytest.raises(Damaged, match="says of its cell has the key"):
        Reference(target).contents()


def test_a_run_without_results_makes_no_reference(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a run directory"):
        write_reference(Store(tmp_path), tmp_path / "mine.json")
