"""Kernel ridge regression: the real images' labels, as the synthetic set predicts them through a
kernel.

P = K_ts ( K_ss + r tr(K_ss) / n I )^-1 y_s,
mse:      L = 1/2 mean_bk ( P - y_t )^2               (KIP, its notebook)
mse-sum:  L = 1/2 mean_b sum_k ( P - y_t )^2          (FRePo, its code)
platt:    L = mean_b cross-entropy( exp(q) P, class ) with q learned (RFAD, its code)
and with a margin weight m:  L - m mean_s min( top1(y_s) - top2(y_s), 1/K )   (FRePo's code)

s synthetic, t real; y_t is the centred one-hot label, onehot - 1/K, and so is y_s where labels are
hard.

Source: Nguyen, Chen & Lee, "Dataset meta-learning from kernel ridge-regression" (KIP, ICLR 2021),
eq. 3 to 5; Zhou, Nezhadarya & Ba (FRePo, NeurIPS 2022); Loo et al. (RFAD, NeurIPS 2022). The mean
over synthetic images in the margin term, and the set doubled by its mirror images (`flip`) in the
order images, mirrored images, are those of FRePo's code (`proto_train_step`). With an
augmentation the real images are augmented, image by image, and the synthetic ones are not.
"""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn import functional

from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.parts.objectives.base import Learned, Whole, WholeSetObjective
from condensers.parts.objectives.kernels.base import Kernel, KernelSpec
from condensers.parts.setting import Given, Needs, RunSetting
from condensers.registry.registry import KERNELS
from condensers.training.losses import centred_onehot

INDEFINITE = (
    "objective kernel-regression: the kernel matrix of the synthetic images is not positive"
    " definite (images that are equal, or not finite); raise `ridge`, take dtype float64, or lower"
    " `lr`"
)
DTYPES = {"float32": torch.float32, "float64": torch.float64}


@final
@dataclass(frozen=True)
class KernelRegression(WholeSetObjective):
    """Loss of kernel ridge regression from the synthetic set to real images."""

    kernel: KernelSpec = hyper("fc_ntk", source="KIP's notebook", part="kernel")
    ridge: float = hyper(
        1e-6,
        help="regularisation, relative to the mean of the kernel matrix's diagonal",
        source="KIP, FRePo",
        minimum=0.0,
    )
    criterion: str = hyper(
        "mse", help="loss of the predicted labels", source="KIP", values=("mse", "mse-sum", "platt")
    )
    margin: float = hyper(
        0.0, help="weight of the label margin", source="ours: FRePo has 1", minimum=0.0
    )
    flip: bool = hyper(
        False,
        help="double the set by mirror images, if they keep their label",
        source="ours: FRePo does",
    )
    platt_lr: float = hyper(0.01, help="learning rate of q", source="RFAD's code", minimum=0.0)
    dtype: str = hyper(
        "float64",
        help="dtype of kernel and solution",
        source="KIP's notebook",
        values=("float32", "float64"),
    )

    registered: ClassVar[str] = "kernel-regression"
    couples_classes: ClassVar[bool] = True
    label_forms: ClassVar[tuple[str, ...]] = ("scores",)

    @property
    def needs(self) -> Needs:
        """What the kernel needs of the model schedule."""
        return self._kernel().needs

    @property
    def passes(self) -> tuple[float, float]:
        """Passes of the run's network that a real and a synthetic image cost, roughly."""
        return self._kernel().passes

    @property
    def capturable(self) -> bool:
        """Whether a step with the kernel may be recorded as a CUDA graph."""
        return self._kernel().capturable

    def _kernel(self) -> KernelSpec:
        kernel: KernelSpec = KERNELS.create(self.kernel)
        return kernel

    def extras(self, setting: RunSetting) -> dict[str, Learned]:
        """The logarithm q of Platt's scale, which is not stored."""
        if self.criterion != "platt":
            return {}
        return {
            "platt": Learned(
                torch.zeros(1, device=setting.data.device), self.platt_lr, stored=False
            )
        }

    def recipe(self) -> dict[str, str]:
        """Networks are regressed on labels of form "scores"."""
        return {"loss": "mse"}

    def advise(self, device: torch.device) -> str:
        """On a graphics card nobody asks in the step whether the kernel matrix has a factor; if the
        loss is no number, it has none.
        """
        return super().advise(device) if device.type == "cpu" else INDEFINITE

    def loss(self, given: Given, whole: Whole) -> Tensor:
        """A scalar of the field `dtype`, differentiable in images, learned labels and q."""
        dtype, classes = DTYPES[self.dtype], whole.setting.classes
        kernel = self._kernel().begin(given, whole.setting)
        images, labels = whole.images.to(dtype), targets(whole.labels, classes).to(dtype)
        real = whole.augment(whole.real).to(dtype)
        if self.flip and whole.setting.data.mirror:
            images, labels = torch.cat([images, images.flip(-1)]), torch.cat([labels, labels])
        predicted = ridge_predictions(kernel, images, labels, real, self.ridge)
        loss = self._criterion(predicted, whole)
        return (
            loss - self.margin * label_margin(whole.labels)
            if self.margin and whole.labels.ndim == 2
            else loss
        )

    def _criterion(self, predicted: Tensor, whole: Whole) -> Tensor:
        if self.criterion == "platt":
            return functional.cross_entropy(
                whole.extra["platt"].exp() * predicted, whole.real_labels
            )
        squares = (predicted - targets(whole.real_labels, predicted.shape[1])).square()
        return 0.5 * (squares.sum(1).mean() if self.criterion == "mse-sum" else squares.mean())


