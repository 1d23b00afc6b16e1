"""Sets that a scenario condenses itself, of parts of the data: each is made once and kept.

Networks that a scenario trains on real images: each is made once and kept, for all sets that are
measured by it.
"""

import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from condensers import networks
from condensers.data import ClassData
from condensers.engine import files
from condensers.engine.cache import key_of, make_missing
from condensers.engine.context import Context
from condensers.hyperparameters import settings_of
from condensers.registry.code_digest import code_of
from condensers.registry.registry import NETWORKS
from condensers.sets.doubts import with_doubts
from condensers.sets.files import load_set, save_set
from condensers.sets.synthetic_set import SyntheticSet
from condensers.training.classifier import Training, train_fresh
from scenarios.protocol import CondensationRequest


def condense_once(
    recipe: CondensationRequest, data: ClassData, context: Context, folder: str
) -> SyntheticSet:
    """The set that `recipe` makes of `data` with the context's seed; its cost says the seconds.

    It is kept in `folder` of the context's cache, or else of its own folder, so that a resumed run
    and other scenarios of the same seed have it at no cost.
    """
    condenser, budget = recipe.condenser, recipe.budget

    def make() -> SyntheticSet:
        begun = time.perf_counter()
        made = condenser.condense(data, budget, context)
        cost = {"seconds": time.perf_counter() - begun, **made.cost}
        return replace(with_doubts(made, data), cost=cost)

    root = context.cache or context.folder
    if root is None:
        return make()
    spec = {"name": condenser.registered, **settings_of(condenser)}
    code = code_of(condenser, modules=(__name__,))
    seen = [data.digest, data.mean, data.std, data.mirror]
    key = key_of([spec, budget.ipc, budget.nbytes, seen, context.seed, code])
    path: Path = root / folder / f"{key}.safetensors"
    make_missing([path], lambda _: save_set(make(), path), context)
    return load_set(path)


FORMAT = 1


def train_once(
    spec: Any, data: ClassData, recipe: Training, context: Context, name: str, folder: str
) -> nn.Module:
    """A network of `spec` and `context`'s seed, trained on all of `data`; name: what progress calls
    it.

    It is kept in `folder` of the context's cache, or else of its own folder.
    """
    root = context.cache or context.folder
    if root is None:
        return train_fresh(spec, data, recipe, context, name)
    part = NETWORKS.create(spec)
    seen = [data.digest, data.mean, data.std, data.mirror]
    machine = [data.device.type, torch.__version__]
    settings = {"name": part.registered, **settings_of(part)}
    code = code_of(part, recipe, modules=(__name__,))
    key = key_of([FORMAT, seen, settings, settings_of(recipe), context.seed, machine, code])
    path = root / folder / f"{key}.pt"

    def make(_: int) -> None:
        unfinished = path.with_suffix("")
        alone = replace(context, folder=unfinished, generator=torch.Generator())
        files.write_state(path, dict(train_fresh(spec, data, recipe, alone, name).state_dict()))
        shutil.rmtree(unfinished, ignore_errors=True)

    make_missing([path], make, context)
    network = networks.build(
        spec, data.shape, len(data.class_names), context.generator, data.device
    )
    state = files.read_state(path, data.device)
    assert state is not None
    with files.raise_damaged(path):
        network.load_state_dict(state)
    return network
