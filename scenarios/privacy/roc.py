"""How well scores tell members from non-members: the area under the ROC curve, and true positives at few false ones.

AUC = P(member > non-member) + P(equal) / 2
TPR at a false-positive rate a: the share of members above the k-th highest of n non-members, k = floor(a n)

Source: Carlini et al. (IEEE S&P 2022), who ask for the second: an attack that is right about a few images is an attack. With that
k the rate is k / (n + 1), no more than a, where the scores mean nothing; the highest rate whose false positives are at most a
would be (k + 1) / (n + 1) there, twice a chance attack's at k = 1.
"""

import torch
from torch import Tensor


def auc(members: Tensor, others: Tensor) -> float:
    """0 to 1, 0.5 by chance. members (n,), others (m,): scores, any float."""
    ranked = others.sort().values
    below, upto = (torch.searchsorted(ranked, members.contiguous(), right=right) for right in (False, True))
    return float((below + upto).double().mean()) / (2 * len(others))


def true_positive_rate(members: Tensor, others: Tensor, percent: float) -> float | None:
    """% of members found at `percent` false positives; None where there are too few non-members for one."""
    allowed = int(percent * len(others) / 100 + 1e-9)
    if not allowed:
        return None
    return float((members > others.topk(allowed).values[-1]).double().mean() * 100)
