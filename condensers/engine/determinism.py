"""The same bytes for the same seed on one model of graphics card.

Torch's kernels for a card may add in any order, unless they are told not to. What that costs is
measured by `make gpu`; kernels without such a form say so once and stay as they are. New memory is
not filled first, as torch would besides: nothing reads it, and each new tensor would cost a launch.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

# cuBLAS reads it when it is first used in a process: two buffers of fixed size for its sums.
WORKSPACE = ("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Let torch take kernels whose sums have one order, within the block; on a processor they have.

    Args:
        device: Where the work is done.
    """
    if device.type != "cuda":
        yield
        return
    os.environ.setdefault(*WORKSPACE)
    backend, memory = torch.backends.cudnn, torch.utils.deterministic
    filled = memory.fill_uninitialized_memory  # type: ignore[attr-defined]
    before = backend.deterministic, backend.benchmark
    enabled = torch.are_deterministic_algorithms_enabled()
    warning = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=not enabled or warning)
    backend.deterministic, backend.benchmark = True, False
    memory.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warning)
        backend.deterministic, backend.benchmark = before
        memory.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
