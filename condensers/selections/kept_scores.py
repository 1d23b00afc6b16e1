"""Scores of real images, kept by what determines them: a set of another size is another part of the same ranking."""

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from condensers.cache import key_of, make_missing
from condensers.code_digest import code_of
from condensers.context import Context, write_atomically
from condensers.data import ClassData
from condensers.engine import taking_up
from condensers.fields import settings_of

FORMAT = 1
AFTER = ("keep",)  # read once the scores are there; all other settings determine them


class Scores(NamedTuple):
    """values: (N,) float64 on the CPU. seconds: what making them took, also where they were found."""

    values: Tensor
    seconds: float


def kept_scores(method: Any, data: ClassData, context: Context, compute: Callable[[], Scores]) -> Scores:
    """compute(), or what an equal run left in the context's cache; the context's generator is then where computing leaves it."""
    if context.cache is None:
        return compute()
    path = context.cache / "scores" / f"{_key(method, data, context)}.safetensors"

    def make(_: int) -> None:
        made = compute()
        seconds = torch.tensor(made.seconds, dtype=torch.float64)
        state = context.generator.get_state()
        write_atomically(path, save({"scores": made.values, "seconds": seconds, "generator": state}))

    make_missing([path], make, context)
    with taking_up(path):
        found = load_file(path)
        if found["scores"].shape != data.labels.shape:
            raise ValueError(f"{len(found['scores'])} scores of {len(data.labels)} images")
        context.generator.set_state(found["generator"])
        return Scores(found["scores"], float(found["seconds"]))


def _key(method: Any, data: ClassData, context: Context) -> str:
    settings = {name: value for name, value in settings_of(method).items() if name not in AFTER}
    start = hashlib.sha256(context.generator.get_state().numpy().tobytes()).hexdigest()
    machine = [data.device.type, torch.__version__]
    seen = [data.digest, data.mean, data.std, data.mirror]
    return key_of([FORMAT, method.registered, settings, seen, start, machine, code_of(method)])
