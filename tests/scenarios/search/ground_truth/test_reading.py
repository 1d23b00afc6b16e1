"""A search whose truth is read from a table: the same as one that trains it, for as long as the
table has all it needs.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import settings_of
from scenarios.datasets import load
from scenarios.protocol import Outcome, Reference, Splits
from scenarios.registry import SPACES
from scenarios.search import candidate
from scenarios.search.ground_truth import files
from scenarios.search.ground_truth.building import train_row
from scenarios.search.ground_truth.reading import list_choices, sample_choices
from scenarios.search.ground_truth.table import describe_target, make_table
from scenarios.search.scenario import Search

TRUTH = Reference("truth")


@pytest.fixture
def small(search: Search) -> Search:
    """A search of two of four architectures."""
    space = {**search.space, "depths": [1], "activations": ["relu"]}
    return replace(search, space=space, architectures=2, truth_epochs=1)


def write(
    path: Path,
    small: Search,
    splits: Splits,
    seeds: int,
    choices: list[dict[str, Any]] | None = None,
) -> Path:
    """A table of those seeds, of all architectures or of some."""
    space = SPACES.create(small.space).fitting(splits.train.shape)
    every = choices or list_choices(space)
    rows = [
        {**train_row(small, c, splits, Context(seed=s)), "made": 0}
        for c, s in itertools.product(every, range(seeds))
    ]
    made = [{"command": "harness truth build", "torch": torch.__version__}]
    files.write_table(
        path, make_table(describe_target(small, space, splits), space.choices(), made, rows)
    )
    return path


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the tables that ship with the package, empty."""
    monkeypatch.setattr(files, "SHIPPED", tmp_path)
    return tmp_path


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of what is trained."""
    names: list[str] = []

    def watched(network: Any, job: Any, context: Context, name: str) -> dict[str, Any]:
        names.append(name)
        return train(network, job, context, name)

    train = candidate.train
    monkeypatch.setattr(candidate, "train", watched)
    yield names


def results(outcome: Outcome) -> list[tuple[Any, ...]]:
    kept = ("id", "parameters", "flops", "validation", "test", "images", "score")
    return [tuple(row[name] for name in kept) for row in outcome.detail["architectures"]]


def test_a_table_that_is_named_gives_what_training_gives(
    small: Search, splits: Splits, tmp_path: Path, trainings: list[str]
) -> None:
    path = write(tmp_path / "t.json", small, splits, 2)
    for seed in (0, 1):
        trained = replace(small, truth="train").run(TRUTH, splits, Context(seed=seed))
        del trainings[:]
        read = replace(small, truth=str(path)).run(TRUTH, splits, Context(seed=seed))
        assert trainings == [] and results(read) == results(trained)
        assert read.detail["table"] == trained.detail["table"] and "truth" not in trained.detail
        table = files.read_table(path)
        assert read.detail["truth"] == {"from": str(path), "content": table.content, "torch": []}
        rows = [table.row(row["id"], seed) for row in read.detail["architectures"]]
        assert read.costs["seconds"] == sum(row["seconds"] for row in rows if row) > 0
        (point,) = read.detail["architectures"][0]["curve"]
        assert (point["steps"], point["images"]) == (1, 120)
        assert point["validation"] == pytest.approx(
            read.detail["architectures"][0]["validation"], abs=1e-4
        )


def test_what_a_named_table_lacks_is_said(small: Search, splits: Splits, tmp_path: Path) -> None:
    named = replace(small, truth=str(write(tmp_path / "t.json", small, splits, 1)))
    with pytest.raises(
        UsageError,
        match=r"has no row for d1-w8-\S+ with this seed \(it has 4 architectures, seeds 0\)",
    ):
        named.run(TRUTH, splits, Context(seed=1))
    with pytest.raises(
        UsageError,
        match=(
            r"t\.json is not the truth of this search \(truth_epochs 1 and 2, the table's first\)"
        ),
    ):
        replace(named, truth_epochs=2).run(TRUTH, splits, Context())
    with pytest.raises(UsageError, match="'no-table': neither a file nor a table of this package"):
        replace(small, truth="no-table")


def test_a_named_tables_content_determines_the_result(
    small: Search, splits: Splits, tmp_path: Path
) -> None:
    path = write(tmp_path / "t.json", small, splits, 1)
    named = replace(small, truth=str(path))
    assert (
        named.truth_content == files.read_table(path).content
        and replace(named, truth="train").truth_content == ""
    )
    assert settings_of(
        replace(small, truth=str(write(tmp_path / "same.json", small, splits, 1)))
    ) != settings_of(small)
    write(path, small, splits, 2)
    with pytest.raises(
        UsageError, match=r"t\.json: has changed \(content \w{16}, not \w{16}\); start again"
    ):
        replace(named, epochs=2)
    assert replace(small, truth=str(path)).truth_content != named.truth_content


def test_a_shipped_table_is_read_where_it_has_the_seed_and_the_recipe(
    small: Search, splits: Splits, shipped: Path, trainings: list[str]
) -> None:
    write(shipped / "tiny.json", small, splits, 1)
    for settings, seed, trained in (
        (small, 0, 0),
        (small, 1, 2),
        (replace(small, truth_lr=0.1), 0, 2),
    ):
        del trainings[:]
        outcome = settings.run(TRUTH, splits, Context(seed=seed))
        assert len(trainings) == trained
        assert outcome.detail.get("truth", {}).get("from") == (None if trained else "tiny")
    assert small.image_passes(splits, 0, "truth") == []
    assert replace(small, truth_lr=0.1).image_passes(splits, 0, "truth") != []
    assert "truth" not in small.run(Reference("parameters"), splits, Context()).detail


def test_a_table_of_some_architectures_is_read_where_the_search_tries_no_others(
    small: Search, splits: Splits, shipped: Path, trainings: list[str]
) -> None:
    space = SPACES.create(small.space).fitting(splits.train.shape)
    tried = sample_choices(space, 2, small.sample_seed)
    assert [candidate.identifier(c) for c in tried] == [
        row["id"]
        for row in small.run(Reference("parameters"), splits, Context()).detail["architectures"]
    ]
    write(shipped / "some.json", small, splits, 1, tried)
    del trainings[:]
    assert small.run(TRUTH, splits, Context()).detail["truth"]["from"] == "some" and trainings == []
    for other in (replace(small, architectures=3), replace(small, strategy="grid")):
        del trainings[:]
        assert "truth" not in other.run(TRUTH, splits, Context()).detail
        assert len(trainings) == (3 if other.strategy == "random" else 4)


def test_rows_of_another_torch_are_noted(
    small: Search, splits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "t.json", small, splits, 1)
    monkeypatch.setattr(torch, "__version__", "9.9")
    truth = replace(small, truth=str(path)).run(TRUTH, splits, Context()).detail["truth"]
    assert truth["torch"] == [files.read_table(path).made[0]["torch"]]


def test_every_table_of_the_package_is_whole_and_as_its_hash_says() -> None:
    for path in files.list_shipped().values():
        table = files.read_table(path)
        assert len(table.rows) == len(table.ids) * len(table.seeds)
        assert all(len(row["curve"]) == table.target.recipe["truth_epochs"] for row in table.rows)


def test_a_search_of_digits_reads_the_shipped_table_whose_rows_training_gives_again() -> None:
    splits, search = load("digits"), Search()
    read = search.run(TRUTH, splits, Context(seed=2))
    assert (
        read.detail["truth"]["from"] == "convnet-small-digits"
        and len(read.detail["architectures"]) == 24
    )
    row = files.read_table(files.find_path("convnet-small-digits")).row("d1-w8-none-relu-avg", 2)
    assert row is not None
    again = train_row(search, row["choices"], splits, Context(seed=2))
    assert [again[name] for name in ("parameters", "flops", "images")] == [
        row[name] for name in ("parameters", "flops", "images")
    ]
    # To the bit on one machine; another processor rounds in another way.
    assert [again["test"], again["validation"]] == pytest.approx(
        [row["test"], row["validation"]], abs=2
    )
