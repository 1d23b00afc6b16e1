"""How images pass through networks at present: in which precision, and whether blocks may run as
single operations.

Precisions: "fp32", the default. "tf32" (GPUs): products of float32 with 10 bits of fraction.
"bf16": an approximation; where no gradient flows back to images (real batches, training, testing),
convolutions and matrix products are of bfloat16 numbers, 8 bits of fraction. Weights, losses,
statistics of norms, updates, and all passes of images that are learned stay in float32. "auto":
fp32 or bf16, whichever `condensers.networks.precision_choice` finds faster on this machine.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import NamedTuple

import torch
from torch import Tensor

AUTO = "auto"
PRECISIONS = ("fp32", "tf32", "bf16", "auto")


class Pass(NamedTuple):
    """precision: of PRECISIONS. single: whether blocks may be single operations."""

    precision: str = "fp32"
    single: bool = True


DEFAULT = Pass()
_PRESENT: ContextVar[Pass] = ContextVar("pass")


def single_operations() -> bool:
    """Whether blocks may be single operations at present.

    Not within transforms of `torch.func`, which our kernels cannot see through; torch has no public
    way to ask whether one is active.
    """
    return _PRESENT.get(DEFAULT).single and not torch._C._are_functorch_transforms_active()


def casting(images: Tensor) -> AbstractContextManager[None]:
    """Return the context of a network's pass of `images` (N, C, H, W).

    It computes in bfloat16 if that is the present precision and the images are not learned.
    """
    if _PRESENT.get(DEFAULT).precision != "bf16" or images.requires_grad:
        return nullcontext()
    return torch.autocast(images.device.type, dtype=torch.bfloat16)


def widened(x: Tensor) -> Tensor:
    """float32 where `x` is bfloat16; anything else as it is."""
    return x.float() if x.dtype == torch.bfloat16 else x


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Let networks compute in a precision, one of `PRECISIONS` but "auto", within the block.

    On GPUs torch's own switch for tf32 is set, and set back.
    """
    if name == AUTO:
        raise ValueError("precision auto is not resolved: see condensers.networks.precision_choice")
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = name == "tf32"
    token = _PRESENT.set(Pass(name, _PRESENT.get(DEFAULT).single))
    try:
        yield
    finally:
        _PRESENT.reset(token)
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


@contextmanager
def by_modules() -> Iterator[None]:
    """Let networks run module by module in float32 within the block.

    What is differentiated twice is cheaper so.
    """
    token = _PRESENT.set(Pass(single=False))
    try:
        yield
    finally:
        _PRESENT.reset(token)
