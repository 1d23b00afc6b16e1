"""DARTS: a normal and a reduction cell, each of 4 nodes with an operation on each of two inputs.

Source: Liu et al., "DARTS: Differentiable Architecture Search" (ICLR 2019), sections 2.1 and 3.1.
Of the paper's eight operations "zero" serves the relaxation only, so that a found cell has one of
seven, and a cell has about 1e9 forms. A network of n cells halves its images at n/3 and 2n/3. A
published search has 16 channels and 8 cells.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from scenarios.search.spaces.base import WeightSharingSpace
from scenarios.search.spaces.frozen import FrozenSpec, size_of
from scenarios.search.spaces.letters import DARTS_CELLS, DARTS_LETTERS

NODES = (2, 3, 4, 5)  # the first two are the outputs of the two cells before


@dataclass(frozen=True)
class DartsSpace(WeightSharingSpace):
    """Normal and reduction cells of 4 nodes, in a network of the size given."""

    channels: int = hyper(
        4, unit="channels", source="ours, for a CPU; DARTS: 16 in search, 36 after", minimum=1
    )
    cells: int = hyper(
        4, unit="cells", source="ours, for a CPU; DARTS: 8 in search, 20 after", minimum=3
    )

    registered: ClassVar[str] = "darts"

    def __post_init__(self) -> None:
        if self.channels % 2:
            raise UsageError(
                f"darts: {self.channels} channels cannot be halved, as skipping a reduction needs;"
                " take an even number"
            )

    def choices(self) -> dict[str, tuple[Any, ...]]:
        """ "normal_inputs_3": pairs such as "0+2"; "normal_op_3_0": the operation on the first of
        them; and so on.
        """
        found: dict[str, tuple[Any, ...]] = {}
        for cell in DARTS_CELLS:
            for node in NODES:
                found[f"{cell}_inputs_{node}"] = tuple(
                    f"{a}+{b}" for a, b in combinations(range(node), 2)
                )
                found |= {f"{cell}_op_{node}_{which}": tuple(DARTS_LETTERS) for which in (0, 1)}
        return found

    @property
    def size(self) -> int:
        return size_of(self.choices())

    def spec(self, choice: Mapping[str, Any]) -> FrozenSpec:
        return FrozenSpec(self, self.sample(choice))

    def fitting(self, shape: tuple[int, int, int]) -> "DartsSpace":
        """The space itself; UsageError for images of fewer than 5 pixels, of which two halvings
        leave a single one.
        """
        if min(shape[1:]) < 5:
            raise UsageError(
                f"darts: images of {shape[1]} x {shape[2]} pixels are too small; take 5 x 5 or more"
            )
        return self

    def identifier(self, choice: Mapping[str, Any]) -> str:
        """Input and letter for each edge of both cells, as in "0313...-0s1m..."."""
        return "-".join(
            "".join(self._node(choice, cell, node) for node in NODES) for cell in DARTS_CELLS
        )

    def _node(self, choice: Mapping[str, Any], cell: str, node: int) -> str:
        inputs = choice[f"{cell}_inputs_{node}"].split("+")
        return "".join(
            f"{index}{DARTS_LETTERS[choice[f'{cell}_op_{node}_{which}']]}"
            for which, index in enumerate(inputs)
        )

    def supernet(self, shape: tuple[int, int, int], classes: int) -> Any:
        from scenarios.search.spaces.supernets import DartsSupernet  # NNI takes seconds to import

        return DartsSupernet(shape[0], classes, self.channels, self.cells)

    def sample(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in choice.items():
            cell, _, label = name.partition("_")
            if not label.startswith("inputs"):
                found[f"{cell}/{label}"] = value
                continue
            for which, index in enumerate(value.split("+")):
                found[f"{cell}/{label.replace('inputs', 'input')}_{which}"] = [int(index)]
        return found

    def choice(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for cell in DARTS_CELLS:
            for node in NODES:
                edges = [
                    (sample[f"{cell}/input_{node}_{which}"], sample[f"{cell}/op_{node}_{which}"])
                    for which in (0, 1)
                ]
                # a pair has no order of its own: NNI gives the stronger edge first
                edges = sorted(
                    (source[0] if isinstance(source, list) else source, operation)
                    for source, operation in edges
                )
                found[f"{cell}_inputs_{node}"] = f"{edges[0][0]}+{edges[1][0]}"
                found |= {
                    f"{cell}_op_{node}_{which}": operation
                    for which, (_, operation) in enumerate(edges)
                }
        return found
