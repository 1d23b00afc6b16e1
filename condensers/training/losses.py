"""The losses that networks are trained with, by name."""

from torch import Tensor
from torch.nn import functional


def loss_of(logits: Tensor, labels: Tensor, name: str) -> Tensor:
    """Mean loss of logits (n, K) on labels (n,) int64 or (n, K) float."""
    if name == "cross-entropy":
        return functional.cross_entropy(logits, labels)
    if name == "binary":
        wanted = labels if labels.ndim == 2 else functional.one_hot(labels, logits.shape[1]).float()
        return functional.binary_cross_entropy_with_logits(logits, wanted)
    wanted = labels if labels.ndim == 2 else centred_onehot(labels, logits.shape[1])
    return 0.5 * (logits - wanted).square().sum(1).mean()


def centred_onehot(labels: Tensor, classes: int) -> Tensor:
    """(n,) int64 -> (n, K) float32, onehot - 1/K: what classes are as labels to regress on."""
    return functional.one_hot(labels, classes).float() - 1 / classes
