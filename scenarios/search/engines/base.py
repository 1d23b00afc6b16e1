"""What an engine gives the search: the rows of the architectures that the strategy chose."""

from typing import Any, ClassVar, Protocol

from condensers.engine.context import Context
from scenarios.search.judging import Judging


class Engine(Protocol):
    """A frozen dataclass; scores are the same whatever the engine, seconds are not."""

    registered: ClassVar[str]

    def explore(self, judging: Judging, context: Context) -> list[dict[str, Any]]:
        """Score up to `judging.plan.limit` architectures; a row each, in the order they were tried.

        A row is what `Judging.row` gives, or for an architecture without a score its id, its choices and an "error".
        Interrupted where the context says stop; what is finished is kept in the context's folder.
        """
        ...
