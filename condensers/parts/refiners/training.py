"""How a residual refiner is trained: decoded images are to look to a trained network as the real
ones do.

min_w  E  sum_b || f_b(R_w(d)) - f_b(x) ||^2 / || f_b(x) - mean f_b ||^2    (features)
min_w  E  || R_w(d) - x ||^2 / 255^2                                        (pixels)

f_b: block b of a ConvNet that was trained for a while on the real images; R_w rounds as storage
does, gradients pass straight through.

Source: ours; features of a trained network as a distance of images: Johnson, Alahi & Fei-Fei,
"Perceptual losses for real-time style transfer and super-resolution" (ECCV 2016).
"""

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from condensers.data import ClassData
from condensers.engine import loop as engine
from condensers.engine import optimiser_state
from condensers.engine.context import Context
from condensers.engine.devices import fused, send
from condensers.networks import Network
from condensers.networks.convnet import ConvNetSpec
from condensers.parts.refiners.base import ImagePairs, as_seen, grey_levels
from condensers.training.classifier import Training, train_fresh

if TYPE_CHECKING:
    from condensers.parts.refiners.residual import Residual


class RefinerTraining:
    """The engine loop."""

    def __init__(
        self,
        part: "Residual",
        pairs: ImagePairs,
        data: ClassData,
        network: nn.Module | None,
        context: Context,
    ) -> None:
        self.part, self.data, self.network = part, data, network
        self.generator = context.generator
        # Half of the bits do for training, where nothing has to be the same everywhere.
        self.levels = grey_levels(pairs.decoded, data.mean, data.std).detach().float()
        self.real = pairs.real
        fresh = part.fresh(data.shape[0], self.generator)
        self.weights = fresh.to(self.levels.device).requires_grad_()
        self.optimiser = torch.optim.Adam(
            [self.weights], lr=part.lr, fused=fused(self.levels.device)
        )

    def step(self, index: int) -> Tensor:
        """Take one step and return its loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.part.lr * (1 - index / self.part.steps)
        count = min(self.part.batch, len(self.levels))
        chosen = torch.randperm(len(self.levels), generator=self.generator)[:count]
        chosen = send(chosen, self.levels.device)
        refined = self.part.refine(self.levels[chosen], self.weights)
        loss = self._distance(refined, self.real[chosen])
        self.optimiser.zero_grad()
        torch.autograd.backward(loss, inputs=[self.weights])
        self.optimiser.step()
        return loss.detach()

    def _distance(self, refined: Tensor, real: Tensor) -> Tensor:
        mean, std = self.data.mean, self.data.std
        if self.network is None:
            return ((refined - real) / 255).square().mean().float()
        network = cast(Network, self.network)
        seen = self.data.network_input(as_seen(refined, mean, std))
        with torch.no_grad():
            wanted_features = network.features(self.data.normalise(real))
        terms = [
            (found - wanted).square().sum()
            / (wanted - wanted.mean(0)).square().sum().clamp(min=1e-6)
            for found, wanted in zip(network.features(seen), wanted_features, strict=True)
        ]
        return torch.stack(terms).sum()

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return {"weights": self.weights.detach(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        with torch.no_grad():
            self.weights.copy_(state["weights"])
        optimiser_state.take_up(self.optimiser, state["optimiser"])


def train(part: "Residual", pairs: ImagePairs, data: ClassData, context: Context) -> Tensor:
    """Train the weights (P,) of a refiner; a run that was interrupted after it reads them again."""

    def compute() -> list[float]:
        network = None
        if part.loss == "features":
            recipe = Training(steps=max(1, part.feature_steps), batch=part.batch)
            lent = context.fork("features")
            network = train_fresh(
                ConvNetSpec(width=part.feature_width), data, recipe, lent, "refiner's features"
            )
            network.eval().requires_grad_(False)
        loop = RefinerTraining(part, pairs, data, network, context)
        engine.run(loop, part.steps, context, "refiner")
        found: list[float] = loop.weights.detach().cpu().tolist()
        return found

    weights = torch.tensor(context.memo("weights", compute), dtype=torch.float32)
    return weights.to(pairs.decoded.device)
