"""Parts of a step as CUDA graphs: recorded once, and then launched as one.

A step of gradient or trajectory matching is thousands of small operations, and a graphics card
waits for the processor to name each of them. A recorded graph reads its inputs from, and leaves its
results in, memory that never moves; inputs are copied there before it is launched.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Protocol

import torch
from torch import Tensor

Function = Callable[..., Sequence[Tensor]]
WARM_UP = 3  # calls before one is recorded, in which libraries choose kernels and take memory
MOST = 64  # graphs of one run, each of which holds memory
TOLERANCE = 1e-2  # of the norm of results; sums may have another order


class Recorder(Protocol):
    """What records: `record` returns results in fixed memory, and what computes them anew."""

    def record(
        self, function: Function, inputs: Sequence[Tensor]
    ) -> tuple[Sequence[Tensor], Callable[[], None]]: ...


class CudaRecorder:
    """Records by `torch.cuda.graph`; all graphs of a run share one pool of memory."""

    def __init__(self) -> None:
        self.first: torch.cuda.CUDAGraph | None = None

    def record(
        self, function: Function, inputs: Sequence[Tensor]
    ) -> tuple[Sequence[Tensor], Callable[[], None]]:
        """Warm up beside the present stream, then record."""
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                function(*inputs)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.first.pool() if self.first else None):
            results = function(*inputs)
        self.first = self.first or graph
        return results, graph.replay


def copy_all(held: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    """Write values into tensors that stay where they are, each dtype in one launch."""
    for dtype in dict.fromkeys(one.dtype for one in held):
        of = [index for index, one in enumerate(held) if one.dtype == dtype]
        torch._foreach_copy_([held[index] for index in of], [values[index] for index in of])


class _Graph:
    """One recorded function. inputs, results: in fixed memory.

    Its first results are compared with those of the function: a library that works on the processor
    meanwhile is not recorded, and need not say so.
    """

    def __init__(self, recorder: Recorder, function: Function, given: Sequence[Tensor]) -> None:
        self.inputs = [one.detach().clone() for one in given]
        self.results, self.replay = recorder.record(function, self.inputs)
        if not _equal(self(given), function(*self.inputs)):
            raise RuntimeError("its results are others")

    def __call__(self, given: Sequence[Tensor]) -> list[Tensor]:
        copy_all(self.inputs, [one.detach() for one in given])
        self.replay()
        found = [torch.empty_like(one) for one in self.results]
        copy_all(found, self.results)
        return found


def _equal(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> bool:
    """Whether results are equal but for rounding, where they are numbers; a wait."""
    pairs = [(a.double(), b.double()) for a, b in zip(found, wanted, strict=True)]
    each = [((a - b).norm() <= TOLERANCE * b.norm()) | ~b.isfinite().all() for a, b in pairs]
    return bool(torch.stack(each).all())


class Captures:
    """The recorded functions of one run.

    Attributes:
        reason: Why functions are called as they are; empty while they are recorded.
    """

    def __init__(self, recorder: Recorder | None, reason: str = "") -> None:
        self.recorder, self.reason = recorder, reason
        self.graphs: dict[Hashable, _Graph] = {}

    @property
    def on(self) -> bool:
        """Whether functions are recorded."""
        return self.recorder is not None and not self.reason

    def call(self, name: Hashable, function: Function, given: Sequence[Tensor]) -> list[Tensor]:
        """Return what `function` gives of `given`, from its graph if there is one.

        Args:
            name: Stands for all that the function depends on but `given`.
            function: Takes and gives tensors, without gradients between them. It draws nothing,
                reads nothing of the card, and takes as many steps whatever the values.
            given: Its arguments.
        """
        if self.recorder is None or self.reason:
            return list(function(*given))
        key = (name, *((tuple(one.shape), one.dtype) for one in given))
        if key not in self.graphs:
            if len(self.graphs) == MOST:
                self.reason = f"more than {MOST} graphs"
                return list(function(*given))
            try:
                self.graphs[key] = _Graph(self.recorder, function, given)
            except Exception as fault:  # whatever a library says: the step is taken without it
                self.reason = f"not recorded: {str(fault).partition(chr(10))[0][:200]}"
                return list(function(*given))
        return self.graphs[key](given)

    def describe(self) -> str:
        """Return how steps are taken, for the card."""
        if not self.on:
            return f"eager ({self.reason})"
        return "captured" if self.graphs else "eager (nothing to record)"


NO_CAPTURES = Captures(None, "no graphics card")


def captures_of(device: torch.device) -> Captures:
    """Return what records on a device: nothing on a processor."""
    if device.type != "cuda" or not torch.cuda.is_available():
        return NO_CAPTURES
    return Captures(CudaRecorder())
