"""One trial: one learner under one protocol on one class order. Avalanche is imported when a trial runs, not before."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from condensers.context import Context
from condensers.networks import build
from condensers.synthetic import SyntheticSet
from scenarios.continual.condensing import PerExperience
from scenarios.continual.settings import Settings
from scenarios.continual.stream import benchmark
from scenarios.protocol import Splits


@dataclass(frozen=True)
class Trial:
    """name: "replay", "gdumb", "naive" or "joint". parts: the classes of each experience. source: None for no memory."""

    name: str
    order: int
    parts: Sequence[tuple[int, ...]]
    network: Any
    settings: Settings
    source: SyntheticSet | PerExperience | None = None

    def run(self, data: Splits, context: Context) -> dict[str, Any]:
        """R, seconds, images and bytes; kept in the context's folder when done. `context` is that of the class order."""
        here = context.fork(self.name)
        with warnings.catch_warnings():
            # About solvers that are not installed, loggers that are not wanted, and what a next version will rename.
            warnings.filterwarnings("ignore", module=r"avalanche|qpsolvers")
            result = here.memo("result", lambda: self._learn(data, context, here))
        if here.folder:
            (here.folder / "state.pt").unlink(missing_ok=True)
        return result

    def _learn(self, data: Splits, context: Context, here: Context) -> dict[str, Any]:
        from scenarios.continual.learner import Learner
        from scenarios.continual.memory import SyntheticBuffer

        memory = None
        if self.source is not None:
            size = self.source.images() if isinstance(self.source, PerExperience) else None
            full = 0 if self.settings.from_scratch else self.settings.batch_size_mem
            memory = SyntheticBuffer(self.source, size, fill_batch=full)
        # The initial weights come from the order alone: the same for every protocol and every subject of the seed.
        initial = context.fork("network").generator
        network = build(self.network, data.train.shape, len(data.train.class_names), initial, context.device)
        learner = Learner(network, self.settings, memory, data.test, here)
        stream = benchmark(data.train, data.test, self.parts).train_stream
        result = learner.run(stream, self.parts, f"continual order {self.order} {self.name}")
        if isinstance(self.source, PerExperience):
            result["condensation_seconds"] = self.source.seconds()
        return result
