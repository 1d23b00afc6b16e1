"""Sets that a scenario condenses itself, of parts of the data: each is made once and kept."""

import time
from dataclasses import replace
from pathlib import Path

from condensers.data import ClassData
from condensers.engine.cache import key_of, make_missing
from condensers.engine.context import Context
from condensers.hyperparameters import settings_of
from condensers.registry.code_digest import code_of
from condensers.sets.doubts import with_doubts
from condensers.sets.files import load_set, save_set
from condensers.sets.synthetic_set import SyntheticSet
from scenarios.protocol import Recipe


def condensed(recipe: Recipe, data: ClassData, context: Context, folder: str) -> SyntheticSet:
    """The set that `recipe` makes of `data` with the context's seed; its cost says the seconds.

    It is kept in `folder` of the context's cache, or else of its own folder, so that a resumed run and other scenarios of the
    same seed have it at no cost.
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
