"""The auto-encoder that latent codes and decoders start from.

min_{f, g}  E_x  1/D sum_d || g_d(q(f(x))) - x ||^2 / (C H W)

f: an encoder that ends in a sigmoid and is thrown away; g_d, q: the decoders and the rounding of
codes, as they are stored.

Source: ours; that Lee, Lee & Hwang (2022) start from an auto-encoder is unverified. The encoder,
the loss and Adam with a rate that falls linearly to zero are ours.
"""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.data import ClassData
from condensers.engine import loop as engine
from condensers.engine import optimiser_state
from condensers.engine.context import Context
from condensers.engine.devices import fused
from condensers.parts.parameterisations.base import Groups

if TYPE_CHECKING:
    from condensers.parts.parameterisations.latent import Latent

HIDDEN = 32
IMAGES_AT_ONCE = 1024


class Encoder(nn.Module):
    """Images (N, C, H, W) float32 normalised -> codes (N, c, H / 4, W / 4) in [0, 1]."""

    def __init__(self, colours: int, channels: int, generator: torch.Generator) -> None:
        super().__init__()
        self.halve = nn.Conv2d(colours, HIDDEN // 2, 4, 2, 1)
        self.quarter = nn.Conv2d(HIDDEN // 2, HIDDEN, 4, 2, 1)
        self.code = nn.Conv2d(HIDDEN, channels, 3, 1, 1)
        with torch.no_grad():
            for weight in self.parameters():
                bound = weight[0].numel() ** -0.5 if weight.ndim > 1 else 0.0
                weight.copy_((2 * torch.rand(weight.shape, generator=generator) - 1) * bound)

    def forward(self, images: Tensor) -> Tensor:
        """Return the codes of images (N, C, H, W) float32, normalised."""
        inside = functional.relu(self.quarter(functional.relu(self.halve(images))))
        return torch.sigmoid(self.code(inside))


class AutoEncoder:
    """The engine loop of the warm start; `part` is the latent parameterisation."""

    def __init__(self, part: "Latent", data: ClassData, context: Context) -> None:
        self.part, self.data, self.generator = part, data, context.generator
        with torch.random.fork_rng(
            devices=[]
        ):  # torch's layers draw, before the encoder overwrites what they drew
            self.encoder = Encoder(
                data.shape[0], part.code_shape(data.shape)[0], self.generator
            ).to(data.device)
        self.groups: Groups = part.fresh(data, self.generator)
        self.decoders = self.groups["decoders"].requires_grad_()
        self.optimiser = torch.optim.Adam(
            [*self.encoder.parameters(), self.decoders],
            lr=part.warm_lr,
            fused=fused(data.device),
        )

    def step(self, index: int) -> Tensor:
        """Take one step and return its loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.part.warm_lr * (1 - index / self.part.warm_steps)
        images, _ = self.data.batch(self.part.warm_batch, self.generator)
        decoded = self.part.decode(self.groups | {"codes": self.encoder(images)}, slice(None))
        loss = functional.mse_loss(decoded, images.repeat_interleave(self.part.copies, 0))
        self.optimiser.zero_grad()
        torch.autograd.backward(loss)
        self.optimiser.step()
        return loss.detach()

    @torch.no_grad()
    def codes(self, images: Tensor) -> Tensor:
        """The codes of images (n, C, H, W) float32 normalised."""
        return torch.cat([self.encoder(part) for part in torch.split(images, IMAGES_AT_ONCE)])

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return {
            "encoder": self.encoder.state_dict(),
            "decoders": self.decoders.detach(),
            "optimiser": self.optimiser.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.encoder.load_state_dict(state["encoder"])
        with torch.no_grad():
            self.decoders.copy_(state["decoders"])
        optimiser_state.take_up(self.optimiser, state["optimiser"])


def warm_start(part: "Latent", start: Tensor, data: ClassData, context: Context) -> Groups:
    """Train the auto-encoder on `data`; the codes of `start` (n, C, H, W) float32 normalised, the
    decoders and their range.
    """
    loop = AutoEncoder(part, data, context)
    engine.run(loop, part.warm_steps, context, "warm-start")
    return {
        "codes": loop.codes(start),
        "decoders": loop.decoders.detach().clone(),
        "range": loop.groups["range"],
    }
