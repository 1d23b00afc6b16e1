"""Whether a mask means something: what a classifier loses and gains by its pixels, and how it meets
the true mask.

deletion AUC = int_0^1 p(y | x without its share s of the most relevant pixels) ds,  insertion AUC:
with only these

Source: Petsiuk, Das & Saenko, "RISE" (BMVC 2018), section 4.1 (deleted pixels become the data set's
mean colour, insertion starts from the blurred image); pointing game: Zhang et al., "Top-down neural
attention by excitation backprop" (IJCV 2018).
"""

import torch
from torch import Tensor, nn

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.parts.views.filling import fill_masked, fills

CENTRE_SHARE = 4  # the centred Gaussian's deviation is a quarter of the side


def rank_pixels(masks: Tensor, generator: torch.Generator) -> Tensor:
    """Masks (N, H, W) uint8 -> (N, H * W) int64, 0 for the most relevant pixel; equal values are
    ranked by chance.
    """
    noise = torch.rand((len(masks), masks[0].numel()), generator=generator)
    order = (masks.flatten(1).float() + noise).argsort(1, descending=True)
    return order.argsort(1)


@torch.no_grad()
def measure_curves(
    network: nn.Module, data: ClassData, ranked: Tensor, steps: int, context: Context
) -> tuple[float, float]:
    """Deletion and insertion AUC, each in [0, 1]: means over the images, by the trapezoidal rule on
    steps + 1 points.
    """
    network.eval()
    plain = torch.zeros(ranked.shape[0], *data.shape[1:])
    ends = (
        fills("mean", data, plain, context.generator),
        fills("blur", data, plain, context.generator),
    )
    deletion, insertion = [], []
    for step in context.each(range(steps + 1), "deletion and insertion"):
        taken = _select_most_relevant(ranked, data, step / steps)
        deletion.append(_mean_confidence(network, data, fill_masked(data.images, ~taken, ends[0])))
        insertion.append(_mean_confidence(network, data, fill_masked(data.images, taken, ends[1])))
    deleted, inserted = (
        float(torch.trapezoid(torch.tensor(one), dx=1 / steps)) for one in (deletion, insertion)
    )
    return deleted, inserted


def _select_most_relevant(ranked: Tensor, data: ClassData, share: float) -> Tensor:
    """(N, H, W) bool: this share of each image's pixels, the most relevant ones."""
    return (ranked < round(ranked.shape[1] * share)).view(-1, *data.shape[1:])


def _mean_confidence(network: nn.Module, data: ClassData, images: Tensor) -> float:
    """The mean probability of the images' own labels."""
    logits = torch.cat([network(data.normalise(part)) for part in torch.split(images, 256)])
    return float(torch.softmax(logits, 1).gather(1, data.labels[:, None]).mean())


def pointing_accuracy(ranked: Tensor, truth: Tensor) -> float:
    """Percentage of the images whose most relevant pixel lies in the true mask (N, H, W), bool."""
    return 100 * float(truth.flatten(1).gather(1, ranked.argmin(1, keepdim=True)).double().mean())


def mask_overlap(ranked: Tensor, truth: Tensor) -> float:
    """Mean intersection over union with the true masks, of as many most relevant pixels as the true
    mask has.
    """
    flat = truth.flatten(1)
    chosen = ranked < flat.sum(1, keepdim=True)
    return float(((chosen & flat).sum(1) / (chosen | flat).sum(1).clamp_min(1)).double().mean())


def draw_uniform_masks(data: ClassData, generator: torch.Generator) -> Tensor:
    """Masks (N, H, W) uint8 that mean nothing: every pixel drawn evenly."""
    return torch.randint(
        256, (len(data.images), *data.shape[1:]), generator=generator, dtype=torch.uint8
    )


def make_centre_masks(data: ClassData) -> Tensor:
    """Masks (N, H, W) uint8 that know only where photographers put things: a Gaussian around the
    centre.
    """
    height, width = data.shape[1:]
    sides = [
        (torch.arange(side) - (side - 1) / 2) / (side / CENTRE_SHARE) for side in (height, width)
    ]
    bell = torch.exp(-0.5 * (sides[0][:, None] ** 2 + sides[1][None] ** 2))
    return (255 * bell).round().to(torch.uint8).expand(len(data.images), -1, -1)
