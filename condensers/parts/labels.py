"""Label models: what is stored as the label of a synthetic image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from condensers.hyperparameters import hyper
from condensers.parts.setting import Setting
from condensers.training.classifier import Training, train_fresh

SOFT_DTYPES = {"float16": torch.float16, "float32": torch.float32}


class LabelModel(Protocol):
    """A frozen dataclass. form: "hard" (whole numbers), "probabilities", or "scores" that logits
    are regressed on.

    learned: whether labels are optimised with the images; then `start` gives what is learned and
    `decode` the labels in use. Otherwise `finish` gives the labels of the finished images, (M, K)
    float32, and may train a teacher to do so.
    """

    registered: ClassVar[str]
    learned: ClassVar[bool]
    couples_classes: ClassVar[bool]

    @property
    def form(self) -> str: ...

    def nbytes(self, classes: int, units: int, images: int) -> int:
        """Stored bytes of all labels: one hard label per unit, or a row of `classes` numbers per
        image.
        """
        ...


def label_dtype(classes: int) -> torch.dtype:
    """The smallest unsigned dtype that holds a label of `classes` classes."""
    return torch.uint8 if classes <= 256 else torch.uint16


def stored_hard(classes: Sequence[int], each: int, known: int) -> Tensor:
    """Hard labels as stored, on the CPU: `each` of every class that is here, of `known` classes in
    the data set.
    """
    return torch.tensor(classes).repeat_interleave(each).to(label_dtype(known))


def hard_labels(setting: Setting) -> Tensor:
    """(M,) int64 on the run's device, ordered by class."""
    return torch.tensor(setting.data.classes, device=setting.data.device).repeat_interleave(
        setting.per_class
    )


@dataclass(frozen=True)
class Hard:
    """The class of each stored unit.

    Hard labels: the class of each image, one whole number for each stored unit.
    """

    registered: ClassVar[str] = "hard"
    learned: ClassVar[bool] = False
    couples_classes: ClassVar[bool] = False
    form: ClassVar[str] = "hard"

    def nbytes(self, classes: int, units: int, images: int) -> int:
        return units * label_dtype(classes).itemsize


@dataclass(frozen=True)
class LearnedLabels:
    """Labels that are learned with the images.

    Learned labels: a row of numbers per image, optimised together with the images.

    `scores` are what logits are regressed on; they start at scale * (onehot - 1/K) ("centred") or
    at scale * onehot. `probabilities` are softmax(z), z learned and starting at scale * onehot.

    Source: KIP (ICLR 2021, section 3.2) and FRePo (NeurIPS 2022, section 3.3) for scores;
    Sucholutsky & Schonlau, "Soft-label dataset distillation" (2019) for labels learned in DD.
    """

    form: str = hyper(
        "scores",
        help="what soft labels are: scores to regress on, or probabilities",
        source="KIP, FRePo",
        values=("scores", "probabilities"),
    )
    centred: bool = hyper(
        True, help="let scores start from one-hot labels less 1 / classes", source="KIP, section 2"
    )
    scale: float = hyper(
        1.0, help="factor of the scores at the beginning", source="KIP", minimum=0.0
    )
    lr: float | None = hyper(
        None,
        help="learning rate of the labels; that of the images if left out",
        source="ours",
        minimum=0.0,
    )
    storage: str = hyper(
        "float16", help="dtype of the stored labels", source="ours", values=("float16", "float32")
    )

    registered: ClassVar[str] = "learned"
    learned: ClassVar[bool] = True
    couples_classes: ClassVar[bool] = True

    def nbytes(self, classes: int, units: int, images: int) -> int:
        return images * classes * SOFT_DTYPES[self.storage].itemsize

    def start(self, setting: Setting) -> Tensor:
        """What is learned, (M, K) float32."""
        onehot = functional.one_hot(hard_labels(setting), setting.classes).float()
        return self.scale * (
            onehot - 1 / setting.classes if self.centred and self.form == "scores" else onehot
        )

    def decode(self, learned: Tensor) -> Tensor:
        """The labels in use, (M, K), differentiable in `learned`."""
        return learned if self.form == "scores" else torch.softmax(learned, 1)


@dataclass(frozen=True)
class Teacher:
    """Probabilities from a network that was trained on the real images.

    Teacher's labels: the class probabilities that a network trained on the real data gives to each
    finished image.

    p = softmax( f(x) / T ), f trained by `condensers.training.classifier` on the real images at
    hand.

    Source: Hinton, Vinyals & Dean, "Distilling the knowledge in a neural network" (2015), section
    2. The teacher's training counts in the seconds that the set took. Only classes that are here
    get a probability.
    """

    epochs: int = hyper(
        4, unit="epochs", help="epochs of training of the teacher", source="ours", minimum=1
    )
    temperature: float = hyper(
        1.0, help="temperature of the teacher's probabilities", source="ours", minimum=0.0
    )
    batch: int = hyper(64, unit="images", source="ours", minimum=1)
    network: Any = hyper(
        None, source="ours: the method's network where none is given", part="network"
    )
    storage: str = hyper(
        "float16", help="dtype of the stored labels", source="ours", values=("float16", "float32")
    )

    registered: ClassVar[str] = "teacher"
    learned: ClassVar[bool] = False
    couples_classes: ClassVar[bool] = True
    form: ClassVar[str] = "probabilities"

    def nbytes(self, classes: int, units: int, images: int) -> int:
        return images * classes * SOFT_DTYPES[self.storage].itemsize

    def finish(self, images: Tensor, setting: Setting) -> Tensor:
        """(M, K) float32 probabilities of images (M, C, H, W) float32 normalised; trains the
        teacher first.
        """
        recipe = Training(epochs=self.epochs, batch=self.batch)
        network = train_fresh(
            self.network or setting.network,
            setting.data,
            recipe,
            setting.context.fork("teacher"),
            "teacher",
        )
        return probabilities(network, images, setting.data.classes, self.temperature)


@torch.no_grad()
def probabilities(
    network: torch.nn.Module, images: Tensor, classes: tuple[int, ...], temperature: float
) -> Tensor:
    """(M, K) float32: softmax over the logits of `classes`, zero elsewhere."""
    network.eval()
    logits = torch.cat([network(part) for part in torch.split(images, 256)]) / temperature
    absent = torch.ones(logits.shape[1], dtype=torch.bool, device=logits.device)
    absent[list(classes)] = False
    return torch.softmax(logits.masked_fill(absent, -torch.inf), 1)
