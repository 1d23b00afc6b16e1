"""NNI's strategy for architectures that are given."""

from collections.abc import Sequence
from typing import Any

from scenarios.search.nni_imports import strategy


class InOrderStrategy(strategy.base.Strategy):  # type: ignore[misc]
    """Submits one given architecture after the other, by the values of its choices."""

    def __init__(self, choices: Sequence[dict[str, Any]]) -> None:
        super().__init__()
        self.choices = choices

    def _run(self) -> None:
        for choice in self.choices:
            if not self.wait_for_resource():
                return
            self.engine.submit_models(self.model_space.freeze(choice))
