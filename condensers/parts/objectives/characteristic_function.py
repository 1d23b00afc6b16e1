"""Characteristic function matching: the distance of the characteristic functions of embeddings,
class by class, at frequencies that a sampling network is trained to make it great at.

L = scale sum_c mean_f sqrt( alpha ( |P_r| - |P_s| )^2 + (1 - alpha) 2 ( |P_r| |P_s| - Re( P_r
conj(P_s) ) ) )

P_x = mean_b exp( j < t_f, z(x_b) > ),   t_f = psi(e_k) * e_f,   e_k and e_f standard normal

P_r and P_s belong to the real and the synthetic images of a class, z is the embedding divided by
its length. The first term is the difference of amplitudes, the second, 2 |P_r| |P_s| (1 - cos(a_r -
a_s)), that of phases. The images descend L while psi, which gives a standard deviation for every
feature, ascends it: frequencies are a scale mixture of normals, whose components serve 16 of them
each. psi is three times a linear layer and batch norm, with leaky ReLUs between and a tanh at the
end; it is no part of the set, and its memory grows with the square of the embedding.

Source: Wang et al., "Dataset Distillation with Neural Characteristic Function: A Minmax
Perspective" (NCFM, CVPR 2025), eq. 7 and 8 and section 4.2.2, and the authors' code for psi, scale
and alpha. Not taken over from that code: its psi gives the frequencies themselves, each repeated
16 times, so that 64 of them are 4 different ones and `num_freqs` counts for nothing; the normal
numbers by which the paper multiplies are commented out there. Differences from that code: psi's
gradient is taken in the same backward pass as the images', at the same point, by reversing its
sign; its optimiser is that of the images, not always SGD; its linear layers have no bias, which
batch norm would take away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers import networks
from condensers.engine.devices import send
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks import Network
from condensers.parts.objectives.base import Learned, Pair, PairwiseObjective
from condensers.parts.objectives.mean_embedding import real_embeddings, synthetic_embeddings
from condensers.parts.setting import RunSetting

LAYERS, COMPONENT = 3, 16
LEAST = 1e-12


@final
@dataclass(frozen=True)
class CharacteristicFunction(PairwiseObjective):
    """Distance between the characteristic functions of the embeddings of real and synthetic images
    of each class.
    """

    frequencies: int = hyper(
        1024,
        unit="frequencies",
        help="frequencies of a class at each step",
        source="NCFM, section 5.1",
        minimum=2 * COMPONENT,
    )
    alpha: float = hyper(
        0.5,
        help="weight of the amplitudes, 0 to 1; that of the phases is the rest",
        source="NCFM's code, alpha_for_loss",
        minimum=0.0,
    )
    sampling: str = hyper(
        "learned",
        help="how frequencies are drawn; normal: without the sampling network",
        source="NCFM, section 4.2.2",
        values=("learned", "normal"),
    )
    lr: float = hyper(
        1e-3,
        help="learning rate of the sampling network",
        source="NCFM's code, lr_sampling_net",
        minimum=0.0,
    )
    scale: float = hyper(
        300.0, help="factor of the whole loss", source="NCFM's code, match_loss", minimum=0.0
    )

    registered: ClassVar[str] = "characteristic-function"
    couples_classes: ClassVar[bool] = False
    batches_classes: ClassVar[bool] = True
    passes: ClassVar[tuple[float, float]] = (1 / 3, 1.0)

    def __post_init__(self) -> None:
        if self.alpha > 1:
            raise UsageError(
                f"objective characteristic-function.alpha: {self.alpha} must be from 0 to 1"
            )

    @property
    def learns_across_classes(self) -> bool:
        """Whether there is a sampling network, which learns from all classes."""
        return self.sampling == "learned"

    def extras(self, setting: RunSetting) -> dict[str, Learned]:
        """The sampling network: matrices (D, D), and the gains and shifts (D,) of its norms."""
        if self.sampling == "normal":
            return {}
        size = embedding_size(setting)
        generator = setting.context.fork("frequencies").generator
        found = {}
        for layer in range(LAYERS):
            uniform = torch.rand(size, size, generator=generator)
            weight = send((2 * uniform - 1) / size**0.5, setting.data.device)
            found[f"weight{layer}"] = Learned(weight, self.lr, stored=False)
            for name, start in (("gain", 1.0), ("shift", 0.0)):
                one = torch.full((size,), start, device=setting.data.device)
                found[f"{name}{layer}"] = Learned(one, self.lr, stored=False)
        return found

    def loss(self, network: nn.Module, pairs: Sequence[Pair]) -> Tensor:
        """Return the loss at normal frequencies of a fixed draw; a run takes `loss_in_run`."""
        return self.loss_in_run(network, pairs, {}, torch.Generator().manual_seed(0))

    def loss_in_run(
        self,
        network: nn.Module,
        pairs: Sequence[Pair],
        learned: Mapping[str, Tensor],
        generator: torch.Generator,
    ) -> Tensor:
        """Return the sum over the pairs, each at frequencies of its own; the sampling network's
        gradient is that of -loss.
        """
        real, synthetic = real_embeddings(network, pairs), synthetic_embeddings(network, pairs)
        each = []
        for r, s in zip(real, synthetic, strict=True):
            r, s = functional.normalize(r), functional.normalize(s)
            t = self._draw(s, learned, generator)
            each.append(characteristic_function(r, s, t, self.alpha))
        return self.scale * torch.stack(each).sum()

    def _draw(
        self, embedded: Tensor, learned: Mapping[str, Tensor], generator: torch.Generator
    ) -> Tensor:
        """Frequencies (F, D) for embeddings (n, D)."""
        size, count = embedded.shape[1], self.frequencies
        normal = torch.randn(count, size, generator=generator)
        normal = send(normal.to(embedded.dtype), embedded.device)
        if not learned:
            return normal
        if learned["weight0"].shape[1] != size:
            raise UsageError(
                "objective characteristic-function: its sampling network was made for embeddings"
                f" of {learned['weight0'].shape[1]} numbers, and a network gives {size}; take"
                " networks of one kind, or sampling normal"
            )
        noise = torch.randn(-(-count // COMPONENT), size, generator=generator)
        noise = send(noise.to(embedded.dtype), embedded.device)
        deviations = sampling_network(noise, learned)
        ascending = 2 * deviations.detach() - deviations  # the same numbers, the gradient reversed
        return ascending.repeat_interleave(COMPONENT, 0)[:count] * normal


def characteristic_function(
    real: Tensor, synthetic: Tensor, frequencies: Tensor, alpha: float = 0.5
) -> Tensor:
    """Return the distance between the characteristic functions of two samples.

    Args:
        real: (n, D), embeddings of real images.
        synthetic: (m, D), embeddings of synthetic images, differentiable.
        frequencies: (F, D), differentiable.
        alpha: Weight of the amplitudes, 0 to 1; that of the phases is 1 - alpha.

    Returns:
        A scalar, the mean over the frequencies; 0 for two equal samples.

    >>> import torch
    >>> real, synthetic = torch.tensor([[0.0]]), torch.tensor([[torch.pi]])
    >>> frequency = torch.tensor([[1.0]])  # exp(0) = 1, exp(j pi) = -1: all the difference is phase
    >>> [round(float(characteristic_function(real, synthetic, frequency, a)), 3) for a in (0, 1)]
    [2.0, 0.0]
    """
    a, b = _mean_of_waves(real, frequencies), _mean_of_waves(synthetic, frequencies)
    lengths = [x.square().sum(0).clamp_min(LEAST).sqrt() for x in (a, b)]
    amplitude = (lengths[0] - lengths[1]).square()
    phase = 2 * (lengths[0] * lengths[1] - (a * b).sum(0))
    squared = alpha * amplitude + (1 - alpha) * phase.clamp_min(0)
    return squared.clamp_min(LEAST).sqrt().mean()


def _mean_of_waves(embedded: Tensor, frequencies: Tensor) -> Tensor:
    """Real and imaginary parts (2, F) of the characteristic function of a sample (n, D)."""
    angles = frequencies @ embedded.T
    return torch.stack([angles.cos().mean(1), angles.sin().mean(1)])


def sampling_network(noise: Tensor, learned: Mapping[str, Tensor]) -> Tensor:
    """Return standard deviations (K, D), between -1 and 1, where the sign has no meaning.

    Args:
        noise: (K, D), standard normal, K from 2 on.
        learned: The tensors of `CharacteristicFunction.extras` by name.
    """
    x = noise
    for layer in range(LAYERS):
        x = functional.linear(x, learned[f"weight{layer}"])
        gain, shift = learned[f"gain{layer}"], learned[f"shift{layer}"]
        x = functional.batch_norm(x, None, None, gain, shift, training=True)
        x = functional.leaky_relu(x, 0.2) if layer < LAYERS - 1 else torch.tanh(x)
    return x


@torch.no_grad()
def embedding_size(setting: RunSetting) -> int:
    """Return D, the numbers that the run's network embeds an image to."""
    built = networks.build(
        setting.network, setting.shape, setting.classes, torch.Generator(), setting.data.device
    )
    images = torch.zeros(1, *setting.shape, device=setting.data.device)
    return int(cast(Network, built.eval()).embed(images).shape[1])
