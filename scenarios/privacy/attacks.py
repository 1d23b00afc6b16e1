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

from scenarios.data_space.points import distances

LEAST = 1e-6  # a deviation; that of networks which all agree is 0


def confidence(logits: Tensor, labels: Tensor) -> Tensor:
    """phi (N,) float64 of logits (N, K) and labels (N,); finite however sure the network is."""
    values, true = logits.double(), labels.view(-1, 1)
    return values.gather(1, true).squeeze(1) - values.scatter(1, true, -torch.inf).logsumexp(1)


def loss_threshold(confidences: Tensor) -> Tensor:
    """Minus the cross-entropy, from phi: log p = -log(1 + exp(-phi))."""
    return -functional.softplus(-confidences)


def lira(target: Tensor, shadows: Tensor, inside: Tensor) -> Tensor:
    """The log ratio (N,). target: phi (N,). shadows: phi (S, N); inside (S, N) bool: half of S for
    each image, at least two.
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
    """Distance (n,) and index (n,) of the nearest of `among` (m, D) for each of `points` (n, D)."""
    found = [distances(part, among).min(1) for part in torch.split(points, AT_ONCE)]
    return torch.cat([one.values for one in found]), torch.cat([one.indices for one in found])


def near_copy_rate(made: Tensor, members: Tensor, held_out: Tensor) -> float:
    """Percentage of the images made (M, D) that are as near to a member (n, D) as one in a hundred
    held-out images (m, D).
    """
    limit = find_nearest(held_out, members)[0].double().quantile(PERCENTILE)
    return float((find_nearest(made, members)[0] <= limit).double().mean() * 100)


def auc(members: Tensor, others: Tensor) -> float:
    """0 to 1, 0.5 by chance. members (n,), others (m,): scores, any float."""
    ranked = others.sort().values
    below, upto = (
        torch.searchsorted(ranked, members.contiguous(), right=right) for right in (False, True)
    )
    return float((below + upto).double().mean()) / (2 * len(others))


def true_positive_rate(members: Tensor, others: Tensor, percent: float) -> float | None:
    """% of members found at `percent` false positives; None where there are too few non-members for
    one.
    """
    allowed = int(percent * len(others) / 100 + 1e-9)
    if not allowed:
        return None
    return float((members > others.topk(allowed).values[-1]).double().mean() * 100)
