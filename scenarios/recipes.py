"""Named evaluations: the options with which published code trains networks on a set, so that a
published row can be asked for by name.

A recipe gives what a suite leaves open; what the suite sets counts. Third parties add theirs under
`condensation_harness.recipes`. What each code does beyond its
recipe: DC's, DSA's, MTT's and DATM's train one epoch more than they say. DC's crops, scales and
rotates on MNIST. DD-Ranking's reads test images every 10 epochs and keeps the best, and so it
chooses its learning rate; here validation images choose, and the last epoch counts. It mixes images
without their labels, and trains the full data with batches of 512; here labels are mixed, and one
batch size serves all.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.hyperparameters import Part, hyper
from scenarios.typed_registry import TypedRegistry

DC_CODE, DSA_CODE = "DC's code, main.py", "DSA's code, main.py and utils.py"
IDC_CODE = "IDC's code, argument.py and test.py"
MTT_CODE, DATM_CODE = "MTT's code, distill.py and utils.py", "DATM's code, distill/evaluation.py"
DD_CONFIG = "DD-Ranking's code, branch eval, DM/CIFAR10/IPC10.yaml"
DD_FULL = "DD-Ranking's code, REAL_DATA_TRAINING_CONFIG"
DD_SOFT = "DD-Ranking's code, branch eval, D4M/CIFAR10/IPC10.yaml"
DD_RATES = (0.001, 0.005, 0.01, 0.05, 0.1)


class Recipe(Part):
    """Options of an evaluation, as a dataclass whose fields have the names of the options.

    An option that it has no field for keeps its default.

    Attributes:
        rivals: Option -> options that say the same thing: where one of them is given, it counts.
    """

    rivals: ClassVar[Mapping[str, Sequence[str]]] = {
        "epochs": ("steps",),
        "lr_choices": ("lr",),
        "from_card": ("lr", "lr_choices"),
    }

    def options(self, given: Collection[str]) -> dict[str, Any]:
        """Return the options that it adds to those that are given.

        Args:
            given: Names of options.
        """
        return {
            name: value
            for name, value in vars(self).items()
            if name not in given and not any(rival in given for rival in self.rivals.get(name, ()))
        }


@dataclass(frozen=True)
class Common(Recipe):
    """DC's training, and DSA's where a set asks for its augmentation: the defaults."""

    registered: ClassVar[str] = "common"


@dataclass(frozen=True)
class Card(Recipe):
    """As the set's card asks: its learned rate, or its order and rates; else the defaults."""

    from_card: str = hyper("all", source="ours")

    registered: ClassVar[str] = "card"
    rivals: ClassVar[Mapping[str, Sequence[str]]] = {}


@dataclass(frozen=True)
class DC(Recipe):
    """Dataset condensation: SGD, 300 epochs without augmentation."""

    networks: int = hyper(20, source=DC_CODE)
    epochs: int = hyper(300, source=DC_CODE)
    augmentation: str = hyper("none", source=DC_CODE)
    batch: int = hyper(256, source=DC_CODE)
    lr: float = hyper(0.01, source=DC_CODE)
    weight_decay: float = hyper(5e-4, source="DC's code, utils.py")

    registered: ClassVar[str] = "dc"


@dataclass(frozen=True)
class DSA(DC):
    """DSA and DM: SGD, 1000 epochs under DSA's augmentation (DM's README: 5 networks)."""

    epochs: int = hyper(1000, source=DSA_CODE)
    augmentation: str = hyper("dsa", source=DSA_CODE)

    registered: ClassVar[str] = "dsa"


@dataclass(frozen=True)
class IDC(Recipe):
    """IDC and its successors on small images: batches of 64, DSA's transforms together, CutMix in
    half of the steps, a fifth of the rate from 2/3 and from 5/6 of the epochs on.
    """

    networks: int = hyper(3, source="IDC's README")
    epochs: int = hyper(1000, source=IDC_CODE)
    augmentation: str = hyper("dsa", source=IDC_CODE)
    dsa_mode: str = hyper("together", source="IDC's code, misc/augment.py")
    mix: str = hyper("cutmix", source=IDC_CODE)
    mix_probability: float = hyper(0.5, source=IDC_CODE)
    batch: int = hyper(64, source=IDC_CODE)
    lr: float = hyper(0.01, source=IDC_CODE)
    weight_decay: float = hyper(5e-4, source=IDC_CODE)
    schedule: str = hyper("milestones", source="IDC's code, train.py")
    milestones: tuple[float, ...] = hyper((2 / 3, 5 / 6), source="IDC's code, train.py")
    gamma: float = hyper(0.2, source="IDC's code, train.py")

    registered: ClassVar[str] = "idc"


