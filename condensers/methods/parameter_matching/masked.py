"""DC and DSA on real images that are masked by attention."""

from dataclasses import dataclass
from typing import ClassVar

from condensers.hyperparameters import hyper
from condensers.methods.parameter_matching.dc import DC
from condensers.methods.parameter_matching.dsa import DSA
from condensers.parts.views.attention import AttentionMask
from condensers.parts.views.base import View


@dataclass(frozen=True)
class MaskedDC(DC):
    """Masked gradient matching (Masked DC): DC on real images that are masked by attention.

    min_S  E_theta0  sum_t sum_c D( grad L(theta_t; m(x_c) x_c), grad L(theta_t; s_c) ),  m the
    attention map

    Source: D. Kim & Bae (IPIU 2022) and their code, MaskedDatasetCondensation: DC with every real
    image masked (`mask_prob` 1.0), synthetic images and the loss untouched; zero of normalised
    pixels, the mean colour, stands where nothing is kept. Differences from their code: those of DC
    and of the view `attention`. Their head cannot finish a run, so that nothing was compared with
    it.
    """

    view: View = hyper(AttentionMask(), source="Masked DC's code", part="view")

    registered: ClassVar[str] = "masked-dc"


@dataclass(frozen=True)
class MaskedDSA(DSA):
    """Masked siamese gradient matching (Masked DSA): DSA on real images that are masked by
    attention.

    min_S  E_theta0  sum_t sum_c D( grad L(theta_t; A_w(m(x_c) x_c)), grad L(theta_t; A_w(s_c)) ),
    m the attention map

    Source: D. Kim & Bae (IPIU 2022) and their code, MaskedDatasetCondensation: DSA with every real
    image masked before augmentation. Images that the set starts from are masked ones too.
    Differences from their code: those of DSA and of the view `attention`.
    """

    view: View = hyper(AttentionMask(), source="Masked DC's code", part="view")

    registered: ClassVar[str] = "masked-dsa"
