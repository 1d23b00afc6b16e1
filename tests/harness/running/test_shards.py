"""A set made in shards, some classes each, is one set: equal however its shards are run, and usable
as any other.
"""

from pathlib import Path

import pytest
import torch

from condensers.sets.files import load_set
from harness.store.store import Store
from tests.harness.faults.test_storage import outcomes
from tests.helpers.command_line import Harness, read_sets
from tests.helpers.suites import TINY

SHARDED = TINY.replace('method = "dm"', 'method = "dm"\nshards = 3')


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    path = tmp_path / "sharded.toml"
    path.write_text(SHARDED, encoding="utf-8")
    return path


def test_shards_make_one_set(harness: Harness, sharded: Path, tmp_path: Path) -> None:
    out = tmp_path / "one"
    answer = harness("run", sharded, "--out", out, "--workers", 1)
    assert answer.status == 0, answer.err
    assert "16 cells, 16 to do" in answer.err, (
        "three shards for each of two seeds beside the ten cells of the suite"
    )
    assert "condense dm ipc 1, seed 0, classes 0 to 2" in answer.err
    _, records, _ = Store(out).contents()
    whole = [r for r in records if r["kind"] == "condense" and r["cell"]["label"] == "dm"]
    assert len(whole) == 2
    for record in whole:
        synthetic = load_set(Store(out).require_intact(record["key"]))
        images, labels = synthetic.decode()
        assert labels.tolist() == list(range(10)) and images.shape == (10, 1, 8, 8)
        assert (
            synthetic.card["digest"] == record_digest(out)
            and synthetic.card["seed"] == record["cell"]["seed"]
        )
        assert record["condensation"]["seconds"] > 0
        noise = [image for image in images.flatten(1)]
        assert not any(torch.equal(a, b) for i, a in enumerate(noise) for b in noise[:i]), (
            "shards do not share their noise"
        )
    report = harness("report", out, "--format", "csv")
    assert report.status == 0 and report.out.count("\n") == harness(
        "report", out, "--format", "csv"
    ).out.count("\n")
    assert "shard" not in report.out


def record_digest(out: Path) -> str:
    """The digest of the training data, by the card of a set of real images."""
    _, records, _ = Store(out).contents()
    key = next(
        r["key"] for r in records if r["kind"] == "condense" and r["cell"]["label"] == "random"
    )
    return str(load_set(Store(out).set_path(key)).card["digest"])


def test_shards_in_two_processes_give_the_same(
    harness: Harness, sharded: Path, tmp_path: Path
) -> None:
    for name, workers in (("one", 1), ("two", 2)):
        assert harness("run", sharded, "--out", tmp_path / name, "--workers", workers).status == 0
    assert read_sets(tmp_path / "one") == read_sets(tmp_path / "two")
    assert outcomes(tmp_path / "one") == outcomes(tmp_path / "two")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            'method = "dm"',
            (
                "condensers.random.shards: random selects real images, so that it has no shards;"
                " leave it out"
            ),
        ),
        ("shards = 0", "shards: 0 is not a whole number of at least 1"),
        (
            'regularisers = [{ name = "contrastive" }]\nshards = 2',
            "condensers.dm.shards: dm looks at all classes at once",
        ),
    ],
)
def test_what_cannot_be_sharded_is_refused(
    harness: Harness, tmp_path: Path, change: str, said: str
) -> None:
    path = tmp_path / "wrong.toml"
    text = (
        TINY.replace('method = "random"', 'method = "random"\nshards = 2')
        if "random" in said
        else TINY
    )
    path.write_text(
        text.replace('method = "dm"', f'method = "dm"\n{change}') if "random" not in said else text,
        encoding="utf-8",
    )
    answer = harness("plan", path)
    assert answer.status == 2 and said in answer.err
