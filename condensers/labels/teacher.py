"""Teacher's labels: the class probabilities that a network trained on the real data gives to each finished image.

p = softmax( f(x) / T ), f trained by `condensers.training` on the real images at hand.

Source: Hinton, Vinyals & Dean, "Distilling the knowledge in a neural network" (2015), section 2. The teacher's training counts in
the seconds that the set took. Only classes that are here get a probability.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from condensers.fields import hyper
from condensers.labels.base import SOFT_DTYPES
from condensers.setting import Setting
from condensers.training import Training, trained


@dataclass(frozen=True)
class Teacher:
    """Probabilities from a network that was trained on the real images."""

    epochs: int = hyper(4, unit="epochs of the teacher", source="ours", minimum=1)
    temperature: float = hyper(1.0, source="ours", minimum=0.0)
    batch: int = hyper(64, unit="images", source="ours", minimum=1)
    network: Any = hyper(None, source="ours: the method's network where none is given", part="network")
    storage: str = hyper("float16", source="ours", values=("float16", "float32"))

    registered: ClassVar[str] = "teacher"
    learned: ClassVar[bool] = False
    couples_classes: ClassVar[bool] = True
    form: ClassVar[str] = "probabilities"

    def nbytes(self, classes: int, units: int, images: int) -> int:
        return images * classes * SOFT_DTYPES[self.storage].itemsize

    def finish(self, images: Tensor, setting: Setting) -> Tensor:
        """(M, K) float32 probabilities of images (M, C, H, W) float32 normalised; trains the teacher first."""
        recipe = Training(epochs=self.epochs, batch=self.batch)
        network = trained(self.network or setting.network, setting.data, recipe, setting.context.fork("teacher"), "teacher")
        return probabilities(network, images, setting.data.classes, self.temperature)


@torch.no_grad()
def probabilities(network: torch.nn.Module, images: Tensor, classes: tuple[int, ...], temperature: float) -> Tensor:
    """(M, K) float32: softmax over the logits of `classes`, zero elsewhere."""
    network.eval()
    logits = torch.cat([network(part) for part in torch.split(images, 256)]) / temperature
    absent = torch.ones(logits.shape[1], dtype=torch.bool, device=logits.device)
    absent[list(classes)] = False
    return torch.softmax(logits.masked_fill(absent, -torch.inf), 1)