@dataclass(frozen=True)
class MTT(Recipe):
    """MTT: DSA's training under ZCA whitening, with the rate that the set has learned (0.01 where
    it has none).
    """

    networks: int = hyper(5, source=MTT_CODE)
    epochs: int = hyper(1000, source=MTT_CODE)
    augmentation: str = hyper("dsa", source=MTT_CODE)
    whitening: str = hyper("zca", source="MTT, appendix: on most of CIFAR", verified=False)
    batch: int = hyper(256, source=MTT_CODE)
    lr: float = hyper(0.01, source="MTT's code, distill.py, before it is learned")
    from_card: str = hyper("rate", source=MTT_CODE)
    weight_decay: float = hyper(5e-4, source=MTT_CODE)

    registered: ClassVar[str] = "mtt"


@dataclass(frozen=True)
class DATM(MTT):
    """DATM: MTT's training with batches of 128 and soft cross-entropy."""

    networks: int = hyper(1, source="DATM's configurations")
    batch: int = hyper(128, source=DATM_CODE)
    whitening: str = hyper("zca", source="DATM's configurations of CIFAR-10")
    loss: str = hyper("soft-cross-entropy", source=DATM_CODE)
    temperature: float = hyper(1.0, source=DATM_CODE)

    registered: ClassVar[str] = "datm"


@dataclass(frozen=True)
class DDRanking(Recipe):
    """DD-Ranking's of DSA, DM and MTT on CIFAR: DSA's training, the best of five rates."""

    networks: int = hyper(5, source=DD_CONFIG)
    epochs: int = hyper(1000, source=DD_CONFIG)
    full_epochs: int = hyper(200, source=DD_FULL)
    augmentation: str = hyper("dsa", source=DD_CONFIG)
    batch: int = hyper(256, source=DD_CONFIG)
    lr_choices: tuple[float, ...] = hyper(DD_RATES, source="DD-Ranking's code, hard_label.py")
    weight_decay: float = hyper(5e-4, source=DD_CONFIG)
    schedule: str = hyper("milestones", source=DD_CONFIG)
    milestones: tuple[float, ...] = hyper((0.5,), source=DD_CONFIG)
    gamma: float = hyper(0.1, source="DD-Ranking's code, train_and_eval.py")

    registered: ClassVar[str] = "dd-ranking"


@dataclass(frozen=True)
class DDRankingSoft(Recipe):
    """DD-Ranking's of soft labels on CIFAR-10 with a ConvNet: AdamW along half a cosine, CutMix in
    all steps, KL at a temperature of 20 to the set's own labels.

    There a teacher labels the mixed images, cropped at 8 to 100 % of their area; here the labels of
    the set are mixed, and crops are those of four pixels.
    """

    networks: int = hyper(5, source=DD_SOFT)
    epochs: int = hyper(500, source=DD_SOFT)
    full_epochs: int = hyper(200, source=DD_FULL)
    augmentation: str = hyper("crop", source="ours, nearest to RandomResizedCrop and flip")
    mix: str = hyper("cutmix", source=DD_SOFT)
    mix_probability: float = hyper(1.0, source="DD-Ranking's code, aug/cutmix.py")
    loss: str = hyper("kl", source=DD_SOFT)
    temperature: float = hyper(20.0, source=DD_SOFT)
    batch: int = hyper(100, source=DD_SOFT)
    lr_choices: tuple[float, ...] = hyper(DD_RATES, source="DD-Ranking's code, soft_label.py")
    optimiser: str = hyper("adamw", source=DD_SOFT)
    weight_decay: float = hyper(0.01, source=DD_SOFT)
    schedule: str = hyper("half-cosine", source="DD-Ranking's code, train_and_eval.py")

    registered: ClassVar[str] = "dd-ranking-soft"


RECIPES: TypedRegistry[Recipe] = TypedRegistry(
    "recipe",
    "recipes",
    {
        "common": "scenarios.recipes:Common",
        "card": "scenarios.recipes:Card",
        "dc": "scenarios.recipes:DC",
        "dsa": "scenarios.recipes:DSA",
        "idc": "scenarios.recipes:IDC",
        "mtt": "scenarios.recipes:MTT",
        "datm": "scenarios.recipes:DATM",
        "dd-ranking": "scenarios.recipes:DDRanking",
        "dd-ranking-soft": "scenarios.recipes:DDRankingSoft",
    },
    "scenarios.recipes:Recipe",
)
