"""Every baseline in a search, and zero-cost scores combined with sets."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import build
from condensers.networks.convnet import ConvNetSpec
from condensers.sets.synthetic_set import SyntheticSet
from scenarios.protocol import Reference, Splits
from scenarios.registry import BASELINES
from scenarios.search.baselines.combination import SCORES, rank_values
from scenarios.search.baselines.zero_cost import ZeroCost, make_minibatch_judge
from scenarios.search.scenario import Search

NAMES = "truth early-stopping subset parameters flops synflow jacob-cov naswot grad-norm snip"
ON_IMAGES = ("jacob-cov", "naswot", "grad-norm", "snip")


def values(outcome: Any, key: str = "score") -> list[float]:
    return [row[key] for row in outcome.detail["architectures"]]


def test_all_baselines_are_registered() -> None:
    assert set(BASELINES.entries()) == set(NAMES.split()) and set(SCORES) < set(NAMES.split())


@pytest.mark.parametrize("name", SCORES)
def test_zero_cost_baselines_score_a_search_by_its_seed(
    name: str, search: Search, splits: Splits
) -> None:
    before = torch.get_rng_state()
    one, again, other = (
        search.run(Reference(name), splits, Context(seed=seed)) for seed in (1, 1, 2)
    )
    assert values(one) == values(again) and one.detail["failures"] == []
    assert (values(one) == values(other)) == (name in ("parameters", "flops"))
    assert torch.equal(torch.get_rng_state(), before)
    assert one.costs["images"] == (4 * 64 if name in ON_IMAGES else 0) and one.costs["seconds"] >= 0
    assert all(row["flops"] > 2 * 8 * 9 * 64 for row in one.detail["architectures"])


def test_minibatch_is_the_same_for_all_architectures_and_new_for_each_seed(
    search: Search, splits: Splits
) -> None:
    seen: list[torch.Tensor] = []

    def score(network: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
        seen.append(images)
        return float(len(labels))

    judge = make_minibatch_judge(replace(search, zero_cost_batch=10), splits, score, "size")
    for name, seed in (("a", 1), ("b", 1), ("a", 2)):
        found = judge.judge(ConvNetSpec(depth=1, width=8), name, Context(seed=seed))
        assert (found["score"], found["images"]) == (10.0, 10)
    assert torch.equal(seen[0], seen[1]) and not torch.equal(seen[0], seen[2])
    assert (
        make_minibatch_judge(replace(search, zero_cost_batch=999), splits, score, "size").batch
        == 120
    )


def test_a_score_that_is_no_number_is_a_failure(splits: Splits) -> None:
    judge = ZeroCost(splits.train, 4, lambda *_: float("nan"), "snip", 4)
    with pytest.raises(RuntimeError, match="snip: the score is nan"):
        judge.judge(ConvNetSpec(depth=1, width=8), "a", Context())


def test_ranks_share_ties() -> None:
    assert rank_values([3.0, 1.0, 3.0, -5.0]) == pytest.approx([2.5 / 3, 1 / 3, 2.5 / 3, 0.0])
    assert rank_values([7.0]) == [0.5] and rank_values([2.0, 2.0]) == [0.5, 0.5]


def test_combination_is_the_mean_of_ranks(
    search: Search, splits: Splits, synthetic: SyntheticSet, tmp_path: Path
) -> None:
    plain, zero = (
        search.run(subject, splits, Context(seed=1)) for subject in (synthetic, Reference("naswot"))
    )
    both = replace(search, combine="naswot").run(
        synthetic, splits, Context(seed=1, folder=tmp_path)
    )
    assert values(both, "validation") == values(plain) and values(both, "naswot") == values(zero)
    expected = [
        (a + b) / 2
        for a, b in zip(rank_values(values(plain)), rank_values(values(zero)), strict=True)
    ]
    assert values(both) == list(both.measurements[0].values) == expected
    assert both.detail["score"] == "mean rank by validation accuracy and by naswot, 0 to 1"
    assert both.measurements[0].unit == "mean rank"
    assert both.costs["images"] == plain.costs["images"] + zero.costs["images"]
    again = replace(search, combine="naswot").run(
        synthetic, splits, Context(seed=1, folder=tmp_path)
    )
    assert again.as_json() == both.as_json()


def test_combination_leaves_baselines_alone(search: Search, splits: Splits) -> None:
    found = [
        replace(search, combine=name).run(Reference("early-stopping"), splits, Context())
        for name in ("", "snip")
    ]
    assert (
        values(found[0]) == values(found[1]) and found[1].detail["score"] == "validation accuracy"
    )


def test_combination_with_what_trains_is_refused() -> None:
    with pytest.raises(UsageError, match=r"search.combine: 'truth' is not one of"):
        build(Search, {"combine": "truth"}, "search")
