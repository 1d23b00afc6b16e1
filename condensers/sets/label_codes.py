"""Soft labels in few bits: a row of bytes for each image, which says all that it needs.

4-bit to 8-bit, L = 2^b - 1:
    probabilities  q_k = round(L p_k / max_j p_j),           p'_k = q_k / sum_j q_j
    scores         q_k = round(L (s_k - lo) / (hi - lo)),    s'_k = lo + q_k (hi - lo) / L,
                   lo and hi: the least and the largest of the row, two float16 before the rest
top-2, probabilities alone: the two likeliest classes i and j, q = round(255 p_i / (p_i + p_j)),
    p'_i = q / 255, p'_j = 1 - p'_i

The b-bit numbers of a row follow each other, highest bit first, and zeros fill its last byte. A
class takes one byte, or two (low byte first) where there are more than 256.

Source: ours. Two kept classes are the smallest case of the partial labels of Shen & Xing, "A fast
knowledge distillation framework for visual recognition" (ECCV 2022).
"""

import torch
from torch import Tensor

BITS = {"8-bit": 8, "7-bit": 7, "6-bit": 6, "5-bit": 5, "4-bit": 4}
TOP = "top-2"
CODES = (*BITS, TOP)
ENDS = 4  # bytes of the two float16 before a row of scores
BYTE = 256


def row_bytes(storage: str, form: str, classes: int) -> int:
    """Return the stored bytes of the labels of one image.

    Args:
        storage: One of `CODES`.
        form: "probabilities" or "scores".
        classes: Length of a soft label.
    """
    if storage == TOP:
        return 2 * _class_bytes(classes) + 1
    return -(-BITS[storage] * classes // 8) + (ENDS if form == "scores" else 0)


def encode(labels: Tensor, storage: str, form: str) -> Tensor:
    """Return soft labels (M, K) float as stored, (M, R) uint8 on the CPU."""
    labels = labels.detach().cpu().double()
    if storage == TOP:
        return _encode_top(labels)
    largest = 2 ** BITS[storage] - 1
    if form == "scores":
        ends = torch.stack([labels.amin(1), labels.amax(1)], 1).half()
        low, high = torch.split(ends.double(), 1, dim=1)
        part = (labels - low) / torch.where(high > low, high - low, 1)
        whole = (part * largest).round().clamp(0, largest).long()
        return torch.cat([ends.view(torch.uint8), _pack_bits(whole, BITS[storage])], 1)
    whole = (labels / labels.amax(1, keepdim=True) * largest).round().clamp(0, largest).long()
    return _pack_bits(whole, BITS[storage])


def decode(rows: Tensor, storage: str, form: str, classes: int) -> Tensor:
    """Return the soft labels (M, K) float32 of stored rows, on their device.

    Raises:
        ValueError: The rows are not of that form.
    """
    if storage not in CODES:
        raise ValueError(f"labels stored as '{storage}' are not known here")
    if rows.dtype != torch.uint8 or rows.ndim != 2:
        raise ValueError(f"{storage} labels are rows of bytes, not {rows.dtype}")
    if rows.shape[1] != row_bytes(storage, form, classes):
        raise ValueError(
            f"{storage} labels of {classes} classes take {row_bytes(storage, form, classes)} bytes"
            f" each, not {rows.shape[1]}"
        )
    if storage == TOP:
        return _decode_top(rows, classes)
    bits = BITS[storage]
    if form == "scores":
        ends = rows[:, :ENDS].contiguous().view(torch.float16).float()
        low, high = torch.split(ends, 1, dim=1)
        scores: Tensor = low + _unpack_bits(rows[:, ENDS:], bits, classes) * (
            (high - low) / (2**bits - 1)
        )
        return scores
    whole = _unpack_bits(rows, bits, classes)
    total = whole.sum(1, keepdim=True)
    if not bool((total > 0).all()):
        raise ValueError("a row of its labels has no probable class")
    return whole / total


def _class_bytes(classes: int) -> int:
    return 1 if classes <= BYTE else 2


def _encode_top(labels: Tensor) -> Tensor:
    order = labels.sort(dim=1, descending=True, stable=True).indices
    first, second = order[:, :1], order[:, 1:2] if labels.shape[1] > 1 else order[:, :1]
    ours, theirs = labels.gather(1, first), labels.gather(1, second)
    share = (ours / (ours + theirs) * 255).round().long()
    columns = [first, second, share]
    if labels.shape[1] > BYTE:
        columns = [first % BYTE, first // BYTE, second % BYTE, second // BYTE, share]
    return torch.cat(columns, 1).to(torch.uint8)


def _decode_top(rows: Tensor, classes: int) -> Tensor:
    size = _class_bytes(classes)
    weights = torch.tensor([1, BYTE][:size], device=rows.device)
    found = (rows[:, : 2 * size].long().view(-1, 2, size) * weights).sum(2)
    if not bool((found < classes).all()):
        raise ValueError(f"a class of its top-2 labels is beyond the {classes} that there are")
    share = rows[:, -1:].float() / 255
    empty = torch.zeros(len(rows), classes, device=rows.device)
    return empty.scatter_add(1, found, torch.cat([share, 1 - share], 1))


def _pack_bits(whole: Tensor, bits: int) -> Tensor:
    """Numbers (M, K) below 2^bits -> (M, R) uint8."""
    flat = (whole[:, :, None] >> torch.arange(bits - 1, -1, -1) & 1).flatten(1)
    padded = torch.nn.functional.pad(flat, (0, -flat.shape[1] % 8)).view(len(whole), -1, 8)
    return (padded * 2 ** torch.arange(7, -1, -1)).sum(2).to(torch.uint8)


def _unpack_bits(rows: Tensor, bits: int, classes: int) -> Tensor:
    """Rows (M, R) uint8 -> numbers (M, K) float32."""
    down = torch.arange(7, -1, -1, device=rows.device)
    flat = (rows.long()[:, :, None] >> down & 1).flatten(1)[:, : bits * classes]
    weights = 2 ** torch.arange(bits - 1, -1, -1, device=rows.device)
    return (flat.view(len(rows), classes, bits) * weights).sum(2).float()
