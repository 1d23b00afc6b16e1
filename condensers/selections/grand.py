"""GraNd: the real images whose loss has the longest gradient in all parameters of a network at or near its initialisation.

score_i = mean_f || grad_theta CE( f_theta(x_i), y_i ) ||_2

Source: Paul, Ganguli & Dziugaite, "Deep learning on a data diet: finding important examples early in training" (NeurIPS 2021),
section 2. The paper scores at initialisation (`epochs` 0) or after a few epochs. Batch norm is in evaluation mode, so that the
gradient of an image is its own. Norms are exact: no layer is left out.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from condensers.data import ClassData
from condensers.fields import hyper
from condensers.selections.scored import Memory, Scored

NUMBERS_AT_ONCE = 2**27  # of gradients that are held together: half a GiB


@dataclass(frozen=True)
class GraNd(Scored):
    """GraNd: real images by the norm of their loss's gradient."""

    epochs: int = hyper(0, unit="epochs before the images are scored", source="Paul et al.: at initialisation", minimum=0)
    networks: int = hyper(10, unit="networks whose scores are averaged", source="Paul et al., as we recall", minimum=1)
    keep: str = hyper("hardest", source="Paul et al.", values=("hardest", "easiest"))

    registered: ClassVar[str] = "grand"
    scoring: ClassVar[float] = 5.0

    def scores(self, network: nn.Module, data: ClassData, positions: Tensor, memory: Memory) -> Tensor:
        """Norms (n,)."""
        images, labels = data.normalise(data.images[positions]), data.labels[positions]
        # A CPU is slow at the gradients of many copies of a convolution: one image after the other is as fast with a narrow
        # network, and two to three times as fast with a wide one.
        return (norms_together if images.is_cuda else norms_one_by_one)(network, images, labels)


def norms_one_by_one(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Gradient norms (n,) of images (n, C, H, W) and labels (n,), a backward pass each."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    norms = []
    for image, label in zip(torch.split(images, 1), torch.split(labels, 1), strict=True):
        gradients = torch.autograd.grad(functional.cross_entropy(network(image), label), parameters)
        norms.append(torch.stack([g.square().sum() for g in gradients]).sum().sqrt())
    return torch.stack(norms)


def norms_together(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The same, vectorised over as many images as memory is meant for."""
    parameters = {name: p.detach() for name, p in network.named_parameters()}
    buffers = dict(network.named_buffers())

    def loss(weights: dict[str, Tensor], image: Tensor, label: Tensor) -> Tensor:
        logits = functional_call(network, (weights, buffers), (image[None],))
        return functional.cross_entropy(logits, label[None])

    each = vmap(grad(loss), in_dims=(None, 0, 0))
    size = max(1, NUMBERS_AT_ONCE // sum(p.numel() for p in parameters.values()))
    norms = []
    for part, classes in zip(torch.split(images, size), torch.split(labels, size), strict=True):
        gradients = each(parameters, part, classes)
        norms.append(torch.stack([g.flatten(1).square().sum(1) for g in gradients.values()]).sum(0).sqrt())
    return torch.cat(norms)
