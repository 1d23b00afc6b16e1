"""DSA: gradient matching on real and synthetic images that were augmented alike.

min_S  E_theta0  sum_t sum_c D( grad L(theta_t; A_w(x_c)), grad L(theta_t; A_w(s_c)) ),  w shared by both sides

Source: Zhao & Bilen, "Dataset Condensation with Differentiable Siamese Augmentation" (ICML 2021), eq. 5, section 4.1. Everything
but the augmentation and the start from real images is DC; the network's own training is augmented too, image by image.
Differences from the authors' code: those of DC, and the flip is left out where a mirrored image would change its label.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.fields import hyper
from condensers.methods.dc import DC


@dataclass(frozen=True)
class DSA(DC):
    """Siamese gradient matching (DSA): DC with augmentation, started from real images."""

    init: str = hyper("real", source="DSA's README", values=("noise", "real"))
    augmentation: Any = hyper("dsa", source="DSA, section 4.1", part="augmentation")

    registered: ClassVar[str] = "dsa"
    evaluation: ClassVar[str] = "dsa"
