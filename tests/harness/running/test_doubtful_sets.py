"""A saturated set is not passed off as a success: `condense`, the card, `evaluate` and the report
say so.
"""

import json
from pathlib import Path

from harness.report.notes import note_doubts
from harness.store.store import Store
from tests.helpers.command_line import Harness
from tests.helpers.suites import TINY

SHORT = ("--set", "iterations=20", "--set", 'network={name="convnet",width=8}')


def test_every_place_says_it(harness: Harness, tmp_path: Path) -> None:
    wild, told = tmp_path / "wild.safetensors", "saturated, as by too large a learning rate"
    answer = harness(
        "condense",
        "dm",
        "--data",
        "digits",
        "--ipc",
        "1",
        "--out",
        wild,
        "--set",
        "lr=1000",
        *SHORT,
    )
    assert answer.status == 0 and answer.err.startswith(f"warning: {wild}: ") and told in answer.err
    assert told in json.loads(wild.with_suffix(".card.json").read_text())["doubts"][0]
    quick = ("--set", "epochs=1", "--set", "networks=1", "--set", 'network={name="mlp",width=8}')
    assert told in harness("evaluate", wild, *quick).err
    calm = tmp_path / "calm.safetensors"
    answer = harness("condense", "dm", "--data", "digits", "--ipc", "1", "--out", calm, *SHORT)
    assert "warning" not in answer.err and "doubts" not in json.loads(
        calm.with_suffix(".card.json").read_text()
    )


def test_a_run_says_it_in_its_record_and_report(harness: Harness, tmp_path: Path) -> None:
    suite, out = tmp_path / "wild.toml", tmp_path / "out"
    wild = TINY.replace("iterations = 3", "iterations = 3\nlr = 1e5").replace(
        "seeds = 2", "seeds = 1"
    )
    suite.write_text(wild, encoding="utf-8")
    answer = harness("run", suite, "--out", out, "--workers", 1)
    assert answer.status == 0, answer.err
    told = [record["doubts"] for record in Store(out).contents()[1] if record["kind"] == "condense"]
    assert [len(doubts) for doubts in told] in (
        [0, 1],
        [1, 0],
    ), "that of dm, not that of random images"
    assert (
        "Doubtful set: dm on digits (ipc 1, seed 0): "
        in harness("report", out, "--format", "md").out
    )


def test_the_report_names_the_set_and_its_seeds() -> None:
    def record(kind: str, seed: int) -> dict[str, object]:
        cell = {"label": "dm", "data": "digits", "ipc": 1, "seed": seed}
        return {"kind": kind, "cell": cell, "doubts": ["it is black"]}

    records = [record("condense", 0), record("condense", 1), record("shard", 1)]
    assert note_doubts(records) == ["Doubtful set: dm on digits (ipc 1, seeds 0, 1): it is black."]
    assert note_doubts([{**records[0], "doubts": []}]) == []
