"""Several architectures at once on this machine, each in a process of its own, by NNI's training service."""

from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.engine.context import Context
from condensers.hyperparameters import hyper
from scenarios.search.engines.launching import launched
from scenarios.search.judging import Judging


@dataclass(frozen=True)
class Local:
    """Several architectures at once, each in a process of its own that NNI starts on this machine."""

    trials: int = hyper(2, unit="architectures at once", source="ours", minimum=1)

    registered: ClassVar[str] = "local"
    sees_folder: ClassVar[bool] = True
    python: ClassVar[str] = ""

    def explore(self, judging: Judging, context: Context) -> list[dict[str, Any]]:
        return launched(self, judging, context)

    def address(self) -> str:
        return "127.0.0.1"

    def advice(self) -> str:
        return ""

    def training_service(self) -> Any:
        from nni.experiment.config.training_services import LocalConfig  # NNI takes seconds to import

        return LocalConfig()
