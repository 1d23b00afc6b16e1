"""features: inner products of the features of the network at hand.

K(x, y) = < phi(x), phi(y) >, phi the network without its classifier.

Source: Zhou, Nezhadarya & Ba, "Dataset Distillation using Neural Feature Regression" (FRePo, NeurIPS 2022), section 3. The
network stays in the mode it is given in: with batch norm, real and synthetic images are each normalised by their own batch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, cast

from torch import Tensor, nn

from condensers.kernels.base import Kernel
from condensers.kernels.portions import InnerProducts, features_in_portions
from condensers.networks import Network, has_batch_norm
from condensers.setting import Setting


@dataclass(frozen=True)
class Features:
    """Inner products of the given network's features."""

    registered: ClassVar[str] = "features"
    needs: ClassVar[str] = "network"
    passes: ClassVar[tuple[float, float]] = (1 / 3, 1.0)

    def begin(self, given: nn.Module, setting: Setting) -> Kernel:
        dtype = next(given.parameters()).dtype

        def embed(images: Tensor) -> Tensor:
            # Inside, so that a portion that is computed again in the backward pass finds the weights as they were.
            with frozen(given):
                return cast(Network, given).embed(images)

        def phi(images: Tensor) -> Tensor:
            return features_in_portions(embed, images.to(dtype), together=has_batch_norm(given))

        return InnerProducts(phi)


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Forward passes within record no gradients of the weights, which nothing here wants."""
    wanted = [parameter.requires_grad for parameter in network.parameters()]
    network.requires_grad_(False)
    try:
        yield
    finally:
        for parameter, value in zip(network.parameters(), wanted, strict=True):
            parameter.requires_grad_(value)
