"""Compressed: images as JPEG or PNG files, whose common head and tail are stored once.

bytes = |head| + |tail| + sum_i ( |body_i| + |length_i| )

Source: the formats, see `condensers.parts.parameterisations.jpeg.files`. It stores images that are
there: nothing can be learned in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import ClassVar, final

import numpy as np
import torch
from torch import Tensor

from condensers.hyperparameters import hyper
from condensers.parts.parameterisations.base import (
    Groups,
    StorageForm,
    count_stored,
    require_equal,
)
from condensers.parts.parameterisations.jpeg.files import (
    CODECS,
    WORST,
    Frame,
    bodies,
    decode_file,
    frame,
    quality_of,
)
from condensers.parts.parameterisations.pixels import Pixels

SHORT = 2**16


@final
@dataclass(frozen=True)
class Compressed(StorageForm):
    """JPEG or PNG files with one head and tail for all."""

    codec: str = hyper("png", help="file format of the stored images", source="ours", values=CODECS)

    registered: ClassVar[str] = "compressed"

    def pack_files(self, shared: Frame, bodies: Sequence[bytes]) -> Groups:
        """The stored groups of images that `codecs.bodies` gave: bytes (B,), lengths (M,), head and
        tail.
        """
        size = torch.uint16 if max(map(len, bodies)) < SHORT else torch.uint32
        lengths = torch.tensor([len(body) for body in bodies]).to(size)
        return {
            "bytes": _tensor(b"".join(bodies)),
            "lengths": lengths,
            "head": _tensor(shared[0]),
            "tail": _tensor(shared[1]),
        }

    def unpack(
        self,
        stored: Mapping[str, Tensor],
        mean: Sequence[float],
        std: Sequence[float],
        shape: Sequence[int],
    ) -> Tensor:
        """Stored groups -> images (M, C, H, W) float32 normalised; ValueError for bytes that are no
        such images.
        """
        images = self._read(stored, shape)
        return Pixels().unpack({"images": images.to(stored["bytes"].device)}, mean, std, shape)

    def _read(self, stored: Mapping[str, Tensor], shape: Sequence[int]) -> Tensor:
        shared = _content(stored["head"]), _content(stored["tail"])
        files = [decode_file(self.codec, shared, body, shape) for body in _bodies(stored)]
        return torch.from_numpy(np.stack(files)) if files else torch.empty(0, *shape).byte()

    def take(self, stored: Mapping[str, Tensor], units: Tensor) -> Groups:
        """The files at `units` (n,) int64, in that order."""
        bodies = _bodies(stored)
        return self.pack_files(
            (_content(stored["head"]), _content(stored["tail"])),
            [bodies[i] for i in units.tolist()],
        )

    @property
    def recodable(self) -> bool:
        """Whether the files are JPEG's."""
        return self.codec == "jpeg"

    def recode(
        self,
        parts: Sequence[Mapping[str, Tensor]],
        nbytes: int,
        shape: Sequence[int],
        least: int | None = None,
    ) -> list[Groups]:
        """Return files of the highest quality, one for all sets, that fit; those of a set that has
        a lower one already stay.

        Files are decoded and encoded again, which loses a little more than one encoding does.
        """
        if not self.recodable:
            return super().recode(parts, nbytes, shape, least)
        best = [dict(part) for part in parts]
        qualities = [quality_of(_content(part["head"]), shape) for part in parts]
        low, high = least or WORST, max(qualities) - 1
        if _size(best) <= nbytes or low > high:
            return best
        images = [self._read(part, shape).numpy() for part in parts]

        def at(quality: int) -> list[Groups]:
            shared = frame(self.codec, quality, shape)
            return [
                self.pack_files(shared, bodies(self.codec, quality, read))
                if quality < own
                else dict(part)
                for part, own, read in zip(parts, qualities, images, strict=True)
            ]

        best = at(low)
        while _size(best) <= nbytes and low < high:
            middle = (low + high + 1) // 2
            found = at(middle)
            low, high, best = (
                (middle, high, found) if _size(found) <= nbytes else (low, middle - 1, best)
            )
        return best

    def append(
        self, stored: Mapping[str, Tensor], kept: Tensor, images: Tensor, like: int | None
    ) -> Groups:
        """Return the files at `kept`, and those of new images at their quality."""
        shared, old = (_content(stored["head"]), _content(stored["tail"])), _bodies(stored)
        quality = quality_of(shared[0], images.shape[1:]) if self.codec == "jpeg" else 0
        new = bodies(self.codec, quality, images.cpu().numpy()) if len(images) else []
        return self.pack_files(shared, [*(old[i] for i in kept.tolist()), *new])

    def join(self, parts: Sequence[Mapping[str, Tensor]]) -> Groups:
        """The files of all `parts`; UsageError where their heads differ (other quality)."""
        require_equal(parts, ("head", "tail"), "compressed with different settings")
        shared = _content(parts[0]["head"]), _content(parts[0]["tail"])
        return self.pack_files(shared, [body for part in parts for body in _bodies(part)])


def _tensor(content: bytes) -> Tensor:
    return (
        torch.frombuffer(bytearray(content), dtype=torch.uint8)
        if content
        else torch.empty(0, dtype=torch.uint8)
    )


def _content(tensor: Tensor) -> bytes:
    if tensor.dtype != torch.uint8 or tensor.ndim != 1:
        raise ValueError(
            f"compressed images are stored as a row of bytes, not as {tensor.dtype}"
            f" {tuple(tensor.shape)}"
        )
    return tensor.cpu().numpy().tobytes()


def _bodies(stored: Mapping[str, Tensor]) -> list[bytes]:
    """The bytes of each image, after checking that the lengths share out all of them."""
    content, lengths = _content(stored["bytes"]), stored["lengths"]
    if lengths.dtype not in (torch.uint16, torch.uint32) or lengths.ndim != 1:
        raise ValueError(
            f"the lengths of compressed images are unsigned numbers in a row, not {lengths.dtype}"
        )
    ends = [0, *accumulate(lengths.cpu().numpy().tolist())]
    if not lengths.cpu().numpy().all():
        raise ValueError(
            "one of its compressed images has no bytes"
        )  # which a reader of JPEG takes for a grey image
    if ends[-1] != len(content):
        raise ValueError(
            f"the lengths of its compressed images add up to {ends[-1]} bytes, but there are"
            f" {len(content)}"
        )
    return [content[begin:end] for begin, end in pairwise(ends)]


def _size(parts: Sequence[Mapping[str, Tensor]]) -> int:
    return sum(count_stored(part) for part in parts)
