"""NAS-Bench-201: three stages of equal cells; each of a cell's 6 edges has one of 5 operations, so
there are 15,625 cells.

Source: Dong & Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search"
(ICLR 2020), section 2. A published network has 16 channels in the stem and 5 cells a stage.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from scenarios.search.spaces.base import WeightSharingSpace
from scenarios.search.spaces.frozen import FrozenSpec, size_of
from scenarios.search.spaces.letters import NAS_BENCH_EDGES, NAS_BENCH_LETTERS


@dataclass(frozen=True)
class NasBench201Space(WeightSharingSpace):
    """Cells of 6 edges with 5 operations each, in a network of the size given."""

    channels: int = hyper(
        8,
        unit="channels",
        help="channels of the stem",
        source="ours, for a CPU; NAS-Bench-201: 16",
        minimum=1,
    )
    cells: int = hyper(
        1,
        unit="cells",
        help="cells in each stage",
        source="ours, for a CPU; NAS-Bench-201: 5",
        minimum=1,
    )

    registered: ClassVar[str] = "nas-bench-201"

    def choices(self) -> dict[str, tuple[Any, ...]]:
        """ "i_j", the edge from node i to node j -> the operations on it."""
        return {edge: tuple(NAS_BENCH_LETTERS) for edge in NAS_BENCH_EDGES}

    @property
    def size(self) -> int:
        return size_of(self.choices())

    def spec(self, choice: Mapping[str, Any]) -> FrozenSpec:
        return FrozenSpec(self, self.sample(choice))

    def fitting(self, shape: tuple[int, int, int]) -> "NasBench201Space":
        """The space itself; UsageError for images of fewer than 5 pixels, of which two halvings
        leave a single one.
        """
        if min(shape[1:]) < 5:
            raise UsageError(
                f"nas-bench-201: images of {shape[1]} x {shape[2]} pixels are too small; take 5 x 5"
                " or more"
            )
        return self

    def identifier(self, choice: Mapping[str, Any]) -> str:
        """A letter for each edge, as in "3s013a"."""
        return "".join(NAS_BENCH_LETTERS[choice[edge]] for edge in NAS_BENCH_EDGES)

    def supernet(self, shape: tuple[int, int, int], classes: int) -> Any:
        from scenarios.search.spaces.supernets import (
            NasBench201Supernet,
        )  # NNI takes seconds to import

        return NasBench201Supernet(shape[0], classes, self.channels, self.cells)

    def sample(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        return dict(choice)

    def choice(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        return {edge: sample[edge] for edge in NAS_BENCH_EDGES}
