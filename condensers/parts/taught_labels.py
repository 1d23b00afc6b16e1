"""Labels by several networks that the run has trained already, and by a teacher that is stopped
early.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, NamedTuple, final

import torch
from torch import Tensor, nn

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks import NetworkSpec
from condensers.parts.labels import (
    SOFT_STORAGE,
    Assigned,
    AssignedLabels,
    SoftLabels,
    probabilities,
    soften,
    store_soft,
)
from condensers.parts.setting import RunSetting, require_trained
from condensers.training.classifier import Training, accuracy, train

if TYPE_CHECKING:
    from condensers.parts.parameterisations.base import StorageForm


@final
@dataclass(frozen=True)
class Ensemble(SoftLabels, AssignedLabels):
    """Labels of an ensemble: the class probabilities that the networks which the run has trained on
    the real images give to each finished image.

    p = softmax( mean_f f(x) / T ),  f: the networks that the model schedule trains first

    Source: Yin, Xing & Shen, SRe2L (NeurIPS 2023), section 3.4 ("relabel"), with one network; Shao
    et al., G-VBSM (CVPR 2024), section 3.4, and its code, which averages logits. Their sets have a
    label for each of 300 epochs' crops and mixtures of an image, or the network itself, none of
    which counts as bytes there. Here each decoded image has the one label that is stored with it;
    parameterisation `regions` stores more of them, at their bytes. G-VBSM's code mixes images and
    then labels the unmixed ones; this does not mix.
    """

    temperature: float = hyper(
        1.0,
        help="temperature of the networks' probabilities",
        source="ours (SRe2L's code for CIFAR: 30, G-VBSM's: 20, of students too)",
        minimum=0.01,
    )
    storage: str = hyper(
        "float16",
        help="how labels are stored: floats, 4 to 8 bits a class, or the two likeliest classes",
        source="ours",
        values=SOFT_STORAGE,
    )

    registered: ClassVar[str] = "ensemble"
    couples_classes: ClassVar[bool] = True
    form: ClassVar[str] = "probabilities"
    needs_trained: ClassVar[bool] = True

    def assign(
        self, part: "StorageForm", groups: Mapping[str, Tensor], setting: RunSetting
    ) -> Tensor:
        """Return the networks' probabilities of each image, (M, K)."""
        logits = require_trained(setting).logits(part.decode_stored(groups, setting.data))
        soft = soften(logits, setting.data.classes, self.temperature)
        return store_soft(soft, self.storage, self.form)


class Candidate(NamedTuple):
    """A number of epochs, and what its labels are worth.

    Attributes:
        epochs: Of the teacher's training.
        labels: (M, K) probabilities of the finished images.
        accuracy: Of a student of these labels, of images held out, in percent.
    """

    epochs: int
    labels: Tensor
    accuracy: float


