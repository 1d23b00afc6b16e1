"""Kernels of what networks make of images."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, cast, final

import torch
from torch import Tensor, nn

from condensers.hyperparameters import hyper
from condensers.networks import Network, has_batch_norm
from condensers.networks.convnet import ConvNet, ConvNetSpec
from condensers.parts.objectives.kernels.base import (
    InnerProducts,
    Kernel,
    KernelSpec,
    features_in_portions,
)
from condensers.parts.setting import Given, Needs, RunSetting, require_network


@final
@dataclass(frozen=True)
class Features(KernelSpec):
    """features: inner products of the features of the network at hand.

    K(x, y) = < phi(x), phi(y) >, phi the network without its classifier.

    Source: Zhou, Nezhadarya & Ba, "Dataset Distillation using Neural Feature Regression" (FRePo,
    NeurIPS 2022), section 3. The network stays in the mode it is given in: with batch norm, real
    and synthetic images are each normalised by their own batch.
    """

    registered: ClassVar[str] = "features"
    needs: ClassVar[Needs] = Needs.NETWORK
    capturable: ClassVar[bool] = True

    def begin(self, given: Given, setting: RunSetting) -> Kernel:
        """Return the inner products of the network's embeddings."""
        network = require_network(given)
        dtype = next(network.parameters()).dtype

        def embed(images: Tensor) -> Tensor:
            # Inside, so that a portion that is computed again in the backward pass finds the
            # weights as they were.
            with freeze(network):
                return cast(Network, network).embed(images)

        def phi(images: Tensor) -> Tensor:
            return features_in_portions(embed, images.to(dtype), together=has_batch_norm(network))

        return InnerProducts(phi)


@contextmanager
def freeze(network: nn.Module) -> Iterator[None]:
    """Forward passes within record no gradients of the weights, which nothing here wants."""
    wanted = [parameter.requires_grad for parameter in network.parameters()]
    network.requires_grad_(False)
    try:
        yield
    finally:
        for parameter, value in zip(network.parameters(), wanted, strict=True):
            parameter.requires_grad_(value)


@final
@dataclass(frozen=True)
class RandomFeatureNNGP(KernelSpec):
    """rf_nngp: the kernel of infinitely wide ConvNets' outputs (NNGP), estimated by the features of
    a few finite random ones, new at every step.

    K(x, y) = w^2 Phi(x) Phi(y)^T + b^2,  Phi = ( phi_1, ..., phi_M ) / sqrt(M D),  phi_j the D
    features of ConvNet j

    with weights N(0, w^2 / fan-in) and biases N(0, b^2), drawn anew at every step. For w^2 = 2, b^2
    = 0.01: 2 Phi Phi^T + 0.01.

    Source: Loo, Hasani, Amini & Rus, "Efficient Dataset Distillation using Random Feature
    Approximation" (RFAD, NeurIPS 2022), section 3, and the authors' code for 8 networks of width
    256 without norms. That the hidden layers take the readout's variances is ours. The estimate has
    the exact kernel as its expectation only in the limit of wide layers.
    """

    models: int = hyper(
        8, unit="networks", help="networks drawn for each step", source="RFAD's code", minimum=1
    )
    width: int = hyper(256, unit="channels", source="RFAD's code", minimum=1)
    depth: int = hyper(3, unit="blocks", source="RFAD, section 4", minimum=1)
    pooling: str = hyper(
        "avg",
        help="pooling at the end of each block",
        source="RFAD, section 4",
        values=("none", "max", "avg"),
    )
    weight_variance: float = hyper(
        2.0,
        help="variance of the weights, times fan-in",
        source="RFAD's code: K = 2 Phi Phi^T + 0.01",
        minimum=0.0,
    )
    bias_variance: float = hyper(
        0.01,
        help="variance of the biases",
        source="RFAD's code: K = 2 Phi Phi^T + 0.01",
        minimum=0.0,
    )

    registered: ClassVar[str] = "rf_nngp"

    @property
    def passes(self) -> tuple[float, float]:
        """What an image costs, in passes of a network of width 128."""
        cost = self.models * (self.width / 128) ** 2
        return cost / 3, cost

    def begin(self, given: Given, setting: RunSetting) -> Kernel:
        """Draw the networks and return the kernel of their features."""
        networks = [self._network(setting) for _ in range(self.models)]

        def phi(images: Tensor) -> Tensor:
            features = [features_in_portions(network.embed, images.float()) for network in networks]
            return torch.cat(features, 1) / math.sqrt(len(networks) * features[0].shape[1])

        return InnerProducts(phi, self.weight_variance, self.bias_variance)

    def _network(self, setting: RunSetting) -> ConvNet:
        """A ConvNet with Gaussian weights; laid out without weights first, since torch's own start
        would be thrown away.
        """
        spec = ConvNetSpec(depth=self.depth, width=self.width, norm="none", pooling=self.pooling)
        with torch.device("meta"):
            network = spec.module(setting.shape, setting.classes).requires_grad_(False)
        seed = int(torch.randint(2**62, (1,), generator=setting.generator))
        own = torch.Generator(setting.data.device).manual_seed(seed)
        network.to_empty(device=setting.data.device)
        for parameter in network.blocks.parameters():
            variance = (
                self.bias_variance
                if parameter.ndim == 1
                else self.weight_variance / parameter[0].numel()
            )
            parameter.normal_(0.0, math.sqrt(variance), generator=own)
        return network
