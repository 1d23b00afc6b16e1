import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.sets.synthetic_set import SyntheticSet
from scenarios.protocol import Reference, Splits
from scenarios.search.scenario import Search
from scenarios.search.spaces.base import create_space

HERE = "tests.scenarios.search.spaces.model_spaces"
FILE = Path(__file__).with_name("model_spaces.py")


@pytest.mark.parametrize("name", ["Written", "Inherited"])
def test_choices_are_those_of_the_model_space(name: str) -> None:
    space = create_space({"name": f"{HERE}:{name}", "widths": [2, 4, 8]}, "search.space").fitting(
        (1, 8, 8)
    )
    assert (
        space.choices() == {"width": (2, 4, 8), "act": ("relu", "leaky relu")} and space.size == 6
    )
    network = space.spec({"width": 8, "act": "leaky relu"}).module((1, 8, 8), 3)
    assert tuple(network.first.weight.shape) == (8, 1, 3, 3) and isinstance(
        network.second, torch.nn.LeakyReLU
    )
    names = {
        space.identifier({"width": w, "act": a}) for w in (2, 4, 8) for a in ("relu", "leaky relu")
    }
    assert len(names) == 6 and all(" " not in name for name in names)


def test_space_with_its_own_way_to_freeze() -> None:
    space = create_space(f"{HERE}:Depths", "search.space").fitting((1, 8, 8))
    assert [len(space.spec({"depth": depth}).module((1, 8, 8), 3).body) for depth in (1, 3)] == [
        4,
        6,
    ]


@pytest.mark.parametrize("strategy", ["random", "grid"])
def test_search_runs_on_it(
    search: Search, splits: Splits, synthetic: SyntheticSet, strategy: str
) -> None:
    settings = replace(
        search, space={"name": f"{HERE}:Written", "widths": [2, 4]}, strategy=strategy
    )
    found = [
        settings.run(subject, splits, Context()) for subject in (synthetic, Reference("parameters"))
    ]
    ids = [[row["id"] for row in outcome.detail["architectures"]] for outcome in found]
    assert ids[0] == ids[1] and len(set(ids[0])) == 4
    assert found[0].detail["table"] == found[1].detail["table"]
    assert {row["parameters"] for row in found[0].detail["architectures"]} == {
        2 * 10 + 2 * 3 + 3,
        4 * 10 + 4 * 3 + 3,
    }
    assert json.loads(json.dumps(found[0].as_json()))["detail"]["space"] == {
        "width": [2, 4],
        "act": ["relu", "leaky relu"],
    }


def test_constraints_between_choices_are_kept(search: Search, splits: Splits) -> None:
    settings = replace(search, space=f"{HERE}:Constrained", architectures=6)
    detail = settings.run(Reference("parameters"), splits, Context()).detail
    rows = detail["architectures"]
    assert list(detail["space"]) == ["first", "second"] and detail["failures"] == []
    assert len({(row["first"], row["second"]) for row in rows}) == 6 and all(
        row["first"] <= row["second"] for row in rows
    )
    assert all(
        row["parameters"]
        == 65 * row["first"] + (row["first"] + 1) * row["second"] + (row["second"] + 1) * 3
        for row in rows
    )


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        ("no_such_module:Name", "search.space: no_such_module:Name: cannot be imported"),
        (f"{HERE}:Missing", "has no attribute 'Missing'"),
        (f"{HERE}:NOT_A_CLASS", "is no ModelSpace"),
        ("torch.nn:Linear", "is no ModelSpace"),
        ("__main__:Written", "module that can be imported"),
        ("space.py:Written", "search.space: space.py: cannot be read"),
        (f"{FILE}:Written", "module that can be imported"),
        (f"{FILE}:Writen", "has no class Writen"),
        (f"{HERE}:Range", "'rate' is a range of numbers"),
        (f"{HERE}:Fixed", "nothing to choose"),
        ({"name": f"{HERE}:Written", "width": 3}, "cannot be built with"),
        ("convnet-72", "did you mean 'convnet-720'"),
    ],
)
def test_each_fault_has_a_sentence(space: Any, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        Search(space=space)


def test_channels_and_classes_that_do_not_fit_are_refused(
    search: Search, splits: Splits, synthetic: SyntheticSet
) -> None:
    with pytest.raises(
        UsageError, match=r"does not take images of shape \(1, 8, 8\).*let it take `shape`"
    ):
        replace(search, space=f"{HERE}:ThreeChannels", strategy="grid").run(
            synthetic, splits, Context()
        )
    grey = {"name": f"{HERE}:ThreeChannels", "channels": 1}
    with pytest.raises(UsageError, match=r"outputs \(10,\) for 3 classes; let it take `classes`"):
        replace(search, space=grey, strategy="grid").run(synthetic, splits, Context())