@final
@dataclass(frozen=True)
class EarlyTeacher(SoftLabels, AssignedLabels):
    """An early-stopped teacher's labels: the class probabilities that a network gives to each
    finished image after as many epochs on the real images as make the best student.

    p = softmax( f_e(x) / T ),  e = argmax_e accuracy( student of {(x, p_e)}, real images held out )

    Source: Qin, Deng & Alvarez-Melis, "A Label is Worth a Thousand Images in Dataset Distillation"
    (NeurIPS 2024), section 4.2: the fewer the images, the earlier is best. Its code (nodistill.py,
    tune_start) takes the epoch whose students are best on the test images, which was not copied:
    here a part of the real images is held out from teacher and students, and decides. Its experts
    are those of MTT; here epochs follow each other with momentum, which starts anew at each
    candidate. Equal accuracies: the fewest epochs. The card says what each was worth.
    """

    epochs: tuple[int, ...] = hyper(
        (1, 2, 4, 8, 16), unit="epochs", help="candidates, in rising order", source="ours"
    )
    held: float = hyper(
        0.1,
        help="part of each class's real images that is held out to choose by",
        source="ours",
        minimum=0.01,
    )
    steps: int = hyper(
        300, unit="steps", help="steps of training of each student", source="ours", minimum=1
    )
    temperature: float = hyper(
        1.0,
        help="temperature of the teacher's probabilities",
        source="'A label is worth a thousand images', its code, --temp",
        minimum=0.01,
    )
    lr: float = hyper(
        0.01, help="learning rate of teacher and students", source="MTT's experts", minimum=0.0
    )
    batch: int = hyper(256, unit="images", source="MTT's experts", minimum=1)
    network: NetworkSpec | None = hyper(
        None, source="ours: the method's network where none is given", part="network"
    )
    storage: str = hyper(
        "float16",
        help="how labels are stored: floats, 4 to 8 bits a class, or the two likeliest classes",
        source="ours",
        values=SOFT_STORAGE,
    )

    registered: ClassVar[str] = "early-teacher"
    couples_classes: ClassVar[bool] = True
    form: ClassVar[str] = "probabilities"

    def require_fit(self, where: str) -> None:
        """UsageError for candidates that are not in rising order, and for nothing to learn from."""
        rising = all(a < b for a, b in zip((0, *self.epochs), self.epochs, strict=False))
        if not self.epochs or not rising:
            raise UsageError(
                f"{where}.epochs: {list(self.epochs)} are no candidates in rising order, such as"
                " [1, 2, 4]"
            )
        if self.held > 0.5:
            raise UsageError(
                f"{where}.held: {self.held} of the images would be held out; take at most 0.5"
            )

    def image_passes(
        self, network: NetworkSpec, data: ClassData
    ) -> list[tuple[NetworkSpec, float]]:
        """Return the passes of the teacher's training and of the students'."""
        students = len(self.epochs) * self.steps * self.batch
        learned = self.epochs[-1] * (1 - self.held) * len(data.images)
        return [(self.network or network, float(learned + students))]

    def assign(
        self, part: "StorageForm", groups: Mapping[str, Tensor], setting: RunSetting
    ) -> Tensor:
        """Train the teacher and return its probabilities of each image, (M, K)."""
        return self.assign_recorded(part, groups, setting).labels

    def assign_recorded(
        self, part: "StorageForm", groups: Mapping[str, Tensor], setting: RunSetting
    ) -> Assigned:
        """Return the labels of the best candidate, and the accuracies of all."""
        images = part.decode_stored(groups, setting.data)
        found = self.candidates(images, setting)
        best = max(found, key=lambda one: (one.accuracy, -one.epochs))
        entries = {
            "teacher": {
                "epochs": best.epochs,
                "held_out_accuracy": {str(one.epochs): round(one.accuracy, 2) for one in found},
            }
        }
        return Assigned(store_soft(best.labels, self.storage, self.form), entries)

    def candidates(self, images: Tensor, setting: RunSetting) -> list[Candidate]:
        """Train the teacher, and a student of its labels after each of `epochs`.

        Args:
            images: The finished ones, (M, C, H, W) float32, normalised.
            setting: What the run lends.
        """
        context = setting.context.fork("early-teacher")
        learned, held = hold_out(setting.data, self.held, context.fork("held").generator)
        spec = self.network or setting.network
        teacher = _fresh(spec, setting, context.generator)
        found, done = [], 0
        for epochs in self.epochs:
            own, name = context.fork(f"to-{epochs}"), f"teacher, epoch {epochs}"
            recipe = Training(
                epochs=epochs - done, lr=self.lr, batch=self.batch, augmentation="dsa", drop=False
            )
            train(teacher, learned.images, learned.labels, recipe, learned, own, name)
            done = epochs
            soft = probabilities(teacher, images, setting.data.classes, self.temperature)
            lent = replace(context, folder=own.folder)
            worth = self._worth(spec, images, soft, held, lent.fork("student"), setting)
            found.append(Candidate(epochs, soft, worth))
        return found

    def _worth(
        self,
        spec: NetworkSpec,
        images: Tensor,
        soft: Tensor,
        held: ClassData,
        context: Context,
        setting: RunSetting,
    ) -> float:
        """Accuracy of a student on the images held out; all candidates' students draw alike."""
        student = _fresh(spec, setting, context.generator)
        recipe = Training(
            steps=self.steps, lr=self.lr, batch=self.batch, augmentation="dsa", drop=True
        )
        train(student, images, soft, recipe, setting.data, context, "student")
        return accuracy(student, held, lent=context)


def hold_out(
    data: ClassData, part: float, generator: torch.Generator
) -> tuple[ClassData, ClassData]:
    """Part the real images at random, class by class.

    Args:
        data: The real images.
        part: Of each class that is held out, at least one image.
        generator: The only source of randomness.

    Returns:
        The images to learn from, and those held out. A class with a single image has it in both.
    """
    learned, held = [], []
    for label in data.classes:
        members = data.members(label)
        order = members[torch.randperm(len(members), generator=generator).to(members.device)]
        count = max(1, int(part * len(members)))
        held.append(order[:count])
        learned.append(order[count:] if len(order) > count else order)
    return data.subset(torch.cat(learned).sort().values), data.subset(torch.cat(held).sort().values)


def _fresh(spec: NetworkSpec, setting: RunSetting, generator: torch.Generator) -> nn.Module:
    return networks.build(spec, setting.shape, setting.classes, generator, setting.data.device)
