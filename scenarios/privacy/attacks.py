"""Membership inference against a network, from its logits on an image (x, y): a score, the higher the likelier a member.

phi(x, y) = log( p_y / (1 - p_y) )                                                       logit-scaled confidence
LiRA:  log N(phi; m_in(x), s_in^2) - log N(phi; m_out(x), s_out^2)
loss threshold:  -CE(f(x), y) = log p_y

Sources: Carlini et al., "Membership inference attacks from first principles" (IEEE S&P 2022): the online attack, m_in and m_out
being means over the shadow networks that were trained with and without x; one query an image, no augmentation. The deviations
s_in and s_out are common to all images, as the paper advises for few shadows; ours are pooled within images, theirs are taken
over all values. Yeom et al., "Privacy risk in machine learning" (CSF 2018): a threshold on the loss.
"""

from math import log

import torch
from torch import Tensor
from torch.nn import functional

LEAST = 1e-6  # a deviation; that of networks which all agree is 0


def confidence(logits: Tensor, labels: Tensor) -> Tensor:
    """phi (N,) float64 of logits (N, K) and labels (N,); finite however sure the network is."""
    values, true = logits.double(), labels.view(-1, 1)
    return values.gather(1, true).squeeze(1) - values.scatter(1, true, -torch.inf).logsumexp(1)


def loss_threshold(confidences: Tensor) -> Tensor:
    """Minus the cross-entropy, from phi: log p = -log(1 + exp(-phi))."""
    return -functional.softplus(-confidences)


def lira(target: Tensor, shadows: Tensor, inside: Tensor) -> Tensor:
    """The log ratio (N,). target: phi (N,). shadows: phi (S, N); inside (S, N) bool: half of S for each image, at least two."""
    seen, unseen = (_gaussian(shadows, which) for which in (inside, ~inside))
    return _log_density(target, *seen) - _log_density(target, *unseen)


def _gaussian(values: Tensor, which: Tensor) -> tuple[Tensor, float]:
    """Means (N,) of the values (S, N) that `which` marks, and their deviation, pooled over the images without bias."""
    counts = which.sum(0)
    means = (values * which).sum(0) / counts
    squares = ((values - means).square() * which).sum()
    return means, max(LEAST, float((squares / (counts - 1).sum()).sqrt()))


def _log_density(x: Tensor, mean: Tensor, deviation: float) -> Tensor:
    """But for the constant that both densities share."""
    return -0.5 * ((x - mean) / deviation).square() - log(deviation)
