import random
from itertools import product
from typing import Any

import pytest
import torch

from condensers import networks
from condensers.errors import UsageError
from scenarios.registry import SPACES
from scenarios.search.candidate import parameter_count
from scenarios.search.spaces.darts import DartsSpace
from scenarios.search.spaces.letters import NAS_BENCH_EDGES
from scenarios.search.spaces.nas_bench_201 import NasBench201Space
from scenarios.search.spaces.operations import OPERATIONS

# The cell "DARTS_V2" of the authors' genotypes.py, as pairs of inputs and operations.
DARTS_V2 = {
    "normal": [
        *["0+1 sep_conv_3x3 sep_conv_3x3"] * 2,
        "0+1 skip_connect sep_conv_3x3",
        "0+2 skip_connect dil_conv_3x3",
    ],
    "reduce": [
        "0+1 max_pool_3x3 max_pool_3x3",
        *(f"{pair} max_pool_3x3 skip_connect" for pair in ("1+2", "0+2", "1+2")),
    ],
}


def drawn(space: Any, seed: int) -> dict[str, Any]:
    source = random.Random(seed)
    return {name: source.choice(values) for name, values in space.choices().items()}


def test_sizes_are_the_published_ones() -> None:
    assert NasBench201Space().size == 5**6 == 15625
    assert DartsSpace().size == (7**8 * 1 * 3 * 6 * 10) ** 2


@pytest.mark.parametrize(
    ("operation", "parameters"), [("conv_3x3", 1_531_546), ("skip_connect", 73_306)]
)
def test_nas_bench_201_has_the_published_number_of_parameters(
    operation: str, parameters: int
) -> None:
    spec = NasBench201Space(channels=16, cells=5).spec(dict.fromkeys(NAS_BENCH_EDGES, operation))
    assert parameter_count(spec, (3, 32, 32), 10) == parameters


def test_darts_cell_has_the_published_number_of_parameters() -> None:
    choice = {}
    for cell, nodes in DARTS_V2.items():
        for node, text in enumerate(nodes, start=2):
            pair = text.split()
            choice |= {
                f"{cell}_inputs_{node}": pair[0],
                f"{cell}_op_{node}_0": pair[1],
                f"{cell}_op_{node}_1": pair[2],
            }
    assert (
        round(
            parameter_count(DartsSpace(channels=36, cells=20).spec(choice), (3, 32, 32), 10) / 1e6,
            1,
        )
        == 3.3
    )


@pytest.mark.parametrize("name", ["nas-bench-201", "darts"])
@pytest.mark.parametrize("shape", [(1, 5, 7), (3, 8, 8)])
def test_networks_take_grey_and_odd_images_and_learn(
    name: str, shape: tuple[int, int, int]
) -> None:
    space = SPACES.create(name).fitting(shape)
    for seed in range(3):
        network = networks.build(space.spec(drawn(space, seed)), shape, 4, torch.Generator())
        logits = network(torch.randn(6, *shape, generator=torch.Generator().manual_seed(1)))
        assert logits.shape == (6, 4)
        logits.square().sum().backward()
        assert network.classifier.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["nas-bench-201", "darts"])
def test_choice_sample_and_identifier_go_together(name: str) -> None:
    space = SPACES.create(name)
    choices = [drawn(space, seed) for seed in range(50)]
    assert [space.choice(space.sample(choice)) for choice in choices] == choices
    names = {space.identifier(choice) for choice in choices}
    assert len(names) == 50 and all(
        len(found) <= 40 and found.replace("-", "").isalnum() for found in names
    )
    assert set(space.supernet((1, 8, 8), 3).simplify()) == set(space.sample(choices[0]))


def test_cell_is_the_sum_over_its_paths() -> None:
    """With identities on 0-1 and 1-3 only, a cell is the identity; with one on 0-3 too, twice
    that.
    """
    for edges, factor in ((("0_1", "1_3"), 1), (("0_1", "1_3", "0_3"), 2), (("0_1", "1_2"), 0)):
        choice = {edge: "skip_connect" if edge in edges else "none" for edge in NAS_BENCH_EDGES}
        cell = NasBench201Space().spec(choice).module((1, 8, 8), 2).body[2]
        x = torch.randn(2, 8, 4, 4, generator=torch.Generator().manual_seed(0))
        assert torch.equal(cell(x), factor * x)


def test_pair_of_inputs_without_order_keeps_its_operations() -> None:
    space = DartsSpace()
    choice = drawn(space, 0)
    sample = space.sample(choice)
    for part in ("op", "input"):
        first, second = f"normal/{part}_4_0", f"normal/{part}_4_1"
        sample[first], sample[second] = sample[second], sample[first]
    assert space.choice(sample) == choice


@pytest.mark.parametrize(
    ("name", "stride"), [pair for pair in product(OPERATIONS, (1, 2)) if pair != ("none", 2)]
)
def test_operations_round_sizes_up(name: str, stride: int) -> None:
    found = OPERATIONS[name](4, stride)(torch.zeros(2, 4, 7, 6))
    assert found.shape == (2, 4, -(-7 // stride), -(-6 // stride))


@pytest.mark.parametrize("stride", [1, 2])
def test_poolings_are_those_of_torch_to_the_last_bit_of_a_maximum(stride: int) -> None:
    """Ties and what is no number, too: the gradient goes to the same pixel."""
    images = torch.randn(2, 5, 7, 6, generator=torch.Generator().manual_seed(0)).round()
    images[0, 1, 2, 3] = float("nan")
    for name, plain, tolerance in (
        ("max_pool_3x3", torch.nn.MaxPool2d(3, stride, 1), 0.0),
        ("avg_pool_3x3", torch.nn.AvgPool2d(3, stride, 1, count_include_pad=False), 1e-6),
    ):
        found, wanted = images.clone().requires_grad_(), images.clone().requires_grad_()
        out, expected = OPERATIONS[name](5, stride)(found), plain(wanted)
        torch.testing.assert_close(out, expected, rtol=0, atol=tolerance, equal_nan=True)
        weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
        for result in (out, expected):
            (result * weights).sum().backward()
        torch.testing.assert_close(found.grad, wanted.grad, rtol=0, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize(("name", "shape"), [("darts", (1, 4, 8)), ("nas-bench-201", (3, 4, 4))])
def test_images_that_are_too_small_are_refused(name: str, shape: tuple[int, int, int]) -> None:
    with pytest.raises(UsageError, match="too small"):
        SPACES.create(name).fitting(shape)


def test_odd_channels_are_refused() -> None:
    with pytest.raises(UsageError, match="even number"):
        SPACES.create({"name": "darts", "channels": 5})
