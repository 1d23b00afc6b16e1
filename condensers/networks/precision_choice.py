"""The precision "auto": fp32 or bf16, whichever is faster for a network on this machine.

A forward and a backward pass of the network are timed in both, in turn, once a machine and shape.
What was found is kept in the user's cache, so that all later runs choose alike. Some processors
list instructions for bfloat16 and are slower with them, and some have none at all.
"""

import copy
import hashlib
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from statistics import median
from typing import Any

import torch
from torch import nn

from condensers.networks.fused.compiler import source_digest
from condensers.networks.fused.native import kernels
from condensers.networks.precision import AUTO, precision
from condensers.notices import tell
from condensers.processor import processor_key, processor_name
from condensers.user_cache import Json, read_json, usable_cache, write_first

CANDIDATES = ("fp32", "bf16")
WORTH = 1.1  # bf16 is an approximation: it must be faster by so much, beyond the noise of timing
HOPELESS = 0.5  # where products in bf16 are slower than this, no network is tried
ROUNDS, IMAGES, SIDE = 3, 64, 512
Work = Callable[[], Any]


def resolve(
    wanted: str, network: nn.Module, shape: Sequence[int], device: torch.device | None = None
) -> str:
    """Return the precision that a network computes in.

    Args:
        wanted: One of `condensers.networks.precision.PRECISIONS`. What is not "auto" is returned
            as it is; that "bf16" is slower here is told.
        network: What computes; it is not changed.
        shape: (N, C, H, W) of a batch, of which 64 images are timed at most.
        device: Where it computes; the CPU if left out.
    """
    if wanted not in (AUTO, "bf16"):
        return wanted
    faster = gain(network, shape, device or torch.device("cpu"))
    if wanted == AUTO:
        return "bf16" if faster >= WORTH else "fp32"
    if faster < 1:
        tell(
            f'precision "bf16" is slower than "fp32" on this machine ({processor_name()});'
            ' "auto" takes the faster one, and harness doctor shows both'
        )
    return wanted


def gain(network: nn.Module, shape: Sequence[int], device: torch.device) -> float:
    """Return the seconds of a pass in fp32 over those in bf16; above 1 where bf16 is faster."""
    found = products(device)
    if found["fp32"] / found["bf16"] < HOPELESS:
        return found["fp32"] / found["bf16"]
    size = (min(shape[0], IMAGES), *shape[1:])
    described = f"{network!r} {[tuple(p.shape) for p in network.parameters()]} {size}"
    found = _kept("pass", described, device, lambda: _pass_seconds(network, size, device))
    return found["fp32"] / found["bf16"]


def products(device: torch.device) -> dict[str, float]:
    """Return the seconds of a product of two matrices of 512 x 512 in each precision."""
    return _kept("product", f"{SIDE} x {SIDE}", device, lambda: _product_seconds(device))


def gflops(seconds: float) -> float:
    """Return the rate of a product that took so many seconds."""
    return 2 * SIDE**3 / seconds / 1e9


def kept_choices() -> dict[str, int]:
    """Return how often each precision is the choice, over the shapes timed on this machine."""
    folder, counts = usable_cache(), dict.fromkeys(CANDIDATES, 0)
    for path in folder.glob("precision-*.json") if folder else ():
        found = read_json(path, _is_whole)
        if found and found["kind"] == "pass" and found["machine"] == _machine():
            seconds = found["seconds"]
            counts["bf16" if seconds["fp32"] / seconds["bf16"] >= WORTH else "fp32"] += 1
    return counts


def seconds_of(work: Work, device: torch.device) -> float:
    """Return the CPU seconds of `work`; on a GPU, wall seconds until it is done."""
    if device.type == "cpu":
        begun = time.process_time()
        work()
        return max(time.process_time() - begun, 1e-9)
    torch.cuda.synchronize(device)
    begun = time.perf_counter()
    work()
    torch.cuda.synchronize(device)
    return max(time.perf_counter() - begun, 1e-9)


def _in_turn(works: dict[str, Work], device: torch.device) -> dict[str, float]:
    """Median seconds of each, one after the other in each round, after one that warms up."""
    warm = {name: seconds_of(work, device) for name, work in works.items()}
    rounds = ROUNDS if warm["bf16"] < 8 * warm["fp32"] else 1  # then it is clear
    taken = [
        {name: seconds_of(work, device) for name, work in works.items()} for _ in range(rounds)
    ]
    return {name: median(one[name] for one in taken) for name in works}


def _product_seconds(device: torch.device) -> dict[str, float]:
    def product(dtype: torch.dtype) -> Work:
        a = torch.ones(SIDE, SIDE, dtype=dtype, device=device)
        return lambda: a @ a

    types = {"fp32": torch.float32, "bf16": torch.bfloat16}
    with torch.no_grad():
        return _in_turn({name: product(dtype) for name, dtype in types.items()}, device)


def _pass_seconds(
    network: nn.Module, size: Sequence[int], device: torch.device
) -> dict[str, float]:
    """Of a copy in training mode, on noise; nothing of the network or of torch's draws changes."""
    images = torch.randn(*size, generator=torch.Generator().manual_seed(0)).to(device)
    with torch.random.fork_rng([device] if device.type == "cuda" else []), torch.enable_grad():
        twin = copy.deepcopy(network).to(device).train()

        def once(name: str) -> None:
            with precision(name):
                logits = twin(images)
            torch.autograd.backward(logits.float().sum())

        works: dict[str, Work] = {name: partial(once, name) for name in CANDIDATES}
        return _in_turn(works, device)


_known: dict[str, dict[str, float]] = {}


def _kept(
    kind: str, described: str, device: torch.device, measure: Callable[[], dict[str, float]]
) -> dict[str, float]:
    """What `measure` gives, once a machine: from this process, else from the cache.

    Of several processes that measure at once, the first to finish is right for all.
    """
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    threads = torch.get_num_threads()
    key = hashlib.sha256(repr((_machine(), where, threads, kind, described)).encode()).hexdigest()
    if key not in _known:
        folder = usable_cache()
        path = folder / f"precision-{key[:24]}.json" if folder else None
        found = read_json(path, _is_whole) if path else None
        if found is None:
            found = {
                "kind": kind,
                "machine": _machine(),
                "processor": processor_name(),
                "device": where,
                "seconds": measure(),
            }
            found = write_first(path, found, _is_whole) if path else found
        _known[key] = found["seconds"]
    return _known[key]


@cache
def _machine() -> str:
    """What speeds depend on: processor, torch, and our compiled kernels."""
    parts = (processor_key(), torch.__version__, source_digest(), kernels().sentence)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _is_whole(found: Json) -> bool:
    """Whether a file of the cache is one of ours."""
    timed = all(float(found["seconds"][name]) > 0 for name in CANDIDATES)
    return timed and {"kind", "machine"} <= found.keys()
