from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.sets.synthetic_set import SyntheticSet
from scenarios.protocol import Reference, Splits
from scenarios.registry import SEARCH_STRATEGIES
from scenarios.search.nni_experiment import ChoiceSpace, explore
from scenarios.search.scenario import Search
from scenarios.search.spaces.darts import DartsSpace
from scenarios.search.spaces.nas_bench_201 import NasBench201Space

EVOLUTION = {"name": "evolution", "population": 8, "sample": 4}
TPE = {"name": "tpe", "startup": 8}


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """NNI's TPE sleeps for a second after each architecture."""
    monkeypatch.setattr("nni.nas.strategy.hpo.time.sleep", lambda seconds: None)


def skips(choice: Mapping[str, Any]) -> float:
    return float(sum(operation == "skip_connect" for operation in choice.values()))


def tried(
    strategy: Any, folder: Path, limit: int, seed: int = 0, space: Any = None
) -> list[dict[str, Any]]:
    part = SEARCH_STRATEGIES.create(strategy)
    trials = explore(
        ChoiceSpace(space or NasBench201Space()), part.of_nni(seed), limit, skips, folder
    )
    return [dict(trial.choice) for trial in trials]


@pytest.mark.parametrize("strategy", [EVOLUTION, TPE])
def test_adaptive_strategies_climb(strategy: Any, tmp_path: Path) -> None:
    choices = tried(strategy, tmp_path, 80, seed=2)
    assert len({NasBench201Space().identifier(choice) for choice in choices}) == 80
    assert sum(map(skips, choices[-20:])) / 20 > 2.2  # 1.2 is the mean of the space


@pytest.mark.parametrize("strategy", [EVOLUTION, TPE, "random"])
def test_strategies_are_seeded_and_take_huge_spaces(strategy: Any, tmp_path: Path) -> None:
    first, again, other = (tried(strategy, tmp_path, 12, seed, DartsSpace()) for seed in (0, 0, 1))
    assert first == again != other
    assert len({DartsSpace().identifier(choice) for choice in first}) == 12


def test_grid_says_how_large_a_space_is() -> None:
    with pytest.raises(UsageError, match=r"about 1.1e\+18 architectures; take random or evolution"):
        SEARCH_STRATEGIES.create("grid").tries(DartsSpace(), 4)


@pytest.mark.parametrize(
    ("strategy", "sentence"),
    [
        ("evolutoin", "did you mean 'evolution'"),
        ({"name": "evolution", "population": 3, "sample": 4}, "take a smaller sample"),
        ({"name": "evolution", "mutation": 1.5}, "no probability"),
    ],
)
def test_bad_strategies_are_refused(strategy: Any, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        Search(strategy=strategy)


@pytest.mark.parametrize("strategy", [EVOLUTION, TPE])
def test_a_search_that_never_leaves_its_random_start_is_refused(
    strategy: Any, search: Search, splits: Splits
) -> None:
    with pytest.raises(UsageError, match="all drawn at random"):
        replace(search, strategy=strategy, architectures=8).run(
            Reference("parameters"), splits, Context()
        )


def test_adaptive_search_answers_with_the_best_it_found(
    search: Search, splits: Splits, synthetic: SyntheticSet
) -> None:
    evolution = {"name": "evolution", "population": 3, "sample": 2, "mutation": 0.5}
    settings = replace(search, strategy=evolution, architectures=6)
    proxy, count = (
        settings.run(subject, splits, Context(seed=1))
        for subject in (synthetic, Reference("parameters"))
    )
    assert proxy.detail["table"] == count.detail["table"]
    for outcome, key in ((proxy, "validation"), (count, "parameters")):
        assert (outcome.detail["strategy"], outcome.detail["adaptive"]) == ("evolution", True)
        rows = {row["id"]: row for row in outcome.detail["architectures"]}
        assert len(rows) == 6
        final, measured = outcome.detail["final"], outcome.measurements[1]
        assert rows[final["id"]][key] == max(row[key] for row in rows.values())
        assert (measured.metric, list(measured.values)) == ("found-accuracy", [final["test"]])
        assert final["images"] == 2 * 120


def test_adaptive_search_on_full_data_never_goes_by_test_accuracy(
    search: Search, splits: Splits
) -> None:
    evolution = {"name": "evolution", "population": 3, "sample": 3, "mutation": 0.5}
    settings = replace(search, strategy=evolution, architectures=6)
    inverted = replace(splits, test=replace(splits.test, images=255 - splits.test.images))
    found = [
        settings.run(Reference("truth"), data, Context()).detail for data in (splits, inverted)
    ]
    ids = [[row["id"] for row in detail["architectures"]] for detail in found]
    assert ids[0] == ids[1] and found[0]["final"]["id"] == found[1]["final"]["id"]
    assert found[0]["final"]["test"] != found[1]["final"]["test"]
