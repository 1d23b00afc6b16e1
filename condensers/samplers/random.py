"""Random: a class's real batch is drawn anew at every step, without replacement within the batch."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from condensers.setting import Setting


@dataclass(frozen=True)
class Random:
    """Real batches drawn at random from the class."""

    registered: ClassVar[str] = "random"

    def begin(self, setting: Setting) -> "RandomBatches":
        return RandomBatches(setting)


class RandomBatches:
    """Draws from the run's generator; has no state of its own."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    def batch(self, label: int, n: int, step: int, network: nn.Module | None) -> Tensor:
        """(<= n, C, H, W) float32 normalised: real images of the class `label`."""
        return self.setting.data.sample(label, n, self.setting.generator)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        return None
