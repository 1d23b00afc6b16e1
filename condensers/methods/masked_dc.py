"""Masked DC: gradient matching whose real images are masked by attention.

min_S  E_theta0  sum_t sum_c D( grad L(theta_t; m(x_c) x_c), grad L(theta_t; s_c) ),  m the attention map

Source: D. Kim & Bae (IPIU 2022) and their code, MaskedDatasetCondensation: DC with every real image masked (`mask_prob` 1.0),
synthetic images and the loss untouched; zero of normalised pixels, the mean colour, stands where nothing is kept. Differences
from their code: those of DC and of the view `attention`. Their head cannot finish a run, so that nothing was compared with it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.composition import Composition
from condensers.fields import hyper
from condensers.views.attention import Attention


@dataclass(frozen=True)
class MaskedDC(Composition):
    """Gradient matching on real images under an attention map (Masked DC)."""

    iterations: int = hyper(1000, unit="initialisations of the network", source="DC, section 4.1", minimum=1)
    lr: float = hyper(0.1, source="DC, section 4.1", minimum=0.0)
    momentum: float = hyper(0.5, source="DC's code", minimum=0.0)
    batch_real: int = hyper(256, unit="images per class", source="DC, section 4.1", minimum=1)
    init: str = hyper("noise", source="DC, section 4.1", values=("noise", "real", "k-means", "centroids"))
    augmentation: Any = hyper("none", source="DC", part="augmentation")
    view: Any = hyper(Attention(), source="Masked DC's code", part="view")
    objective: Any = hyper("gradient", source="DC, eq. 9 and 10", part="objective")
    schedule: Any = hyper("trained-on-synthetic", source="DC, algorithm 1", part="schedule")

    registered: ClassVar[str] = "masked-dc"
    evaluation: ClassVar[str] = "none"
