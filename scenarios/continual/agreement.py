"""Whether a stream and a memory speak of the same kind of images. Avalanche mixes whatever it gets, without an error."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from condensers.errors import UsageError

SAMPLE = 64
# Standard deviations of the same classes differ by far less than this; images in 0..1 and normalised ones by 3 to 4.
RATIO = 2.5


def require_agreement(dataset: Any, memory: Tensor, card: Mapping[str, Any] | None) -> None:
    """Refuse, with UsageError, a stream data set whose items do not fit the memory's images (M, C, H, W).

    Items must be (x, y) or (x, y, t), x a float tensor of the memory's shape. With a card, the pixels of some items, spread
    over the data set, must also be on the scale of images normalised with the card's mean and std.
    """
    if not memory.is_floating_point():
        raise UsageError(f"CondensedMemory: the memory's images are {memory.dtype}, not normalised floats; decode them first")
    item = dataset[0]
    if len(item) not in (2, 3):
        raise UsageError(f"CondensedMemory: the stream's items have {len(item)} parts; give (x, y) or (x, y, task label)")
    x = item[0]
    if not isinstance(x, Tensor) or not x.is_floating_point():
        kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise UsageError(f"CondensedMemory: the stream gives images as {kind}; normalise them to floats, as the memory's are")
    if x.shape != memory.shape[1:]:
        raise UsageError(
            f"CondensedMemory: the stream's images are {tuple(x.shape)}, the memory's {tuple(memory.shape[1:])};"
            " use a set condensed from the stream's data"
        )
    if card is not None:
        _require_scale(dataset, memory, card)


def _require_scale(dataset: Any, memory: Tensor, card: Mapping[str, Any]) -> None:
    chosen = torch.linspace(0, len(dataset) - 1, min(SAMPLE, len(dataset))).round().int().tolist()
    stream = torch.stack([dataset[i][0] for i in chosen]).float()
    mean, std = torch.tensor(card["mean"]), torch.tensor(card["std"])
    low, high = float((-mean / std).min()), float(((1 - mean) / std).max())
    span = high - low
    outside = float(stream.min()) < low - span or float(stream.max()) > high + span
    ratio = float(stream.std()) / max(float(memory.std()), 1e-6)
    if outside or not 1 / RATIO < ratio < RATIO:
        raise UsageError(
            f"CondensedMemory: the stream's pixels lie in {float(stream.min()):.2f}..{float(stream.max()):.2f} (deviation"
            f" {float(stream.std()):.2f}), the memory's in {float(memory.min()):.2f}..{float(memory.max()):.2f} (deviation"
            f" {float(memory.std()):.2f}); normalise the stream with mean {list(card['mean'])} and std {list(card['std'])},"
            " or pass check_range=False"
        )
