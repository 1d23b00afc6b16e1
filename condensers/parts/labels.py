"""Label models: what is stored as the label of a synthetic image."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, final

import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.hyperparameters import Part, hyper
from condensers.networks import NetworkSpec
from condensers.parts.setting import RunSetting
from condensers.sets import label_codes
from condensers.training.classifier import Training, train_fresh

if TYPE_CHECKING:
    from condensers.parts.parameterisations.base import StorageForm

SOFT_DTYPES = {"float16": torch.float16, "float32": torch.float32}
SOFT_STORAGE = (*SOFT_DTYPES, *label_codes.CODES)


class LabelModel(Part):
    """Decides what is stored as the labels of synthetic images. Derive from one of the two below.

    Attributes:
        learned: Whether labels are optimised together with the images.
    """

    learned: ClassVar[bool]

    @property
    @abstractmethod
    def couples_classes(self) -> bool:
        """Whether the labels of one class depend on the images of the others."""

    @property
    @abstractmethod
    def form(self) -> str:
        """One of "hard" (whole numbers), "probabilities", and "scores", the targets of logits."""

    @property
    def needs_trained(self) -> bool:
        """Whether it reads networks that are trained on the real images before the first step."""
        return False

    @abstractmethod
    def nbytes(self, classes: int, units: int, images: int) -> int:
        """Return the stored bytes of all labels.

        Args:
            classes: Classes of the data set, the length of a soft label.
            units: Stored units, each with one hard label.
            images: Decoded images, each with one soft label.
        """

    @property
    def card_entries(self) -> dict[str, str]:
        """What the card says of stored labels that are not read as they are."""
        return {}

    def image_passes(
        self, network: NetworkSpec, data: ClassData
    ) -> list[tuple[NetworkSpec, float]]:
        """Return the networks it trains, and about how many images pass each, for estimates.

        Args:
            network: The method's network.
            data: The real images.
        """
        return []


class Assigned(NamedTuple):
    """Labels of finished images.

    Attributes:
        labels: As stored, on the CPU.
        entries: What the card says of how they were found.
    """

    labels: Tensor
    entries: Mapping[str, Any] = {}


class AssignedLabels(LabelModel):
    """Labels that are assigned to the finished images."""

    learned: ClassVar[bool] = False

    def assign_recorded(
        self, part: "StorageForm", groups: Mapping[str, Tensor], setting: RunSetting
    ) -> Assigned:
        """Return the labels of `assign`, and what the card says of how they were found.

        The arguments are those of `assign`.
        """
        return Assigned(self.assign(part, groups, setting))

    @abstractmethod
    def assign(
        self, part: "StorageForm", groups: Mapping[str, Tensor], setting: RunSetting
    ) -> Tensor:
        """Return the labels as stored, on the CPU.

        Args:
            part: Decodes the groups.
            groups: The finished images, packed.
            setting: What the run lends.

        Returns:
            (units,) unsigned, or soft labels as `store_soft` gives them.
        """


class SoftLabels(LabelModel):
    """Labels of which each decoded image has a row of numbers.

    Attributes:
        storage: How labels are stored, one of `SOFT_STORAGE`.
    """

    storage: str

    @property
    def card_entries(self) -> dict[str, str]:
        """How the labels are read."""
        return {} if self.storage in SOFT_DTYPES else {"label_storage": self.storage}

    def nbytes(self, classes: int, units: int, images: int) -> int:
        """Return the bytes of a row of numbers for each image."""
        return images * soft_bytes(self.storage, self.form, classes)


class OptimisedLabels(SoftLabels):
    """Labels that are optimised together with the images, (M, K) floats.

    Attributes:
        lr: Their learning rate; that of the images if None.
    """

    learned: ClassVar[bool] = True
    lr: float | None

    @property
    def momentum(self) -> float | None:
        """The momentum of their SGD; that of the images if None."""
        return None

    @abstractmethod
    def start(self, setting: RunSetting, images: Tensor) -> Tensor:
        """Return what is learned, (M, K) float32, before the first step.

        Args:
            setting: What the run lends.
            images: (M, C, H, W), those that learning begins with, as the set decodes them.
        """

    @abstractmethod
    def decode(self, learned: Tensor) -> Tensor:
        """Return the labels in use, (M, K), differentiable in `learned`."""


def store_soft(labels: Tensor, storage: str, form: str) -> Tensor:
    """Return soft labels (M, K) as stored, on the CPU: floats, or rows of bytes.

    Args:
        labels: Floats, on any device.
        storage: One of `SOFT_STORAGE`.
        form: "probabilities" or "scores".
    """
    if storage in SOFT_DTYPES:
        return labels.detach().to(SOFT_DTYPES[storage]).cpu()
    return label_codes.encode(labels, storage, form)


def soft_bytes(storage: str, form: str, classes: int) -> int:
    """Return the stored bytes of the soft label of one image."""
    if storage in SOFT_DTYPES:
        return classes * SOFT_DTYPES[storage].itemsize
    return label_codes.row_bytes(storage, form, classes)


def label_dtype(classes: int) -> torch.dtype:
    """Return the smallest unsigned dtype that holds a label of `classes` classes."""
    return torch.uint8 if classes <= 256 else torch.uint16


def hard_label_bytes(data: ClassData) -> int:
    """Return the stored bytes of one hard label."""
    return label_dtype(len(data.class_names)).itemsize


def stored_hard(classes: Sequence[int], each: int, known: int) -> Tensor:
    """Return hard labels as stored, on the CPU, ordered by class.

    Args:
        classes: The classes at hand.
        each: Labels of each class.
        known: Classes of the data set, which decide the dtype.
    """
    return torch.tensor(classes).repeat_interleave(each).to(label_dtype(known))


def hard_labels(setting: RunSetting) -> Tensor:
    """Return the classes of all synthetic images, (M,) int64 on the run's device."""
    return torch.tensor(setting.data.classes, device=setting.data.device).repeat_interleave(
        setting.per_class
    )


