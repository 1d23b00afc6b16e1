"""View schedule: when another view is seen along the run, how strongly, and by what.

x_t = (1 - a) x + a v(x),  t = done / until,  done the part of the run before the step, 0 to 1
none:    a = 1                     for t < 1
linear:  a = 1 - t                 for t < 1
cosine:  a = (1 + cos(pi t)) / 2   for t < 1,  and all of them a = 0 from there on

v(x) are the view's images, made once. For a view that masks, v(x) = m x + (1 - m) f, x_t is the
image under the mask 1 - a (1 - m): masks fade, and nothing else changes. Source: ours; D. Kim &
Bae (IPIU 2022) mask the same images in the same way at every step.

What is made before the first step sees the view as it is then: the images that the set starts from,
the warm start of decoders. What is made after the last step sees it as it has become: a teacher. A
batch or a choice of images that serves several steps stays as it was read, except that statistics
are read again once the view has ended.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, final

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks import NetworkSpec
from condensers.parts.views.base import Identity, View
from condensers.parts.views.masking import require_shares


@final
@dataclass(frozen=True)
class ViewSchedule(View):
    """Another view, for a part of the run, falling in strength, or for what is matched alone."""

    view: View = hyper("attention", help="view that is seen", source="ours", part="view")
    until: float = hyper(
        1.0,
        help="part of the run, 0 to 1, after which images are whole",
        source="ours",
        minimum=0.0,
    )
    anneal: str = hyper(
        "none",
        help="how the view's strength falls from 1 to 0 until then; none: it stays 1",
        source="ours",
        values=("none", "linear", "cosine"),
    )
    seen_by: str = hyper(
        "all",
        help=(
            "matching: only images that are matched (by the objective, its terms, the sampler) are"
            " changed; networks are trained and the set starts on whole ones"
        ),
        source="ours",
        values=("all", "matching"),
    )

    registered: ClassVar[str] = "view-schedule"

    def __post_init__(self) -> None:
        require_shares(self, {"until": self.until})
        if self.until == 0:
            raise UsageError(
                "view view-schedule.until: 0 leaves no step to the view; take a part of the run"
                " above 0, or view identity"
            )

    def require_fit(self, where: str) -> None:
        """UsageError where the view cannot be scheduled, or cannot fade."""
        if isinstance(self.view, Identity | ViewSchedule):
            raise UsageError(
                f"{where}.view: {self.view.registered} changes no images itself; take a view that"
                " does, such as attention"
            )
        if self.anneal != "none" and not self.view.blends:
            raise UsageError(
                f"{where}.anneal: an image of view {self.view.registered} mixed with the whole one"
                " shows both at once and is no weaker such view; take anneal none, and until below"
                " 1 if the view shall end early"
            )

    @property
    def couples_classes(self) -> bool:
        """Whether the view that is seen couples classes."""
        return self.view.couples_classes

    @property
    def inner(self) -> View:
        """The view that is seen."""
        return self.view

    @property
    def varies(self) -> bool:
        """Whether the view ends or falls."""
        return self.fades or self.until < 1

    @property
    def fades(self) -> bool:
        """Whether the strength falls."""
        return self.anneal != "none"

    @property
    def matching_only(self) -> bool:
        """Whether only the images that are matched are changed."""
        return self.seen_by == "matching"

    def strength(self, done: float) -> float:
        """Return a.

        >>> [ViewSchedule(anneal="linear", until=0.5).strength(done) for done in (0, 0.25, 0.5, 1)]
        [1.0, 0.5, 0.0, 0.0]
        """
        if not self.varies:
            return 1.0
        t = max(done, 0.0) / self.until
        if t >= 1:
            return 0.0
        falling = {"none": 1.0, "linear": 1 - t, "cosine": (1 + math.cos(math.pi * t)) / 2}
        return falling[self.anneal]

    def apply(self, data: ClassData, context: Context) -> ClassData:
        """Return the images at full strength."""
        return self.view.apply(data, context)

    def preparation(self, data: ClassData) -> list[tuple[NetworkSpec, float]]:
        """Return the networks that the view trains, and about how many images pass each."""
        return self.view.preparation(data)

    def mask_seconds(self, data: ClassData, context: Context) -> float:
        """Return the seconds that the view's masks took."""
        return self.view.mask_seconds(data, context)
