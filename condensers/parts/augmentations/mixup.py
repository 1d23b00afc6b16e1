"""Mixup: an image and its label are mixed with another's.

x = r x_a + (1 - r) x_b,  y = r y_a + (1 - r) y_b,  r uniform in [0, 1)

One r serves a whole batch, each image of which is paired with another by a random order.

Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization" (ICLR 2018), section 2, and the
authors' code for alpha = 1, which they use on CIFAR-10: the beta distribution is the uniform one.
"""

import torch
from torch import Tensor
from torch.nn import functional

from condensers.engine.devices import send


def mixup(
    images: Tensor, labels: Tensor, classes: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Images (n, C, H, W), mixed in a random order, and their labels (n, classes), probabilities.

    labels: (n,) int64, or (n, classes) probabilities. The images given are left as they are.
    """
    probabilities = (
        functional.one_hot(labels, classes).to(images.dtype) if labels.ndim == 1 else labels
    )
    kept = float(torch.rand((), generator=generator))
    other = send(torch.randperm(len(images), generator=generator), images.device)
    return (
        kept * images + (1 - kept) * images[other],
        kept * probabilities + (1 - kept) * probabilities[other],
    )