@final
@dataclass(frozen=True)
class Hard(AssignedLabels):
    """Hard labels: the class of each stored unit, one whole number."""

    registered: ClassVar[str] = "hard"
    couples_classes: ClassVar[bool] = False
    form: ClassVar[str] = "hard"

    def nbytes(self, classes: int, units: int, images: int) -> int:
        """Return the bytes of one whole number for each unit."""
        return units * label_dtype(classes).itemsize

    def assign(
        self, part: "StorageForm", groups: Mapping[str, Tensor], setting: RunSetting
    ) -> Tensor:
        """Return the class of each unit."""
        units = setting.per_class // part.copies
        return stored_hard(setting.data.classes, units, setting.classes)


@final
@dataclass(frozen=True)
class LearnedLabels(OptimisedLabels):
    """Learned labels: a row of numbers per image, optimised together with the images.

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
        "float16",
        help="how labels are stored: floats, 4 to 8 bits a class, or the two likeliest classes",
        source="ours",
        values=SOFT_STORAGE,
    )

    registered: ClassVar[str] = "learned"
    couples_classes: ClassVar[bool] = True

    def require_fit(self, where: str) -> None:
        """UsageError for scores of two classes, which say nothing of the others."""
        if self.storage == label_codes.TOP and self.form == "scores":
            raise UsageError(
                f"{where}.storage: {self.storage} keeps the two likeliest classes, and labels of"
                " form scores are no probabilities; take 4-bit to 8-bit, or form probabilities"
            )

    def start(self, setting: RunSetting, images: Tensor) -> Tensor:
        """What is learned, (M, K) float32."""
        onehot = functional.one_hot(hard_labels(setting), setting.classes).float()
        return self.scale * (
            onehot - 1 / setting.classes if self.centred and self.form == "scores" else onehot
        )

    def decode(self, learned: Tensor) -> Tensor:
        """The labels in use, (M, K), differentiable in `learned`."""
        return learned if self.form == "scores" else torch.softmax(learned, 1)


@final
@dataclass(frozen=True)
class Teacher(SoftLabels, AssignedLabels):
    """Teacher's labels: the class probabilities that a network trained on the real images gives to
    each finished image.

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
    network: NetworkSpec | None = hyper(
        None, source="ours: the method's network where none is given", part="network"
    )
    storage: str = hyper(
        "float16",
        help="how labels are stored: floats, 4 to 8 bits a class, or the two likeliest classes",
        source="ours",
        values=SOFT_STORAGE,
    )

    registered: ClassVar[str] = "teacher"
    couples_classes: ClassVar[bool] = True
    form: ClassVar[str] = "probabilities"

    def image_passes(
        self, network: NetworkSpec, data: ClassData
    ) -> list[tuple[NetworkSpec, float]]:
        """Return the teacher and the passes of its training."""
        return [(self.network or network, float(self.epochs * len(data.images)))]

    def assign(
        self, part: "StorageForm", groups: Mapping[str, Tensor], setting: RunSetting
    ) -> Tensor:
        """Train the teacher and return its probabilities of each image, (M, K)."""
        soft = self.finish(part.decode_stored(groups, setting.data), setting)
        return store_soft(soft, self.storage, self.form)

    def finish(self, images: Tensor, setting: RunSetting) -> Tensor:
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
    """Return the probabilities that a network gives to some classes.

    Args:
        network: A classifier of K classes.
        images: (M, C, H, W) float32, normalised.
        classes: The classes that get a probability.
        temperature: Divides the logits, above 0.

    Returns:
        (M, K) float32, 0 for all other classes.
    """
    network.eval()
    logits = torch.cat([network(part) for part in torch.split(images, 256)])
    return soften(logits, classes, temperature)


def soften(logits: Tensor, classes: tuple[int, ...], temperature: float) -> Tensor:
    """Return softmax(logits / temperature) over some classes, 0 for all others.

    Args:
        logits: (M, K).
        classes: The classes that get a probability.
        temperature: Divides the logits, above 0.
    """
    logits = logits / temperature
    absent = torch.ones(logits.shape[1], dtype=torch.bool, device=logits.device)
    absent[list(classes)] = False
    return torch.softmax(logits.masked_fill(absent, -torch.inf), 1)
