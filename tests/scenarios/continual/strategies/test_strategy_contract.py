"""What every strategy with a memory owes: any labels and images, the same numbers twice, and to go
on where it was stopped.
"""

from dataclasses import replace

import pytest
import torch

from condensers.engine.context import Context
from condensers.errors import Interrupted, UsageError
from condensers.registry.registry import SELECTIONS
from condensers.sets.synthetic_set import Budget
from scenarios.continual.scenario import Continual
from scenarios.continual.strategies import STRATEGIES
from scenarios.protocol import CondensationRequest, Reference

SETTINGS = {"gdumb": {"epochs": 3, "batch": 16}}
WITH_MEMORY = [name for name in STRATEGIES.entries() if STRATEGIES.create(name).memory != "none"]
NETWORKS = {
    "mlp": "mlp",
    "convnet": {"name": "convnet", "depth": 1, "width": 4},
    "resnet18": {"name": "resnet18", "width": 4, "norm": "batch"},
}
CASES = [("mlp", "hard"), ("convnet", "soft"), ("mlp", "tiles"), ("mlp", "scores")]


def scenario_of(name, network="mlp", **settings):
    strategy = {"name": name, **SETTINGS.get(name, {})}
    fixed = {"experiences": 3, "orders": 1, "batch": 16, "batch_size_mem": 8, "lr": 0.02}
    return Continual(strategies=(strategy,), network=NETWORKS[network], **fixed, **settings)


def memory(data, kind):
    """Images of each class, 3, with labels of a kind; where they are soft a tenth is spread over
    all classes.
    """
    name = "real-tiles" if kind == "tiles" else "random"
    made = SELECTIONS.create(name).condense(data, Budget(ipc=3), Context(seed=5))
    if kind in ("hard", "tiles"):
        return made
    soft = 0.9 * torch.nn.functional.one_hot(made.decode()[1], 10).float() + 0.01
    if kind == "soft":
        return replace(made, tensors={**made.tensors, "labels": soft})
    recipe = {**made.recipe, "labels": "scores"}
    return replace(
        made, tensors={**made.tensors, "labels": soft - 0.1}, card={**made.card, "recipe": recipe}
    )


def told(outcome):
    return {**outcome.as_json(), "costs": outcome.costs["images"]}


def stopped_often(scenario, subject, splits, folder, every):
    """The outcome of a run that is stopped at each `every`th question whether it must, and how
    often it was.
    """
    for legs in range(100):
        asked = iter(range(10**6))
        context = Context(
            seed=2,
            folder=folder,
            stop=lambda asked=asked: next(asked) >= every,
            checkpoint_seconds=0,
        )
        try:
            return scenario.run(subject, splits, context), legs
        except Interrupted:
            pass
    raise AssertionError("does not go on")


def check_goes_on(scenario, subject, splits, folder, every=7):
    whole = told(scenario.run(subject, splits, Context(seed=2)))
    assert told(scenario.run(subject, splits, Context(seed=2))) == whole
    found, legs = stopped_often(scenario, subject, splits, folder / "within", every)
    assert legs > 1 and told(found) == whole
    between = []
    with pytest.raises(Interrupted):
        stop = Context(
            seed=2,
            folder=folder / "between",
            stop=lambda: sum(between) == 2,
            progress=lambda event: between.append(event.name.startswith("continual")),
        )
        scenario.run(subject, splits, stop)
    assert told(scenario.run(subject, splits, Context(seed=2, folder=folder / "between"))) == whole
    return whole


@pytest.mark.parametrize("name", WITH_MEMORY)
@pytest.mark.parametrize(("network", "kind"), CASES)
def test_strategy_goes_on_where_it_was_stopped(name, network, kind, splits, tmp_path):
    check_goes_on(scenario_of(name, network), memory(splits.train, kind), splits, tmp_path)


@pytest.mark.parametrize("name", ["der++", "mir", "lwf"])
def test_strategy_goes_on_with_running_statistics(name, splits, tmp_path):
    check_goes_on(scenario_of(name, "resnet18"), memory(splits.train, "hard"), splits, tmp_path)


@pytest.mark.parametrize("name", ["ewc", "lwf"])
def test_strategy_without_its_memory_goes_on(name, splits, tmp_path):
    check_goes_on(scenario_of(name), Reference(name), splits, tmp_path)


@pytest.mark.parametrize("name", ["der", "der++", "mir", "gem"])
def test_strategy_goes_on_with_a_memory_made_from_the_passing_stream(name, splits, tmp_path):
    recipe = CondensationRequest(SELECTIONS.create("random"), Budget(ipc=3))
    online = scenario_of(name, memory="online", online=10, online_update=5)
    # An update of the memory asks twice a class whether it must stop, and is begun again where it
    # was: it fits between two stops.
    check_goes_on(online, recipe, splits, tmp_path, every=16)


def test_what_is_kept_beside_the_memory_counts(splits):
    held = memory(splits.train, "hard")
    sizes = {}
    for name in ("replay", "der", "ewc", "lwf"):
        sizes[name] = scenario_of(name).run(held, splits, Context(seed=2)).detail["ledger"][name]
    plain = sizes["replay"]
    assert sizes["der"] == plain | {"logits": 30 * 10 * 4}
    weights = sizes["lwf"]["previous network"]
    assert weights > 0 and sizes["ewc"] == plain | {
        "saved_params": 3 * weights,
        "importances": 3 * weights,
    }


def test_candidates_too_few_to_choose_from_are_refused(splits):
    with pytest.raises(UsageError, match=r"mir\.candidates"):
        strategy = {"name": "mir", "candidates": 8}
        small = replace(scenario_of("mir"), strategies=(strategy,))
        small.run(memory(splits.train, "hard"), splits, Context(seed=2))
