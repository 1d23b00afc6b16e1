"""Trajectory matching at the difficulty that suits the size of the set: DATM and PAD."""

from dataclasses import dataclass
from typing import ClassVar

from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.curricula import ByDifficulty
from condensers.parts.labels import LabelModel
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.model_schedules.expert_trajectories import Experts
from condensers.parts.objectives.base import Objective
from condensers.parts.objectives.trajectory import Trajectory


@dataclass(frozen=True)
class DATM(Composition):
    """Difficulty-aligned trajectory matching (DATM): pixels, soft labels and a learning rate x
    siamese augmentation x distance of parameters x experts whose later epochs come later.

    DATM: MTT with soft labels that experts begin, and with a range of expert epochs that suits the
    size of the set and grows while it is learned.

    min_{S, Y, a}  E_{theta*, t}  || theta_N(S, Y, a) - theta*_{t+M} ||^2 / || theta*_t -
    theta*_{t+M} ||^2,   T- <= t < T(step) <= T+

    Source: Guo et al., "Towards Lossless Dataset Distillation via Difficulty-Aligned Trajectory
    Matching" (ICLR 2024), section 3, and the authors' code with its settings for CIFAR-10 at 10
    images per class. Its settings there for one image per class: max_start 4, which does not grow,
    threshold 1.1, labels.lr 5, objective.lr_lr 1e-7; for 50: max_start from 20 to 40 in 2,000
    steps, lr 1000. Differences from that code: those of `mtt`, `experts` (both the schedule and the
    label model); labels are stored as probabilities in float16, 2 bytes a class, which count.
    Not taken over: where too few images of a class are classified correctly, the search for
    starting images never ends; a loss that is no number is skipped in silence, forever; the set
    that does best on test images is the one that is kept.
    """

    iterations: int = hyper(
        10000, unit="steps", help="steps on the images", source="DATM's settings", minimum=1
    )
    lr: float = hyper(100.0, source="DATM's settings for CIFAR-10", minimum=0.0)
    momentum: float = hyper(0.5, source="DATM's code", minimum=0.0)
    init: str = hyper(
        "classified",
        source="DATM's code, samples_predicted_correctly",
        values=("noise", "real", "k-means", "centroids", "classified"),
    )
    labels: LabelModel = hyper("experts", source="DATM, section 3.3", part="label model")
    augmentation: Augmentation = hyper("dsa", source="DATM's code", part="augmentation")
    objective: Objective = hyper(
        Trajectory(steps=80, threshold=1.0),
        source="DATM's settings for CIFAR-10",
        part="objective",
    )
    model_schedule: ModelSchedule = hyper(
        Experts(epochs=100, first_max_start=10, max_start=20, growth=1000),
        source="DATM's settings for CIFAR-10",
        part="model schedule",
    )

    registered: ClassVar[str] = "datm"
    evaluation: ClassVar[str] = "dsa"


@dataclass(frozen=True)
class PAD(DATM):
    """Aligned trajectory matching (PAD): DATM x experts that see easy images first and lose them at
    the end x a distance without the first layers' parameters.

    min_{S, Y, a}  E_{theta*, t}  || ( theta_N(S, Y, a) - theta*_{t+M} )_{> k} ||^2 / || ( theta*_t
    - theta*_{t+M} )_{> k} ||^2,   k = floor(share P)

    Source: Li et al., "Prioritize Alignment in Dataset Distillation" (arXiv 2408.03360), and the
    authors' README and settings for CIFAR-10 at 10 images per class (a share of 0 for one image,
    1/4 for 50). Differences: those of `datm` and of the curriculum `by-difficulty`. Not taken over:
    the published code reads an option that its settings do not have and so ends before the first
    step, and what it would leave out are the parameters of the smallest losses, whatever their
    layer; here the paper counts. Which layers count as the first is said by the order in which the
    network has its parameters.
    """

    objective: Objective = hyper(
        Trajectory(steps=80, threshold=1.0, shallow=0.5),
        source="PAD's settings for CIFAR-10, depth_ratio",
        part="objective",
    )
    model_schedule: ModelSchedule = hyper(
        Experts(
            epochs=100,
            first_max_start=10,
            max_start=20,
            growth=1000,
            curriculum=ByDifficulty(),
        ),
        source="PAD's README and settings for CIFAR-10",
        part="model schedule",
    )

    registered: ClassVar[str] = "pad"
