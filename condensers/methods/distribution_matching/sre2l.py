"""Squeeze, recover, relabel: SRe2L, and its successors CDA and G-VBSM, in their forms for small
images.
"""

from dataclasses import dataclass
from typing import ClassVar

from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.networks import NetworkSpec
from condensers.networks.convnet import ConvNetSpec
from condensers.networks.resnet import ResNet18Spec
from condensers.networks.vgg import VGG11Spec
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.augmentations.resized_crop import ResizedCrop
from condensers.parts.labels import LabelModel
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.model_schedules.pretrained import Pretrained
from condensers.parts.objectives.base import Objective
from condensers.parts.objectives.recovery import Recovery
from condensers.parts.parameterisations.base import Parameterisation
from condensers.parts.parameterisations.tiles import Tiles
from condensers.parts.regularisers.base import Regulariser


@dataclass(frozen=True)
class SRe2L(Composition):
    """Squeeze, recover, relabel (SRe2L): pixels x ensemble's labels x recovery x pretrained
    networks.

    SRe2L: images that a trained network recognises, and that leave the statistics of its batch
    norms as the real images left them; the network then gives their labels.

    min_S  CE( f(A(S)), y ) + w sum_l m_l ( || mean_l(S) - mean_l ||_2 + || var_l(S) - var_l ||_2 )

    Source: Yin, Xing & Shen, "Squeeze, Recover and Relabel: Dataset Condensation at ImageNet Scale
    From A New Perspective" (NeurIPS 2023), eq. 5 and 6, and the authors' code for CIFAR-100
    (recover_cifar.sh): 1,000 steps of Adam at 0.25, rolls of up to 4 pixels, no crops. The
    published network is ResNet-18: set `network = {name = "resnet18", norm = "batch"}`.

    Differences from that code: a rate that is halved four times stands for its cosine, and Adam's
    beta 2 is 0.999, there 0.9; images are rolled each by itself. Not copied: students there are
    trained with the network at hand, which labels every mixed crop of every epoch, at no bytes.
    Counted, 300 such labels of 10 classes take 6,000 bytes as float16 beside an image's 3,072, and
    of 100 classes 60,000. Here each image has one label; more of them, of crops that are stored
    too, are parameterisation `regions`. The code keeps a "best" image, which it never reads.

    Why it falls below random images at few images a class (suite `families-reasons`, on digits; the
    figures here: mnist-5k, ten images a class, one set, validation images, networks of width 16):
    random images 94 %, the same with this network's labels 95 %, from noise 27 %, with hard labels
    28 %, with four networks in turn 24 %. It is not that one network alone sees the classes: two
    others, trained on real images, name 79 and 94 % of the images. But the statistics are those of
    all classes together, so that each class may be texture of its own: with a hundred times their
    weight 44 %, and with the mean embeddings of each class beside (`regularisers = [{name =
    "mean-embedding", weight = 0.1}]`, 64 real images a class) 91 %, as from real images at a rate
    of 0.05. Xiao & He (LPLD, NeurIPS 2024, arXiv 2410.15919) find the same cause on ImageNet, where
    images of a class come out alike.
    """

    iterations: int = hyper(
        1000, unit="steps", help="steps on the images", source="SRe2L's code for CIFAR", minimum=1
    )
    lr: float = hyper(0.25, source="SRe2L's commands for CIFAR", minimum=0.0)
    momentum: float = hyper(0.5, help="beta 1 of Adam", source="SRe2L's code", minimum=0.0)
    optimiser: str = hyper("adam", source="SRe2L's code", values=("sgd", "adam"))
    halve_at: tuple[float, ...] = hyper(
        (0.5, 0.7, 0.8, 0.9),
        help="parts of the run, 0 to 1, after which all learning rates are halved",
        source="ours: in place of SRe2L's cosine",
    )
    batch_real: int = hyper(
        1,
        unit="images per class",
        help="real images that terms beside the objective are shown",
        source="ours: SRe2L reads none",
        minimum=1,
    )
    init: str = hyper(
        "noise", source="SRe2L's code", values=("noise", "real", "k-means", "centroids")
    )
    network: NetworkSpec = hyper(
        ConvNetSpec(norm="batch"),
        source="ours: the condensation papers' (SRe2L: ResNet-18)",
        part="network",
    )
    parameterisation: Parameterisation = hyper(
        Tiles(factor=1, clamp=True),
        source="SRe2L's code: pixels, clamped after each step",
        part="parameterisation",
    )
    labels: LabelModel = hyper("ensemble", source="SRe2L, section 3.4", part="label model")
    augmentation: Augmentation = hyper(
        ResizedCrop(smallest=1.0, mirror=False, roll=4),
        source="SRe2L's code for CIFAR, --jitter",
        part="augmentation",
    )
    objective: Objective = hyper("recovery", source="SRe2L, eq. 5 and 6", part="objective")
    model_schedule: ModelSchedule = hyper(
        "pretrained", source="SRe2L, section 3.2", part="model schedule"
    )

    registered: ClassVar[str] = "sre2l"
    evaluation: ClassVar[str] = "dsa"