def targets(labels: Tensor, classes: int) -> Tensor:
    """(n,) int64 -> (n, K) float32, onehot - 1/K; labels that are rows of numbers already stay as
    they are.
    """
    return labels if labels.ndim == 2 else centred_onehot(labels, classes)


def ridge_predictions(
    kernel: Kernel, images: Tensor, labels: Tensor, queries: Tensor, ridge: float
) -> Tensor:
    """Predict the labels of queries by kernel ridge regression on images.

    Args:
        kernel: (n, C, H, W), (m, C, H, W) -> (n, m).
        images: (n, C, H, W), differentiable.
        labels: (n, K), differentiable.
        queries: (b, C, H, W).
        ridge: In units of the mean of the kernel matrix's diagonal, above 0.

    Returns:
        (b, K).

    Raises:
        UsageError: The regularised kernel matrix has no Cholesky factor. On a graphics card the
            predictions are NaN.

    >>> images, labels = torch.eye(2).view(2, 1, 1, 2), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> ridge_predictions(lambda x, y: x.flatten(1) @ y.flatten(1).T, images, labels, images, 1.0)
    tensor([[0.5000, 0.0000],
            [0.0000, 0.5000]])
    """
    matrix = kernel(images, images)
    matrix = matrix + ridge * matrix.diagonal().mean() * torch.eye(
        len(matrix), dtype=matrix.dtype, device=matrix.device
    )
    factor, failed = torch.linalg.cholesky_ex(matrix)
    if matrix.device.type != "cpu":
        # To ask would be to wait. The loss is then no number, of which the engine tells as `advise`
        # says.
        factor = factor.masked_fill(failed > 0, torch.nan)
    elif int(failed) > 0:
        raise UsageError(INDEFINITE)
    return kernel(queries, images) @ torch.cholesky_solve(labels, factor)


def label_margin(labels: Tensor) -> Tensor:
    """Mean over labels (M, K) of the lead of the largest over the second, 1/K at most."""
    if labels.shape[1] < 2:
        return labels.sum() * 0
    first, second = labels.topk(2, dim=1).values.unbind(1)
    return (first - second).clamp_max(1 / labels.shape[1]).mean()
