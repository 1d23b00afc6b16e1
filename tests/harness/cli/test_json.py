"""`--json`: one object on standard output, with the keys that the guide names; all else on standard
error.
"""

import json
import re
from pathlib import Path
from typing import Any

from harness.store.store import Store
from tests.harness.faults.conftest import flip
from tests.helpers.command_line import Answer, Harness

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "command-line.md"
SMALL = ("--set", "seeds=1", "--set", "condensers.dm.iterations=1", "--workers", 1)


def documented(verb: str) -> set[str]:
    """The keys that the guide's table names for a verb."""
    rows = re.findall(r"^\| (?:all|`(\w+)`) \| ([^|]+) \|", GUIDE.read_text("utf-8"), re.MULTILINE)
    return {key for of, keys in rows if of in ("", verb) for key in re.findall(r"`(\w+)`", keys)}


def the_object(answer: Answer, verb: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.out)
    assert found["verb"] == verb and set(found) <= documented(verb)
    return found


def test_plan_run_and_verify(harness: Harness, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    planned = the_object(harness("plan", tiny, *SMALL, "--out", out, "--json"), "plan")
    assert set(planned) == documented("plan") and (planned["cells"], planned["done"]) == (5, 0)
    assert sum(group["seeds"] for group in planned["groups"]) == 5 and planned["seconds"] > 0
    for _ in range(2):  # computed, then finished already
        answer = harness("run", tiny, *SMALL, "--out", out, "--json")
        done = the_object(answer, "run")
        assert answer.status == 0 and "5 cells" in answer.err and set(done) == documented("run")
        assert (done["cells"], done["done"], done["failures"]) == (5, 5, [])
        assert Path(done["report"]).is_file() and done["directory"] == str(out)
    answer = harness("verify", out, "--json")
    (intact,) = the_object(answer, "verify")["directories"]
    assert answer.status == 0 and (intact["records"], intact["sets"], intact["left"]) == (5, 2, 0)
    flip(next(out.rglob("record.json")))
    answer = harness("verify", out, "--json")
    (damaged,) = the_object(answer, "verify")["directories"]
    assert answer.status != 0 and not damaged["intact"] and "error: " in answer.err
    assert damaged["faults"][0] in answer.err


def test_a_failed_cell_is_in_the_object(
    harness: Harness, tiny: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the loss is not finite")

    monkeypatch.setattr("condensers.methods.distribution_matching.dm.DM.condense", fail)
    answer = harness("run", tiny, *SMALL, "--out", tmp_path / "out", "--json")
    (failure,) = the_object(answer, "run")["failures"]
    assert answer.status == 1 and "the loss is not finite" in failure["sentence"]
    assert failure["key"] in Store(tmp_path / "out").suite()["cells"]


def test_export_and_import(harness: Harness, tmp_path: Path) -> None:
    target = tmp_path / "dm.npz"
    answer = harness("export", "gallery:dm", "--to", "npz", "--out", target, "--json")
    made = the_object(answer, "export")
    assert (made["out"], made["images"], made["pushed"]) == (str(target), 10, None)
    assert str(target) in answer.err
    words = ("import", target, "--out", tmp_path / "again.safetensors", "--json")
    answer = harness(*words)
    found = the_object(answer, "import")
    assert set(found) == documented("import") and found["dataset"] == "mnist-5k"
    assert all(Path(found[name]).is_file() for name in ("set", "card", "preview"))
    assert "contrast" in answer.err
    refused = harness("export", "gallery:dn", "--to", "npz", "--json")
    assert (refused.status, refused.out) == (2, "")
