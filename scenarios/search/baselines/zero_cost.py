"""What zero-cost scores share: an untrained network, one minibatch of real training images, and a
number.

Source: Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS" (ICLR 2021). The minibatch is
the same for all architectures of one seed, and initial weights are those that the proxies of that
seed begin with.
"""

import math
from collections.abc import Callable
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers import networks
from condensers.data import ClassData
from condensers.engine.clock import read_work_clock
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.networks.base import NetworkSpec
from condensers.networks.precision import by_modules
from scenarios.protocol import Splits
from scenarios.search.baselines.base import Baseline, Judge

if TYPE_CHECKING:
    from scenarios.search.scenario import Search

Score = Callable[[nn.Module, Tensor, Tensor], float]


@dataclass(frozen=True)
class ZeroCost(Judge):
    """Judges an untrained network by `score`(network in training mode, images (n, C, H, W) float32
    normalised, labels (n,)).

    batch: images of the minibatch. images: how many of them count as processed: none where they are
    not looked at.
    """

    data: ClassData
    batch: int
    score: Score
    title: str
    images: int

    unit: ClassVar[str] = "score"
    independent_seed: ClassVar[bool] = False

    @property
    def measures(self) -> str:
        return self.title

    def judge(self, spec: NetworkSpec, name: str, context: Context) -> dict[str, Any]:
        """The record of one architecture; RuntimeError where its score is not a finite number."""
        part = context.fork(f"architecture-{name}")
        drawn = context.fork("zero-cost").generator
        found: dict[str, Any] = part.memo("result", lambda: self._judge(spec, part, drawn))
        return found

    def _judge(self, spec: NetworkSpec, context: Context, drawn: torch.Generator) -> dict[str, Any]:
        images, labels = self.data.batch(self.batch, drawn)
        network = networks.build(
            spec, self.data.shape, len(self.data.class_names), context.generator, context.device
        )
        begun = read_work_clock(context.device)
        score = self.score(network.train(), images, labels)
        seconds = read_work_clock(context.device) - begun
        if not math.isfinite(score):
            raise RuntimeError(f"{self.measures}: the score is {score}, not a finite number")
        return {"score": score, "seconds": seconds, "images": self.images}


def make_minibatch_judge(settings: "Search", data: Splits, score: Score, measures: str) -> ZeroCost:
    """A judge that passes the minibatch of `settings`, a `Search`, forward and backward."""
    batch = min(settings.zero_cost_batch, len(data.train.images))
    return ZeroCost(data.train, batch, score, measures, batch)


def weights(network: nn.Module) -> list[Tensor]:
    """The weights of all convolutions and linear layers, which is where the scores of single
    weights are summed.
    """
    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
    return [
        module.weight
        for module in network.modules()
        if isinstance(module, kinds) and module.weight.requires_grad
    ]


def gradients(network: nn.Module, images: Tensor, labels: Tensor) -> list[Tensor]:
    """Of the cross-entropy, for each of `weights`; zeros where a weight has no part in it."""
    loss = functional.cross_entropy(network(images), labels)
    return list(
        torch.autograd.grad(loss, weights(network), allow_unused=True, materialize_grads=True)
    )


def grad_norm(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """images (n, C, H, W) float32, labels (n,) int64."""
    return float(sum(gradient.double().norm() for gradient in gradients(network, images, labels)))


@dataclass(frozen=True)
class GradNorm(Baseline):
    """Gradient norm: the sum of the lengths of the layers' gradients of one minibatch, untrained.

    S = sum_l || dL/dW_l ||_2   over convolutions and linear layers, L the cross-entropy of one
    minibatch

    Source: Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS" (ICLR 2021), section 3.
    """

    registered: ClassVar[str] = "grad-norm"

    def judge(self, settings: "Search", data: Splits) -> ZeroCost:
        return make_minibatch_judge(settings, data, grad_norm, "gradient norm")

    def images(self, settings: "Search", data: Splits) -> float:
        return float(settings.zero_cost_batch)


K = 1e-5


def score_jacobian(jacobian: Tensor) -> float:
    """The score of rows (n, pixels) float; a row without variance correlates with no other."""
    centred = jacobian.double() - jacobian.double().mean(1, keepdim=True)
    unit = centred / centred.norm(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float64).tiny)
    values = torch.linalg.eigvalsh((unit @ unit.T).cpu()).clamp_min(0) + K
    return -float((values.log() + 1 / values).sum())


def jacob_cov(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """images (n, C, H, W) float32."""
    images = images.clone().requires_grad_()
    (jacobian,) = torch.autograd.grad(
        network(images).sum(), images, allow_unused=True, materialize_grads=True
    )
    return score_jacobian(jacobian.flatten(1))


@dataclass(frozen=True)
class JacobCov(Baseline):
    """Jacobian covariance: how little the slopes of an untrained network at different images are
    correlated.

    J_i = d(sum of logits)/dx_i,   v: eigenvalues of corr(J),   score = -sum_i [log(v_i + k) + 1 /
    (v_i + k)],   k = 1e-5

    Source: Mellor et al., "Neural Architecture Search without Training", first version (arXiv
    2006.04647v1); "jacob_cov" of Abdelfattah et al. (ICLR 2021).
    """

    registered: ClassVar[str] = "jacob-cov"

    def judge(self, settings: "Search", data: Splits) -> ZeroCost:
        return make_minibatch_judge(settings, data, jacob_cov, "jacobian covariance")

    def images(self, settings: "Search", data: Splits) -> float:
        return float(settings.zero_cost_batch)


PIECES = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ReLU6, nn.ELU, nn.CELU, nn.SELU)
SMOOTH = (
    nn.Sigmoid,
    nn.Tanh,
    nn.SiLU,
    nn.GELU,
    nn.Mish,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.Hardtanh,
    nn.Softplus,
    nn.Softsign,
)
SMALLEST = 1e-6


