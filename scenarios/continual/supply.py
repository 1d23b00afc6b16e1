"""What the memories of one class order are made of: the same sets for every strategy."""

from collections.abc import Sequence
from typing import Any

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.sets.synthetic_set import SyntheticSet
from scenarios.continual.fixed import Fixed, most_images
from scenarios.continual.per_experience import PerExperience
from scenarios.continual.sources import Anew
from scenarios.continual.streamed import Streamed
from scenarios.protocol import Recipe


class Supply:
    """Gives each trial a source of its own, which starts empty; what was condensed once is not condensed again."""

    def __init__(self, scenario: Any, subject: SyntheticSet | Recipe, data: ClassData, context: Context) -> None:
        self.scenario, self.subject, self.data, self.context = scenario, subject, data, context
        self.made = PerExperience(subject, data, context) if isinstance(subject, Recipe) else None

    def source(self, parts: Sequence[tuple[int, ...]]) -> tuple[Any, int | None]:
        """A source, and how many images the memory may hold (None: as many as the set has)."""
        if self.made is None:
            return self.subject, None
        if self.scenario.memory == "online":
            return Streamed(
                self.made.recipe, self.data, self.scenario.online_update, self.context.fork("online")
            ), self.made.images()
        if self.scenario.growth == "fixed":
            return Fixed(self.made, self.scenario.shrink), most_images(self.made, parts)
        return Anew(self.made), self.made.images()

    def seconds(self) -> float | None:
        """What condensing took; None where it was not recorded."""
        return None if self.made is None or not self.made.sets else self.made.seconds()

    def doubts(self) -> list[str]:
        """What is doubtful of the sets that were condensed anew, each sentence once."""
        made = () if self.made is None else self.made.sets.values()
        return list(dict.fromkeys(doubt for one in made for doubt in one.card.get("doubts", [])))
