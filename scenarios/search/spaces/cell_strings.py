"""Cells of NAS-Bench-201 as its authors write them, and which of them are the same network.

A cell is a text such as "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|none~2|":
node after node, each operation with the node that it comes from.

Source: Dong & Yang, "NAS-Bench-201" (ICLR 2020), section 2.1, which counts 6,466 classes of
isomorphic cells. The authors' text of a class keeps edges that bring nothing, and the order in
which sums of sums were written; without these 4,930 of the 15,625 cells differ.
"""

from collections.abc import Mapping
from typing import Any

from condensers.errors import UsageError, shown
from scenarios.search.spaces.letters import NAS_BENCH_EDGES, NAS_BENCH_LETTERS

CLASSES = 4930
NAMES = {"nor_conv_1x1": "conv_1x1", "nor_conv_3x3": "conv_3x3"}  # the authors' -> ours
THEIRS = {ours: theirs for theirs, ours in NAMES.items()}


def parse_cell(text: Any) -> dict[str, str]:
    """Read a cell as its authors write it.

    Args:
        text: The cell's text; anything else is refused.

    Returns:
        The operation of each edge, by our names.

    Raises:
        UsageError: The text is no cell of 3 nodes with 1, 2 and 3 known operations.
    """
    nodes = text.split("+") if isinstance(text, str) else []
    parts = [
        (f"{part.rpartition('~')[2]}_{end}", part.rpartition("~")[0])
        for end, node in enumerate(nodes, 1)
        for part in node.strip("|").split("|")
    ]
    if tuple(edge for edge, _ in parts) != NAS_BENCH_EDGES:
        raise UsageError(
            f"the cell {shown(str(text))} is not one of NAS-Bench-201, such as"
            f" {write_cell(dict.fromkeys(NAS_BENCH_EDGES, 'skip_connect'))}"
        )
    choice = {edge: NAMES.get(name, name) for edge, name in parts}
    unknown = next((name for name in choice.values() if name not in NAS_BENCH_LETTERS), None)
    if unknown is not None:
        known = ", ".join(THEIRS.get(name, name) for name in NAS_BENCH_LETTERS)
        raise UsageError(
            f"the cell {shown(text)} has an operation {shown(unknown)}, which is none of {known}"
        )
    return choice


def write_cell(choice: Mapping[str, str]) -> str:
    """Write a cell as its authors do."""
    nodes = []
    for end in (1, 2, 3):
        names = [choice[f"{start}_{end}"] for start in range(end)]
        parts = [f"{THEIRS.get(name, name)}~{start}" for start, name in enumerate(names)]
        nodes.append(f"|{'|'.join(parts)}|")
    return "+".join(nodes)


def isomorphism_class(choice: Mapping[str, str]) -> str:
    """Return a text that two cells share exactly where they are one network.

    A node is the sum of what reaches it, in any order; "none" brings nothing, nor does an operation
    on a node that nothing reaches; "skip_connect" brings the node's own terms.

    >>> plain = dict.fromkeys(NAS_BENCH_EDGES, "none")
    >>> isomorphism_class(plain | {"0_1": "conv_3x3"}) == isomorphism_class(plain)
    True
    """
    nodes: list[list[str]] = [["x"]]
    for end in (1, 2, 3):
        nodes.append(
            sorted(
                term
                for start in range(end)
                for term in _terms(nodes[start], choice[f"{start}_{end}"])
            )
        )
    return "+".join(nodes[3])


def _terms(node: list[str], operation: str) -> list[str]:
    """What an edge adds to the node at its end. node: the terms of the one that it comes from."""
    if operation == "none" or not node:
        return []
    return (
        node
        if operation == "skip_connect"
        else [f"({'+'.join(node)}){NAS_BENCH_LETTERS[operation]}"]
    )
