"""The records of a run say what every set is made of, and reports, plans and exports go by that."""

import json
from pathlib import Path

import pytest

from harness.store.store import Store
from tests.helpers.command_line import Harness
from tests.helpers.suites import TINY

THIRD = '''
from dataclasses import dataclass
import torch
from condensers.selections.base import Selection

@dataclass(frozen=True)
class First(Selection):
    """The first images."""
    def choose(self, features, ipc, generator):
        return torch.arange(ipc)
'''


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "third.py").write_text(THIRD)
    small = 'network = { name = "convnet", depth = 2, width = 4 }'
    more = f"""
[[condensers]]
method = "{tmp_path / "third.py"}:First"
label = "theirs"

[[condensers]]
method = "k-means-centroids"
label = "random"

[[condensers]]
method = "real-tiles"
label = "taught"
labels = {{ name = "teacher", epochs = 1 }}
{small}
"""
    text = TINY.replace("seeds = 2", "seeds = 1").replace(
        'method = "random"', 'method = "random"\nlabel = "picked"'
    )
    streams = f"""
[[scenarios]]
scenario = "continual"
strategies = ["replay"]
condensers = ["picked", "theirs", "dm"]
references = []
orders = 1
stream_epochs = 1
online = 10
memory = "online"
{small}
"""
    sets = 'condensers = ["picked", "dm", "theirs", "random", "taught"]'
    path = tmp_path / "kinds.toml"
    path.write_text(text.replace("\n[[scenarios]]", f"{more}\n[[scenarios]]\n{sets}", 1) + streams)
    return path


def test_records_rows_and_exports_say_what_sets_are(
    harness: Harness, suite: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    answer = harness("run", suite, "--out", out, "--workers", 1)
    assert answer.status == 0, answer.err
    records = Store(out).contents()[1]
    said = {
        (r["cell"]["scenario"], r["cell"]["label"]): r["cell"]["origin"]
        for r in records
        if not r["cell"]["reference"]
    }
    wanted = {
        "picked": "real images",
        "theirs": "real images",
        "random": "averages of real images",
        "dm": "learned images",
        "taught": "real images with taught labels",
    }
    assert {label: said["accuracy", label] for label in wanted} == wanted
    assert all(origin == wanted[label] for (_, label), origin in said.items()), said
    assert {scenario for scenario, _ in said} == {None, "accuracy", "continual"}
    report = json.loads(harness("report", out, "--format", "json").out)
    kinds = {row["condenser"]: row["kind"] for row in report["rows"] if not row["reference"]}
    assert kinds == {
        "picked": "real images",
        "theirs": "real images",
        "random": "averages",
        "dm": "condensed",
        "taught": "condensed",
    }
    against = {row["comparison"]["against"] for row in report["rows"] if row["comparison"]}
    assert not against, "averages that are labelled random are no random images"
    cards = {
        r["cell"]["label"]: Store(out).set_path(r["key"])
        for r in records
        if r["kind"] == "condense"
    }
    assert harness("export", cards["theirs"], "--to", "hf", "--out", tmp_path / "hf").status == 0
    assert "real images, chosen by" in (tmp_path / "hf" / "README.md").read_text(encoding="utf-8")
