"""What a baseline gives the search: a judge of architectures."""

from typing import Any, ClassVar, Protocol

from condensers.engine.context import Context
from scenarios.protocol import Splits


class Judge(Protocol):
    """Scores one architecture after the other; what is larger is judged better.

    measures: what the score is, in words. unit: its unit. own_draws: whether weights and batches
    are drawn apart from those of the proxies of the same seed.
    """

    @property
    def measures(self) -> str: ...

    @property
    def unit(self) -> str: ...

    @property
    def own_draws(self) -> bool: ...

    def judge(self, spec: Any, name: str, context: Context) -> dict[str, Any]:
        """The record of one architecture, as JSON values: "score", "seconds", "images" and what
        else the judge found.

        spec: has `module(shape, classes)`. name: its identifier, unique in the space. What is not
        learned costs 0 images.
        """
        ...


class Baseline(Protocol):
    """A frozen dataclass without settings of its own: those of the search hold."""

    registered: ClassVar[str]

    def judge(self, settings: Any, data: Splits) -> Judge:
        """settings: the `Search`. data: on the device of the run."""
        ...

    def images(self, settings: Any, data: Splits) -> float:
        """About how many images pass forward and backward for one architecture (a forward pass
        counts a third).
        """
        ...
