"""DC and DSA on real images that are masked by attention."""

from dataclasses import dataclass
from typing import ClassVar

from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.objectives.base import Objective
from condensers.parts.views.attention import AttentionMask
from condensers.parts.views.base import View


@dataclass(frozen=True)
class MaskedDC(Composition):
    """Gradient matching on real images under an attention map (Masked DC).

    Masked DC: gradient matching whose real images are masked by attention.

    min_S  E_theta0  sum_t sum_c D( grad L(theta_t; m(x_c) x_c), grad L(theta_t; s_c) ),  m the
    attention map

    Source: D. Kim & Bae (IPIU 2022) and their code, MaskedDatasetCondensation: DC with every real
    image masked (`mask_prob` 1.0), synthetic images and the loss untouched; zero of normalised
    pixels, the mean colour, stands where nothing is kept. Differences from their code: those of DC
    and of the view `attention`. Their head cannot finish a run, so that nothing was compared with
    it.
    """

    iterations: int = hyper(
        1000,
        unit="networks",
        help="initialisations of the network",
        source="DC, section 4.1",
        minimum=1,
    )
    lr: float = hyper(0.1, source="DC, section 4.1", minimum=0.0)
    momentum: float = hyper(0.5, source="DC's code", minimum=0.0)
    batch_real: int = hyper(256, unit="images per class", source="DC, section 4.1", minimum=1)
    init: str = hyper(
        "noise", source="DC, section 4.1", values=("noise", "real", "k-means", "centroids")
    )
    augmentation: Augmentation = hyper("none", source="DC", part="augmentation")
    view: View = hyper(AttentionMask(), source="Masked DC's code", part="view")
    objective: Objective = hyper("gradient", source="DC, eq. 9 and 10", part="objective")
    model_schedule: ModelSchedule = hyper(
        "trained-on-synthetic", source="DC, algorithm 1", part="model schedule"
    )

    registered: ClassVar[str] = "masked-dc"
    evaluation: ClassVar[str] = "none"


@dataclass(frozen=True)
class MaskedDSA(Composition):
    """Siamese gradient matching on real images under an attention map (Masked DSA).

    Masked DSA: siamese gradient matching whose real images are masked by attention.

    min_S  E_theta0  sum_t sum_c D( grad L(theta_t; A_w(m(x_c) x_c)), grad L(theta_t; A_w(s_c)) ),
    m the attention map

    Source: D. Kim & Bae (IPIU 2022) and their code, MaskedDatasetCondensation: DSA with every real
    image masked before augmentation. Images that the set starts from are masked ones too.
    Differences from their code: those of DSA and of the view `attention`.
    """

    iterations: int = hyper(
        1000,
        unit="networks",
        help="initialisations of the network",
        source="DSA, section 4.1",
        minimum=1,
    )
    lr: float = hyper(0.1, source="DSA, section 4.1", minimum=0.0)
    momentum: float = hyper(0.5, source="DSA's code", minimum=0.0)
    batch_real: int = hyper(256, unit="images per class", source="DSA, section 4.1", minimum=1)
    init: str = hyper(
        "real", source="DSA's README", values=("noise", "real", "k-means", "centroids")
    )
    augmentation: Augmentation = hyper("dsa", source="DSA, section 4.1", part="augmentation")
    view: View = hyper(AttentionMask(), source="Masked DC's code", part="view")
    objective: Objective = hyper("gradient", source="DC, eq. 9 and 10", part="objective")
    model_schedule: ModelSchedule = hyper(
        "trained-on-synthetic", source="DC, algorithm 1", part="model schedule"
    )

    registered: ClassVar[str] = "masked-dsa"
    evaluation: ClassVar[str] = "dsa"
