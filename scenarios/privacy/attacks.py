"""Membership inference against a network, from its logits on an image (x, y): a score, the higher
the likelier a member.

phi(x, y) = log( p_y / (1 - p_y) )
logit-scaled confidence
LiRA:  log N(phi; m_in(x), s_in^2) - log N(phi; m_out(x), s_out^2)
loss threshold:  -CE(f(x), y) = log p_y

Sources: Carlini et al., "Membership inference attacks from first principles" (IEEE S&P 2022): the
online attack, m_in and m_out being means over the shadow networks that were trained with and
without x; one query an image, no augmentation. The deviations s_in and s_out are common to all
images, as the paper advises for few shadows; ours are pooled within images, theirs are taken over
all values. Yeom et al., "Privacy risk in machine learning" (CSF 2018): a threshold on the loss.

Attacks on a set itself: how near its images are to the real ones that it was made of.

score(x) = -min_j |e(x) - e(y_j)|,   y_j: images of the set, e: an embedding near copies: the share
of y_j with min_i |y_j - x_i| <= q,   x_i: members, q: the first percentile of the distances from
images that were held out to their nearest member. Held-out images would give 1 %.

Source: ours; such distances are the usual test for copies, as "distance to the closest record" of
synthetic tables.

How well scores tell members from non-members: the area under the ROC curve, and true positives at
few false ones.

AUC = P(member > non-member) + P(equal) / 2
TPR at a false-positive rate a: the share of members above the k-th highest of n non-members, k =
floor(a n)

Source: Carlini et al. (IEEE S&P 2022), who ask for the second: an attack that is right about a few
images is an attack. With that k the rate is k / (n + 1), no more than a, where the scores mean
nothing; the highest rate whose false positives are at most a would be (k + 1) / (n + 1) there,
twice a chance attack's at k = 1.
"""

from math import log

import torch
from torch import Tensor
from torch.nn import functional

from scenarios.embeddings import distances

LEAST = 1e-6  # a deviation; that of networks which all agree is 0


def confidence(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the logit-scaled confidence phi = log(p_y / (1 - p_y)), finite for any logits.

    Args:
        logits: (N, K).
        labels: (N,) int64.

    Returns:
        (N,) float64.

    Source: Carlini et al., "Membership inference attacks from first principles" (IEEE S&P 2022).

    >>> confidence(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
    tensor([0.], dtype=torch.float64)
    """
    values, true = logits.double(), labels.view(-1, 1)
    return values.gather(1, true).squeeze(1) - values.scatter(1, true, -torch.inf).logsumexp(1)


def loss_threshold(confidences: Tensor) -> Tensor:
    """Return the score of the loss threshold, minus the cross-entropy, from phi (N,).

    Source: Yeom et al., "Privacy risk in machine learning" (CSF 2018).
    """
    return -functional.softplus(-confidences)


def lira(target: Tensor, shadows: Tensor, inside: Tensor) -> Tensor:
    """Return LiRA's log likelihood ratio of each image.

    Args:
        target: (N,), phi of the attacked network.
        shadows: (S, N), phi of the shadow networks.
        inside: (S, N) bool, which shadow was trained with which image; at least two with it and
            two without.

    Returns:
        (N,) float64, the higher the likelier a member.

    Source: Carlini et al. (IEEE S&P 2022), the online attack with pooled deviations.
    """
    seen, unseen = (_fit_gaussian(shadows, which) for which in (inside, ~inside))
    return _log_density(target, *seen) - _log_density(target, *unseen)


def _fit_gaussian(values: Tensor, which: Tensor) -> tuple[Tensor, float]:
    """Means (N,) of the values (S, N) that `which` marks, and their deviation, pooled over the
    images without bias.
    """
    counts = which.sum(0)
    means = (values * which).sum(0) / counts
    squares = ((values - means).square() * which).sum()
    return means, max(LEAST, float((squares / (counts - 1).sum()).sqrt()))


def _log_density(x: Tensor, mean: Tensor, deviation: float) -> Tensor:
    """But for the constant that both densities share."""
    return -0.5 * ((x - mean) / deviation).square() - log(deviation)


AT_ONCE = 512
PERCENTILE = 0.01


def find_nearest(points: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """Return distance (n,) and index (n,) of the nearest of `among` (m, D) to `points` (n, D)."""
    found = [distances(part, among).min(1) for part in torch.split(points, AT_ONCE)]
    return torch.cat([one.values for one in found]), torch.cat([one.indices for one in found])


def near_copy_rate(made: Tensor, members: Tensor, held_out: Tensor) -> float:
    """Return the percentage of synthetic images that are near copies of a member.

    An image counts if it is as near to a member as one in a hundred held-out images are.

    Args:
        made: (M, D), the images of the set.
        members: (n, D), the real images that it was condensed from.
        held_out: (m, D), other real images.
    """
    limit = find_nearest(held_out, members)[0].double().quantile(PERCENTILE)
    return float((find_nearest(made, members)[0] <= limit).double().mean() * 100)


def auc(members: Tensor, others: Tensor) -> float:
    """Return the area under the ROC curve: 0 to 1, 0.5 by chance.

    Args:
        members: (n,) scores.
        others: (m,) scores.

    >>> auc(torch.tensor([3.0, 1.0]), torch.tensor([2.0, 0.0]))
    0.75
    """
    ranked = others.sort().values
    below, upto = (
        torch.searchsorted(ranked, members.contiguous(), right=right) for right in (False, True)
    )
    return float((below + upto).double().mean()) / (2 * len(others))


def true_positive_rate(members: Tensor, others: Tensor, percent: float) -> float | None:
    """Return the percentage of members found at a false-positive rate.

    Args:
        members: (n,) scores.
        others: (m,) scores.
        percent: The false-positive rate, 0 to 100.

    Returns:
        0 to 100; None if there are too few non-members for one false positive.

    >>> scores = torch.arange(10.0)
    >>> true_positive_rate(scores + 5, scores, percent=10)
    50.0
    """
    allowed = int(percent * len(others) / 100 + 1e-9)
    if not allowed:
        return None
    return float((members > others.topk(allowed).values[-1]).double().mean() * 100)
