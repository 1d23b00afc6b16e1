"""Networks for recorded functions: a graph reads weights where they were when it was recorded,
while runs go from network to network.
"""

import copy
from collections.abc import Callable, Hashable, Sequence

import torch
from torch import Tensor, nn

from condensers.engine.capture import Captures, copy_all

OfNetwork = Callable[[nn.Module, Sequence[Tensor]], Sequence[Tensor]]
"""What is recorded: takes a network and tensors, as `Captures.call` says of functions."""


class StandingNetworks:
    """Networks that never move, one for each shape of those of a run.

    Attributes:
        captures: The graphs.
        networks: Shape and modes -> the network that stands for such.
    """

    def __init__(self, captures: Captures) -> None:
        self.captures = captures
        self.networks: dict[Hashable, nn.Module] = {}
        self.network = nn.Module()
        self.shape: Hashable = None

    def enter(self, network: nn.Module) -> None:
        """Take the weights that `network` has now; what is called next is under them."""
        modes = tuple(module.training for module in network.modules())
        self.network, self.shape = network, (repr(network), modes)
        if self.shape not in self.networks:
            self.networks[self.shape] = copy.deepcopy(network)
        standing = self.networks[self.shape]
        with torch.no_grad():
            copy_all(list(standing.parameters()), list(network.parameters()))

    def call(self, name: Hashable, function: OfNetwork, given: Sequence[Tensor]) -> list[Tensor]:
        """Return what `function` gives under the weights taken, from its graph if there is one.

        The network's buffers, such as the statistics of batch norms, go into the graph and come
        back from it: it is tried out before it is recorded, which must leave no trace.

        Args:
            name: Stands for all that the function depends on but network and `given`.
            function: Takes the network that stands for the present one, and `given`.
            given: Tensors.
        """
        standing, buffers = self.networks[self.shape], list(self.network.buffers())
        count = len(buffers)

        def with_buffers(*tensors: Tensor) -> Sequence[Tensor]:
            copy_all(list(standing.buffers()), tensors[:count])
            return *standing.buffers(), *function(standing, tensors[count:])

        found = self.captures.call((name, self.shape), with_buffers, [*buffers, *given])
        copy_all(buffers, found[:count])
        return found[count:]
