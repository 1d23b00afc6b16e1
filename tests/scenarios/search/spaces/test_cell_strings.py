"""Cells of NAS-Bench-201 as texts, and which of them are one network."""

from itertools import product

import pytest
import torch

from condensers.errors import UsageError
from scenarios.search.spaces.cell_strings import (
    CLASSES,
    isomorphism_class,
    parse_cell,
    write_cell,
)
from scenarios.search.spaces.letters import NAS_BENCH_EDGES, NAS_BENCH_LETTERS
from scenarios.search.spaces.nas_bench_201 import NasBench201Space

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"


def test_a_cell_is_read_and_written_as_its_authors_do() -> None:
    choice = parse_cell(CELL)
    assert choice == {
        "0_1": "conv_3x3",
        "0_2": "none",
        "1_2": "skip_connect",
        "0_3": "avg_pool_3x3",
        "1_3": "none",
        "2_3": "conv_1x1",
    }
    assert tuple(choice) == NAS_BENCH_EDGES and write_cell(choice) == CELL


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not one of NAS-Bench-201"),
        (3, "is not one of NAS-Bench-201"),
        (CELL + "+|none~0|", "is not one of NAS-Bench-201"),
        (CELL.replace("skip_connect~1", "skip_connect~2"), "is not one of NAS-Bench-201"),
        (CELL.replace("nor_conv_3x3", "conv_5x5"), "has an operation 'conv_5x5'"),
    ],
)
def test_what_is_no_cell_is_refused(text: object, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        parse_cell(text)


def test_there_are_so_many_different_cells() -> None:
    every = [
        dict(zip(NAS_BENCH_EDGES, names, strict=True))
        for names in product(NAS_BENCH_LETTERS, repeat=6)
    ]
    assert len({isomorphism_class(choice) for choice in every}) == CLASSES


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"0_3": "conv_3x3"}, {"0_1": "skip_connect", "1_3": "conv_3x3"}, True),
        ({"0_3": "conv_3x3"}, {"0_3": "conv_3x3", "0_1": "conv_1x1"}, True),  # leads nowhere
        ({"0_3": "conv_3x3"}, {"0_3": "conv_3x3", "2_3": "conv_1x1"}, True),  # comes from nowhere
        ({"0_3": "conv_3x3"}, {"0_3": "conv_1x1"}, False),
        ({"0_3": "skip_connect"}, {"0_3": "skip_connect", "0_1": "skip_connect"}, True),
        (
            {"0_3": "skip_connect"},
            {"0_3": "skip_connect", "0_1": "skip_connect", "1_3": "skip_connect"},
            False,  # the sum of two is not one
        ),
    ],
)
def test_isomorphic_cells_have_one_class(
    one: dict[str, str], other: dict[str, str], same: bool
) -> None:
    plain = dict.fromkeys(NAS_BENCH_EDGES, "none")
    assert (isomorphism_class(plain | one) == isomorphism_class(plain | other)) is same


def test_isomorphic_cells_compute_the_same() -> None:
    """The same convolution over two ways, with the same weights."""
    plain, space = dict.fromkeys(NAS_BENCH_EDGES, "none"), NasBench201Space(channels=2)
    outputs = []
    for way in ({"0_3": "conv_3x3"}, {"0_2": "skip_connect", "2_3": "conv_3x3"}):
        torch.manual_seed(0)
        network = space.spec(plain | way).module((3, 8, 8), 4).eval()
        for parameter in network.parameters():
            torch.nn.init.constant_(parameter, 0.1)
        outputs.append(network(torch.linspace(0, 1, 192).reshape(1, 3, 8, 8)))
    assert torch.equal(*outputs)
