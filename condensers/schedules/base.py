"""Where the network of each step comes from."""

from collections.abc import Callable
from typing import Any, Protocol

from torch import Tensor, nn

SyntheticBatch = Callable[[], tuple[Tensor, Tensor]]


class Schedule(Protocol):
    """Gives the network for each step of the matching loop; its state goes into the checkpoint."""

    def network(self, step: int, synthetic: SyntheticBatch) -> nn.Module:
        """The network for `step`; `synthetic` gives the present images (M, C, H, W) and labels (M,) without a graph."""
        ...

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...
