"""A stream of coded images as a set stores it: one row of bytes."""

from collections.abc import Mapping

import torch
from torch import Tensor

STREAM = "stream"


def store_stream(content: bytes) -> dict[str, Tensor]:
    """Return the stored groups of a stream."""
    return {STREAM: torch.frombuffer(bytearray(content), dtype=torch.uint8)}


def read_stream(stored: Mapping[str, Tensor]) -> bytes:
    """Return the stream in stored groups.

    Raises:
        ValueError: It is not a row of bytes.
    """
    stream = stored[STREAM]
    if stream.dtype != torch.uint8 or stream.ndim != 1:
        raise ValueError(f"coded images are a row of bytes, not {stream.dtype} {stream.ndim}-d")
    return stream.cpu().numpy().tobytes()
