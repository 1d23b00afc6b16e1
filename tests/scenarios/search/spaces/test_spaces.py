import itertools

import pytest
import torch
from nni.nas.space import model_context

from condensers.errors import UsageError
from condensers.networks.convnet import ConvNet
from scenarios.registry import SCENARIOS, SPACES
from scenarios.search.candidate import identifier, parameter_count
from scenarios.search.model_space import ChoiceSpace
from scenarios.search.spaces.convnet import ConvNetSpace, SmallConvNetSpace


def test_published_space_has_720_different_networks() -> None:
    space = ConvNetSpace()
    choices = space.choices()
    specs = {
        space.spec(dict(zip(choices, values, strict=True)))
        for values in itertools.product(*choices.values())
    }
    assert space.size == len(specs) == 720
    assert (
        len(
            {
                identifier(dict(zip(choices, values, strict=True)))
                for values in itertools.product(*choices.values())
            }
        )
        == 720
    )


def test_nni_sees_every_choice_of_the_space() -> None:
    space = SmallConvNetSpace()
    seen = ChoiceSpace(space).simplify()
    assert {name: tuple(mutable.values) for name, mutable in seen.items()} == space.choices()
    assert SmallConvNetSpace().size == 108


def test_frozen_nni_model_has_the_choice_of_our_convnet() -> None:
    choice = {"depth": 2, "width": 16, "norm": "batch", "activation": "leakyrelu", "pooling": "max"}
    with model_context(choice):
        model = ChoiceSpace(SmallConvNetSpace())
    assert model.choice == choice
    network = SmallConvNetSpace().spec(model.choice).module((3, 8, 8), 10)
    assert isinstance(network, ConvNet)
    assert [tuple(block[0].weight.shape) for block in network.blocks] == [
        (16, 3, 3, 3),
        (16, 16, 3, 3),
    ]
    assert network(torch.zeros(5, 3, 8, 8)).shape == (5, 10)


def test_depths_that_pooling_exhausts_are_dropped() -> None:
    assert ConvNetSpace().fitting((1, 8, 8)).depths == (1, 2, 3)
    assert ConvNetSpace().fitting((1, 28, 28)).depths == (1, 2, 3, 4)
    assert ConvNetSpace(poolings=("none",)).fitting((1, 8, 8)).depths == (1, 2, 3, 4)
    with pytest.raises(UsageError, match="4-pixel"):
        ConvNetSpace(depths=(3, 4)).fitting((1, 4, 4))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"norms": ["batches"]}, "batches"),
        ({"depths": [0]}, "least allowed value"),
        ({"widths": []}, "width has no values"),
        ({"poolings": ["max", "max"]}, "repeated"),
        ({"norms": ["group"], "widths": [6]}, "width 6"),
    ],
)
def test_bad_choices_are_refused(settings: dict[str, list[object]], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SPACES.create({"name": "convnet-720", **settings})


def test_parameter_count_of_a_network_written_out() -> None:
    spec = SmallConvNetSpace().spec(
        {"depth": 1, "width": 8, "norm": "none", "activation": "relu", "pooling": "avg"}
    )
    assert parameter_count(spec, (1, 8, 8), 10) == (9 * 1 * 8 + 8) + (8 * 4 * 4 * 10 + 10)


def test_its_fields_are_described() -> None:
    assert {field["name"]: field["default"] for field in SPACES.describe("convnet-720")["fields"]}[
        "depths"
    ] == [1, 2, 3, 4]
    assert "architectures" in [field["name"] for field in SCENARIOS.describe("search")["fields"]]
