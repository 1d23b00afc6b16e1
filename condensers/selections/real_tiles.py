"""Real tiles: more real images at the bytes of fewer, made smaller and stored as the tiles of
canvases; nothing is learned.

canvas_u = the tiles down( x_(u f f) ), ..., down( x_(u f f + f f - 1) ) side by side, f the factor;
ipc canvases of a class hold f f ipc images, which are enlarged to full size again when they are
used

Source: ours, of IDC's storage (Kim et al., ICML 2022, section 4.1); parameterisation `tiles` says
how it is decoded. With labels of a teacher it is the cheap set that learned ones have to beat at
equal bytes of images.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.hyperparameters import hyper
from condensers.networks import NetworkSpec
from condensers.parts.labels import LabelModel
from condensers.parts.parameterisations.tiles import mosaic
from condensers.parts.refiners.base import Refiner
from condensers.parts.setting import RunSetting
from condensers.selections.base import RandomSelection, feature_map
from condensers.selections.geometry import KMeansSelection
from condensers.selections.tiled import Stitched, TiledSelection

CHOICES = {"random": RandomSelection(), "k-means": KMeansSelection()}


@dataclass(frozen=True)
class RealTiles(TiledSelection):
    """Real images made smaller: factor * factor of them at the bytes of one."""

    factor: int = hyper(
        2,
        unit="tiles",
        help="tiles along each side of a canvas",
        source="IDC, section 5.1",
        minimum=1,
    )
    choose: str = hyper(
        "random", help="selection of the images", source="ours", values=("random", "k-means")
    )
    labels: LabelModel = hyper("hard", source="ours", part="label model")
    network: NetworkSpec = hyper(
        "convnet", help="network of a teacher that names none", source="ours", part="network"
    )

    refiner: Refiner | None = hyper(
        None,
        help="a small network that all images pass when they are read; its bytes count",
        source="ours: none",
        part="refiner",
    )

    registered: ClassVar[str] = "real-tiles"

    def stitch(self, data: ClassData, ipc: int, setting: RunSetting) -> Stitched:
        """Choose images and make them smaller."""
        chosen = self.choose_images(data, ipc * self.factor**2, setting.context)
        real = data.images[torch.cat(chosen)]
        return Stitched(mosaic(data.normalise(real), self.factor), chosen, sources=real)

    def choose_images(self, data: ClassData, images: int, context: Context) -> list[Tensor]:
        """Indices (images,) int64 of different images of each class."""
        features, found = feature_map("pixels", data, context), []
        for label in context.each(data.classes, self.registered):
            members = data.members(label)
            positions = CHOICES[self.choose].choose(features(members), images, context.generator)
            found.append(members[positions.to(data.device)])
        return found


@dataclass(frozen=True)
class RandomSoft(RealTiles):
    """Random, softly labelled: real images drawn without replacement, each with the probabilities
    that an early-stopped teacher gives it. Every method with soft labels has to beat it at equal
    bytes.

    Source: Qin, Deng & Alvarez-Melis, "A Label is Worth a Thousand Images in Dataset Distillation"
    (NeurIPS 2024), section 4; Sahdev et al., "Rethinking Dataset Distillation: Hard Truths about
    Soft Labels" (CVPR 2026), whose rows with fixed soft labels these are. The images are those of
    `random` with the same seed. The labels' bytes count, so at the bytes of ipc images there is
    room for a few less. `labels` has the stopping.
    """

    factor: int = hyper(
        1,
        unit="tiles",
        help="tiles along each side of a canvas",
        source="'A label is worth a thousand images': whole images",
        minimum=1,
    )
    labels: LabelModel = hyper(
        "early-teacher",
        source="'A label is worth a thousand images', section 4.2",
        part="label model",
    )

    registered: ClassVar[str] = "random-soft"