def hamming_kernel(codes: Tensor) -> Tensor:
    """K (n, n) float64: in how many of their units the codes (n, units) bool agree."""
    signs = codes.float() * 2 - 1  # sums of these are exact for up to 2^24 units
    return (codes.shape[1] + (signs @ signs.T).double()) / 2


def log_determinant(matrix: Tensor) -> float:
    """Of a symmetric (n, n) matrix without negative eigenvalues; those below 1e-6 count as 1e-6."""
    return float(torch.linalg.eigvalsh(matrix.cpu()).clamp_min(SMALLEST).log().sum())


@torch.no_grad()
def naswot(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """images (n, C, H, W) float32. UsageError where the network has no activation modules."""
    kernels: list[Tensor] = []
    activations = [module for module in network.modules() if isinstance(module, PIECES + SMOOTH)]
    with by_modules(), ExitStack() as hooks:  # a block that is one operation calls no hooks
        for activation in activations:
            seen = activation.register_forward_pre_hook(
                lambda _, given: kernels.append(hamming_kernel(given[0].flatten(1) > 0))
            )
            hooks.enter_context(seen)
        network(images)
    if not kernels:
        raise UsageError(
            "naswot: the network has no activation that is a module of torch.nn; take another"
            " baseline"
        )
    return log_determinant(torch.stack(kernels).sum(0))


@dataclass(frozen=True)
class NASWOT(Baseline):
    """NASWOT: log-determinant of how the signs before activations agree between images, untrained.

    NASWOT: how differently a network's units fire for different images.

    K_ij = N - d_H(c_i, c_j),   score = log det K   c_i: the signs of all N inputs of activations
    for image i; d_H: Hamming distance

    Source: Mellor et al., "Neural Architecture Search without Training" (ICML 2021), there of
    ReLUs: the sign tells which of the two pieces is taken. Sigmoids and their like have no pieces;
    the sign before them tells on which side of their middle they are. Images that no unit tells
    apart make det K zero: eigenvalues count as 1e-6 at least, for a finite score.
    """

    registered: ClassVar[str] = "naswot"

    def judge(self, settings: "Search", data: Splits) -> ZeroCost:
        return make_minibatch_judge(settings, data, naswot, "naswot")

    def images(self, settings: "Search", data: Splits) -> float:
        return settings.zero_cost_batch / 3


def snip(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """images (n, C, H, W) float32, labels (n,) int64."""
    pairs = zip(weights(network), gradients(network, images, labels), strict=True)
    return float(
        sum((weight.detach() * gradient).abs().double().sum() for weight, gradient in pairs)
    )


@dataclass(frozen=True)
class Snip(Baseline):
    """SNIP: the sum of |weight x gradient| of one minibatch, untrained.

    SNIP: how much the loss depends on each weight, summed.

    S = sum_w |w dL/dw|   over the weights of convolutions and linear layers, L the cross-entropy of
    one minibatch

    Source: Lee et al., "SNIP: Single-shot Network Pruning" (ICLR 2019), its connection sensitivity
    before it is normalised; summed as a score of a network by Abdelfattah et al. (ICLR 2021).
    """

    registered: ClassVar[str] = "snip"

    def judge(self, settings: "Search", data: Splits) -> ZeroCost:
        return make_minibatch_judge(settings, data, snip, "snip")

    def images(self, settings: "Search", data: Splits) -> float:
        return float(settings.zero_cost_batch)


NORMS = (
    nn.modules.batchnorm._NormBase,
    nn.GroupNorm,
    nn.LayerNorm,
)  # _NormBase: batch and instance norms


def synflow(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """images (n, C, H, W): their shape counts alone."""
    linear = deepcopy(network).double().eval()
    with torch.no_grad():
        for parameter in linear.parameters():
            parameter.abs_()
    ones = torch.ones(1, *images.shape[1:], dtype=torch.float64, device=images.device)
    with by_modules(), ExitStack() as hooks:  # a block that is one operation calls no hooks
        for module in linear.modules():
            if isinstance(module, NORMS):
                hooks.enter_context(module.register_forward_hook(lambda _, given, __: given[0]))
        flow = linear(ones).sum()
    found = weights(linear)
    slopes = torch.autograd.grad(flow, found, allow_unused=True, materialize_grads=True)
    total = sum(
        (weight.detach() * slope).sum() for weight, slope in zip(found, slopes, strict=True)
    )
    return float(torch.as_tensor(total).clamp_min(torch.finfo(torch.float64).tiny).log())


@dataclass(frozen=True)
class SynFlow(Baseline):
    """SynFlow: log of the flow through a network of absolute weights from an image of ones, norms
    left out.

    R = 1^T f(1; |theta|),   S = sum_w |w| dR/d|w|,   score = log S   over the weights of
    convolutions and linear layers

    Source: Tanaka et al., "Pruning neural networks without any data by iteratively conserving
    synaptic flow" (NeurIPS 2020); as a score of networks by Abdelfattah et al. (ICLR 2021). As in
    the latter's code norms are left out: an instance norm subtracts the mean, and most of the flow
    with it. In double precision and evaluation mode; the logarithm keeps ranks and does not
    overflow.
    """

    registered: ClassVar[str] = "synflow"

    def judge(self, settings: "Search", data: Splits) -> ZeroCost:
        return ZeroCost(data.train, 1, synflow, "synflow, logarithm", 0)

    def images(self, settings: "Search", data: Splits) -> float:
        return 0.0
