"""The losses that networks are trained with, by name.

kl                  KL(q || softmax(z / T)),  q = softmax(s / T)
soft-cross-entropy  - sum_k q_k log softmax(z / T)_k; its gradient in z is that of kl
mse+cross-entropy   mean_k (z_k - s_k)^2 + w CE(z, class)

z are logits, s a teacher's, T the temperature, w the weight; means over images. The first two may
be multiplied by T^2. Source: Li et al., "DD-Ranking" (2025), `ddranking/loss` of its code, version
0.2.0.
"""

from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from condensers.training.recipe import OptimiserOptions

SOFT_LOSSES = ("kl", "soft-cross-entropy")
BOTH = "mse+cross-entropy"
SMALLEST = 1e-12  # probability


def loss_of(
    logits: Tensor, labels: Tensor, name: str, options: "OptimiserOptions | None" = None
) -> Tensor:
    """Mean loss of logits (n, K).

    Args:
        logits: (n, K).
        labels: (n,) int64, or (n, K) float: probabilities, of "kl" and "soft-cross-entropy" those
            of `soften`; of "mse" what is regressed. "mse+cross-entropy" takes (n, 2 K), what is
            regressed and then the classes' probabilities.
        name: One of `condensers.training.recipe.LOSSES`.
        options: Temperature and weight of the soft losses, which need them.
    """
    if name == "cross-entropy":
        return functional.cross_entropy(logits, labels)
    if name == "binary":
        return functional.binary_cross_entropy_with_logits(logits, _probabilities(labels, logits))
    if name == "mse":
        wanted = labels if labels.ndim == 2 else centred_onehot(labels, logits.shape[1])
        return 0.5 * (logits - wanted).square().sum(1).mean()
    assert options is not None, f"the loss {name} needs its options"
    if name == BOTH:
        return _regress_and_classify(logits, labels, options.cross_entropy_weight)
    wanted, heat = _probabilities(labels, logits), options.temperature
    found = functional.log_softmax(logits / heat, 1)
    loss = (
        functional.kl_div(found, wanted, reduction="batchmean")
        if name == "kl"
        else -(wanted * found).sum(1).mean()
    )
    return loss * heat**2 if options.temperature_squared else loss


def _regress_and_classify(logits: Tensor, labels: Tensor, weight: float) -> Tensor:
    classes = logits.shape[1]
    if labels.ndim == 1:
        scores, wanted = centred_onehot(labels, classes), _probabilities(labels, logits)
    else:
        scores, wanted = labels[:, :classes], labels[:, classes:]
    return functional.mse_loss(logits, scores) + weight * functional.cross_entropy(logits, wanted)


def _probabilities(labels: Tensor, logits: Tensor) -> Tensor:
    return labels if labels.ndim == 2 else functional.one_hot(labels, logits.shape[1]).float()


def soften(scores: Tensor, temperature: float) -> Tensor:
    """A teacher's logits (n, K) -> probabilities (n, K), softmax(scores / temperature)."""
    return functional.softmax(scores / temperature, 1)


def as_scores(probabilities: Tensor) -> Tensor:
    """Probabilities (n, K) -> the logits (n, K) of mean 0 that give them; none is below 1e-12."""
    logs: Tensor = probabilities.clamp_min(SMALLEST).log()
    return logs - logs.mean(1, keepdim=True)


def centred_onehot(labels: Tensor, classes: int) -> Tensor:
    """(n,) int64 -> (n, K) float32, onehot - 1/K: what classes are as labels to regress on."""
    return functional.one_hot(labels, classes).float() - 1 / classes
