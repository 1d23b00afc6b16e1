"""A graphics card that is none: its tensors are those of the processor under another name, and
whatever would stop or slow a real one down is counted.

Our code sees tensors that lie on "cuda:0". Counted are

- `mixed`: an operation on tensors of both devices, which a graphics card refuses;
- `copies`: tensors brought to the device while the processor waits;
- `sent`: tensors brought there in passing (`non_blocking=True`), which costs a launch;
- `waits`: the processor reads something of the device: a number, a tensor, the size of a result;
- `shown`: such a wait where the figure of a step is shown, in `condensers.engine.loop`;
- `launches`: operations that compute.

What happens inside one operation of torch is not seen: neither its kernels nor its own copies.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch
import torch.utils._device
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

DEVICE = torch.device("cuda", 0)
KINDS = ("mixed", "copies", "sent", "waits", "shown", "launches")
# What a graphics card cannot end without telling the processor how large the result is, or whether
# it is one.
WAITING = frozenset(
    (
        "_local_scalar_dense",
        "is_nonzero",
        "equal",
        "nonzero",
        "masked_select",
        "unique_consecutive",
        "unique_dim",
        "_unique2",
        "_unique",
        "bincount",
        "_linalg_check_errors",
        "linalg_eig",
        "linalg_lstsq",
        "histc",
    )
)
NUMBERS = ("_local_scalar_dense", "is_nonzero", "equal")
# What no kernel computes: tensors under another name, or with nothing in them yet.
FREE = (*NUMBERS, "detach", "lift_fresh", "empty", "empty_like", "empty_strided", "new_empty")
INDEXING = ("index", "index_fill_", "index_put_", "index_put", "_unsafe_index", "_index_put_impl_")
MAKERS = torch.utils._device._device_constructors()
OF_DATA = (torch.tensor, torch.as_tensor, torch.asarray, torch.from_numpy)
CODE = ("/condensers/", "/scenarios/", "/harness/", "/tests/", "/avalanche/", "/nni/")


class PretendTensor(Tensor):
    """A tensor of the pretend device. held: the tensor of the processor that it stands for."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "PretendTensor":
        made: PretendTensor = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
        )
        made.held = held
        return made

    device = property(lambda self: DEVICE)  # type: ignore[assignment]
    is_cuda = property(lambda self: True)  # type: ignore[assignment]
    is_cpu = property(lambda self: False)  # type: ignore[assignment]
    __torch_function__ = torch._C._disabled_torch_function_impl

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"PretendTensor({tuple(self.shape)}, {self.dtype})"

    @classmethod
    def __torch_dispatch__(
        cls,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        raise RuntimeError(f"{func}: a tensor of the pretend device is used outside `watched`")


class PretendGenerator(torch.Generator):
    """A generator of any device, on the processor."""

    def __new__(cls, device: Any = None) -> "PretendGenerator":
        return super().__new__(cls)


class Calls(TorchFunctionMode):
    """What names a device in a call: tensors that are made there, and those that change sides."""

    def __init__(self, watch: "Watch") -> None:
        super().__init__()
        self.watch = watch

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func in (Tensor.to, Tensor.cuda, Tensor.cpu):
            return self._move(func, args, given)
        if func is Tensor.data.__set__ and isinstance(args[1], PretendTensor):  # type: ignore[attr-defined]
            args[0].held = args[1].held  # torch would exchange the shell alone
        if func is Tensor.pin_memory:
            return args[0]
        if func is Tensor.tolist and isinstance(args[0], PretendTensor):
            self.watch.note("waits", "tolist")
            return args[0].held.tolist()
        if func in MAKERS or "device" in given:
            with self.watch.of_caller():
                return self._make(func, args, given)
        return func(*args, **given)

    def _make(self, func: Callable[..., Any], args: Sequence[Any], given: dict[str, Any]) -> Any:
        if _is_there(given.get("device")):
            if func in OF_DATA and not isinstance(args[0], PretendTensor):
                self.watch.note("copies", func.__name__)
            made = func(*args, **given | {"device": torch.device("cpu")})
            return made if isinstance(made, PretendTensor) else self.watch.bring(made)
        return func(*args, **given)

    def _move(self, func: Callable[..., Any], args: Sequence[Any], given: dict[str, Any]) -> Tensor:
        tensor, words = args[0], args[1:]
        device, dtype, passing, form = None, None, bool(given.get("non_blocking")), None
        if func is Tensor.to and not (words and isinstance(words[0], Tensor)):
            known = {name: one for name, one in given.items() if name != "copy"}
            device, dtype, passing, form = torch._C._nn._parse_to(*words, **known)
        elif func is Tensor.to:
            device, dtype = words[0].device, words[0].dtype
        else:
            device = DEVICE if func is Tensor.cuda else torch.device("cpu")
        here = isinstance(tensor, PretendTensor)
        goal = here if device is None else _is_there(device)
        if here == goal:
            more = {} if form is None else {"memory_format": form}
            wanted = {"dtype": dtype or tensor.dtype, "copy": bool(given.get("copy"))}
            return Tensor.to(tensor, **wanted, **more)
        self.watch.note(("sent" if passing else "copies") if goal else "waits", func.__name__)
        return Crossing.apply(tensor, self.watch, dtype or tensor.dtype)


class Crossing(torch.autograd.Function):
    """A tensor on the other side, with the way back of its gradient."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, watch: "Watch", dtype: torch.dtype) -> Tensor:
        ctx.watch, ctx.dtype = watch, tensor.dtype
        if isinstance(tensor, PretendTensor):
            return tensor.held.detach().to(dtype, copy=True)
        return PretendTensor(tensor.detach().to(dtype, copy=True))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        ctx.watch.note("waits" if isinstance(grad, PretendTensor) else "copies", "backward")
        return Crossing.apply(grad, ctx.watch, ctx.dtype), None, None


class Watch(TorchDispatchMode):
    """Computes what is asked of the pretend device, and counts.

    Attributes:
        counts: Kind of event -> how often.
        places: (kind, file:line, operation) -> how often, launches left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self.called = False
        self.places: Counter[tuple[str, str, str]] = Counter()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # which spares the import of torch._dynamo

    @contextmanager
    def of_caller(self) -> Iterator[None]:
        """Within, what is made was asked for by name, and lies where the call says."""
        before, self.called = self.called, True
        try:
            yield
        finally:
            self.called = before

    def bring(self, made: Tensor) -> PretendTensor:
        """A tensor that was made on the device."""
        needs, made = made.requires_grad, PretendTensor(made.detach())
        return made.requires_grad_(needs)  # type: ignore[return-value]

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        given = [*_tensors(args), *_tensors(kwargs.values())]
        ours = [one for one in given if isinstance(one, PretendTensor)]
        if not ours:
            found = func(*args, **kwargs)
            # What an operation makes for itself would lie on its own device; torch takes these
            # tensors for the processor's.
            own = any(hasattr(one, "own") for one in given) if given else not self.called
            if own and isinstance(found, Tensor):
                found.own = True
            return found
        name = func.overloadpacket.__name__
        if not self._is_crossing(name, given, args):
            self._judge(func, name, given)
        found = func(*_held(args), **_held(kwargs))
        if name in NUMBERS or (name == "copy_" and not isinstance(given[0], PretendTensor)):
            return given[0] if name == "copy_" else found
        shells = {id(one.held): one for one in ours}
        return tree_map(lambda one: _of_device(one, shells), found)

    def _is_crossing(self, name: str, given: Sequence[Tensor], args: Sequence[Any]) -> bool:
        """Whether `copy_` brings a tensor from one side to the other; it is counted."""
        if name != "copy_" or len({isinstance(one, PretendTensor) for one in given}) == 1:
            return False
        if given[1].ndim == 0 and not isinstance(given[1], PretendTensor):
            return False
        to_device = isinstance(given[0], PretendTensor)
        passing = len(args) > 2 and bool(args[2])
        self.note(("sent" if passing else "copies") if to_device else "waits", name)
        return True

    def _judge(self, func: Any, name: str, given: Sequence[Tensor]) -> None:
        outside = [
            one
            for one in given
            if not (isinstance(one, PretendTensor) or hasattr(one, "own")) and one.ndim > 0
        ]
        if name in WAITING:
            self.note("waits", name)
        elif name in INDEXING and isinstance(given[0], PretendTensor):
            # A mask is looked through for its size; positions of the processor are brought over.
            for one in given[1:] if name.endswith("index") else ():
                if one.dtype in (torch.bool, torch.uint8):
                    self.note("waits", name)
            for _ in outside:
                self.note("copies", name)
        elif outside:
            self.note("mixed", name)
        if not func.is_view and name not in FREE:
            self.counts["launches"] += 1

    def note(self, kind: str, name: str) -> None:
        """Count an event."""
        place = _place()
        if kind == "waits" and "/engine/loop.py:" in place:
            kind = "shown"
        self.counts[kind] += 1
        self.places[kind, place, name] += 1


def _is_there(device: Any) -> bool:
    if isinstance(device, str):
        device = torch.device(device)
    return isinstance(device, torch.device) and device.type == DEVICE.type


def _tensors(values: Any) -> Iterator[Tensor]:
    for one in values:
        if isinstance(one, Tensor):
            yield one
        elif isinstance(one, list | tuple):
            yield from _tensors(one)


def _held(value: Any) -> Any:
    if isinstance(value, PretendTensor):
        return value.held
    if isinstance(value, torch.device):
        return torch.device("cpu")
    if isinstance(value, dict):
        return {name: _held(one) for name, one in value.items()}
    return type(value)(map(_held, value)) if isinstance(value, list | tuple) else value


def _of_device(one: Any, shells: Mapping[int, PretendTensor]) -> Any:
    if not isinstance(one, Tensor) or isinstance(one, PretendTensor):
        return one
    return shells[id(one)] if id(one) in shells else PretendTensor(one)


def _place() -> str:
    """Where in our code, or in a library that drives it, the present operation was asked for."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if file != __file__ and any(part in file for part in CODE):
            return f"{'/'.join(file.split('/')[-3:])}:{frame.f_lineno}"
        frame = frame.f_back
    return "elsewhere"


@contextmanager
def watched() -> Iterator[Watch]:
    """Let the pretend device work within the block."""
    watch = Watch()
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(torch, "Generator", PretendGenerator))
        for name in ("synchronize", "reset_peak_memory_stats", "set_rng_state"):
            stack.enter_context(mock.patch.object(torch.cuda, name, lambda *_: None))
        # There is no other kernel to choose, and torch would ask a real card for some.
        fixed = mock.patch.object(torch, "use_deterministic_algorithms", lambda *_, **__: None)
        stack.enter_context(fixed)
        state = mock.patch.object(torch.cuda, "get_rng_state", lambda *_: torch.zeros(1))
        stack.enter_context(state)
        # New parameters, where torch would exchange what is inside of those of the processor.
        overwrite = torch.__future__.set_overwrite_module_params_on_conversion
        overwrite(True)
        stack.callback(overwrite, False)
        stack.enter_context(watch)
        stack.enter_context(Calls(watch))
        yield watch