@dataclass(frozen=True)
class CDA(SRe2L):
    """Curriculum data augmentation (CDA): SRe2L x crops that become smaller during the run; whole
    images at first.

    min_S  E_A  CE( f(A_t(S)), y ) + w sum_l m_l ( || mean_l - mean_l(A_t(S)) ||_2 + ... ),  A_t: a
    crop of at least s + (1 - s) (1 + cos(pi t)) / 2 of the area

    Source: Yin & Shen, "Dataset Distillation via Curriculum Data Synthesis in Large Data Era" (TMLR
    2024), section 3.2, and the authors' code (recover_cda_tiny.py) with `milestone` 1: without that
    option the code has no curriculum. Their smallest data set is Tiny-ImageNet; what concerns
    CIFAR is SRe2L's. Differences: those of SRe2L and of augmentation `resized-crop`.
    """

    augmentation: Augmentation = hyper(
        ResizedCrop(curriculum="cosine"), source="CDA's code", part="augmentation"
    )

    registered: ClassVar[str] = "cda"


@dataclass(frozen=True)
class GVBSM(SRe2L):
    """Various backbones and statistics (G-VBSM): SRe2L x networks of several kinds in turn x
    statistics of what convolutions read x densification, by which images of a class differ.

    min_S  CE( f_i(A(S)), y ) + w sum_l m_l D_l(S) + d sum_c KL( softmax(l_c / tau) || softmax(l_c)
    ),  i = step mod n

    Source: Shao et al., "Generalized Large-Scale Data Condensation via Various Backbone and
    Statistical Matching" (CVPR 2024), section 3, and the authors' code for CIFAR-10 (recover.sh):
    4,000 steps at 0.05. Their networks are ResNet-18, ConvNet-3, MobileNetV2, WRN-16-2 and
    ShuffleNetV2; those that are here stand for them. Rolls of up to 32 pixels there, with padded
    crops, which rolls include but for what the border shows. Differences: those of SRe2L, of
    `recovery` and of `densification`. Not copied: the means and deviations of CIFAR-100 for
    CIFAR-10.

    On digits at ten images a class (suite `families-reasons`, three sets, test images) it has 22 %
    where random images have 91: rolled so far, an image need not lie anywhere in particular. Moved
    by a pixel it has 45 %, with the mean embeddings of each class beside 78 %.
    """

    iterations: int = hyper(
        4000, unit="steps", help="steps on the images", source="G-VBSM's commands", minimum=1
    )
    lr: float = hyper(0.05, source="G-VBSM's commands", minimum=0.0)
    augmentation: Augmentation = hyper(
        ResizedCrop(smallest=1.0, roll=32), source="G-VBSM's code, --jitter", part="augmentation"
    )
    objective: Objective = hyper(
        Recovery(statistics="all", skip=0.4), source="G-VBSM, section 3.2", part="objective"
    )
    regularisers: tuple[Regulariser, ...] = hyper(
        ("densification",), source="G-VBSM, section 3.1", part="regulariser"
    )
    model_schedule: ModelSchedule = hyper(
        Pretrained(
            networks=(
                ConvNetSpec(norm="batch"),
                ResNet18Spec(norm="batch"),
                VGG11Spec(norm="batch"),
            ),
            measure=True,
        ),
        source="G-VBSM, section 3.3: here the networks that there are",
        part="model schedule",
    )

    registered: ClassVar[str] = "g-vbsm"
