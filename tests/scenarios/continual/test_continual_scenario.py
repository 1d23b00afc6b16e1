import json
import subprocess
import sys
import warnings
from collections import Counter
from dataclasses import replace
from statistics import fmean

import pytest
import torch

from condensers.engine.context import Context
from condensers.errors import Interrupted, UsageError
from condensers.hyperparameters import build
from condensers.networks.convnet import ConvNetSpec
from condensers.sets.synthetic_set import Budget
from scenarios.continual import metrics
from scenarios.continual.accuracy_matrix import METRICS
from scenarios.continual.memory.per_experience import share_budget
from scenarios.continual.scenario import Continual
from scenarios.protocol import CondensationRequest, Reference

GDUMB = {"name": "gdumb", "epochs": 3, "batch": 16}
QUICK = {**GDUMB, "epochs": 1}
JOINT = {"name": "joint", "epochs": 6}
SMALL = Continual(
    experiences=5,
    orders=1,
    network=ConvNetSpec(depth=1, width=8),
    batch=8,
    batch_size_mem=8,
    strategies=("replay", GDUMB),
    lr=0.05,
)


def values(outcome):
    return {m.metric: list(m.values) for m in outcome.measurements}


def without_times(outcome):
    return {**outcome.as_json(), "costs": outcome.costs["images"]}


def test_both_strategies_and_all_metrics_for_every_order(splits, memory_of):
    outcome = replace(SMALL, orders=2).run(memory_of(splits.train, 2), splits, Context(seed=3))
    assert [m.metric for m in outcome.measurements] == [
        f"{name}/{m}" for name in ("replay", "gdumb") for m in METRICS if m != "worst-case-accuracy"
    ]
    for m in outcome.measurements:
        assert list(m.repeats) == [{"order": 0}, {"order": 1}]
        assert m.unit == ("points" if m.metric.endswith(("forgetting", "transfer")) else "%")
        assert m.higher_is_better == (not m.metric.endswith("forgetting"))
    detail = json.loads(json.dumps(outcome.as_json()))["detail"]
    r = detail["R"]["gdumb"]["1"]
    assert len(r) == 5 and all(len(row) == 5 for row in r)
    assert values(outcome)["gdumb/forgetting"][1] == metrics.forgetting(r)
    assert (
        sorted(detail["orders"][0]) == list(range(10))
        and detail["orders"][0] != detail["orders"][1]
    )
    assert [label for part in detail["experiences"][1] for label in part] == detail["orders"][1]
    assert (detail["memory"], detail["bytes_used_max"]) == ("offline", 20 * 65)
    # 3 epochs of 4, 8, ... 20 images; and 5 x 48 images, with 8 of the memory in each batch but
    # those of the first experience.
    assert outcome.costs["images"] == 2 * (3 * 60 + 240 + 4 * 6 * 8)


def test_the_same_seed_gives_the_same_and_leaves_the_global_generator_alone(splits, memory_of):
    before = torch.random.get_rng_state()
    runs = [SMALL.run(memory_of(splits.train, 2), splits, Context(seed=seed)) for seed in (0, 0, 1)]
    assert torch.equal(torch.random.get_rng_state(), before)
    assert without_times(runs[0]) == without_times(runs[1])
    assert runs[0].detail["R"] != runs[2].detail["R"]


def test_orders_are_paired_over_subjects_and_differ_over_seeds(splits, memory_of, spy):
    scenario = replace(SMALL, orders=2, strategies=(QUICK, {"name": "joint", "epochs": 1}))
    subjects = [
        memory_of(splits.train, 1),
        Reference("joint"),
        CondensationRequest(spy, Budget(ipc=2)),
    ]
    orders = [
        scenario.run(subject, splits, Context(seed=4)).detail["orders"] for subject in subjects
    ]
    assert orders[0] == orders[1] == orders[2]
    other = scenario.run(subjects[0], splits, Context(seed=5)).detail["orders"]
    assert len({tuple(order) for order in [*orders[0], *other]}) == 4


@pytest.mark.parametrize("strategy", ["replay", GDUMB], ids=["replay", "gdumb"])
@pytest.mark.parametrize("where", ["after 2 experiences", "in the middle of the third"])
def test_a_resumed_run_equals_an_uninterrupted_one(splits, memory_of, tmp_path, strategy, where):
    scenario, subject = (
        replace(SMALL, strategies=(strategy,), stream_augmentation="dsa"),
        memory_of(splits.train, 3),
    )
    asked, events = [0], []

    def stop():
        asked[0] += sum(event.done >= 2 for event in events if event.total == 5)
        return asked[0] > (0 if where.startswith("after") else 4)

    with pytest.raises(
        Interrupted,
        match="after 2 of 5" if where.startswith("after") else "(minibatch 4 of 6|step 2 of 6)",
    ):
        scenario.run(
            subject, splits, Context(seed=2, folder=tmp_path, stop=stop, progress=events.append)
        )
    name = f"continual order 0 {scenario.created_strategies[0].name}"
    assert [e.done for e in events if e.name == name] == [1, 2]
    resumed = scenario.run(
        subject, splits, Context(seed=2, folder=tmp_path, progress=events.append)
    )
    # GDumb's memory is filled anew; what was trained before is not trained again.
    assert [e.done for e in events if e.name == name] == [1, 2] + (
        [1, 2] if strategy == GDUMB else []
    ) + [3, 4, 5]
    assert all(e.total == 5 for e in events if e.name == name)
    assert without_times(resumed) == without_times(scenario.run(subject, splits, Context(seed=2)))
    assert not list(tmp_path.rglob("state.pt"))


def test_what_is_done_is_not_done_again(splits, memory_of, tmp_path):
    first = SMALL.run(memory_of(splits.train, 1), splits, Context(folder=tmp_path))
    events = []
    again = SMALL.run(
        memory_of(splits.train, 1), splits, Context(folder=tmp_path, progress=events.append)
    )
    assert (again.as_json(), events) == (first.as_json(), [])


def test_the_bounds_enclose_a_good_memory(splits, memory_of):
    scenario = replace(
        SMALL, stream_epochs=4, orders=3, strategies=("replay", {**GDUMB, "epochs": 6}, JOINT)
    )
    naive, joint, everything = (
        {
            name: fmean(found)
            for name, found in values(scenario.run(subject, splits, Context())).items()
        }
        for subject in (Reference("naive"), Reference("joint"), memory_of(splits.train, 24))
    )
    assert set(naive) == {f"naive/{m}" for m in METRICS if m != "worst-case-accuracy"}
    assert set(joint) == {"joint/final-accuracy"}
    bound = joint["joint/final-accuracy"]
    assert bound > 90
    assert everything["gdumb/final-accuracy"] > bound - 5
    assert everything["replay/final-accuracy"] > bound - 20
    assert naive["naive/final-accuracy"] < 40
    assert naive["naive/forgetting"] > everything["replay/forgetting"] + 20


def test_a_recipe_condenses_each_experience_alone_and_once(splits, tmp_path, spy):
    outcome = SMALL.run(
        CondensationRequest(spy, Budget(ipc=2)), splits, Context(seed=1, folder=tmp_path)
    )
    parts = outcome.detail["experiences"][0]
    assert spy.calls == Counter({tuple(sorted(part)): 1 for part in parts})
    assert (outcome.detail["memory"], outcome.detail["bytes_used_max"]) == (
        "per experience",
        20 * 65,
    )
    assert outcome.costs["condensation_seconds"] > 0
    for stale in tmp_path.rglob("result.json"):
        stale.unlink()
    again = SMALL.run(
        CondensationRequest(spy, Budget(ipc=2)), splits, Context(seed=1, folder=tmp_path)
    )
    assert sum(spy.calls.values()) == 5
    assert without_times(again) == without_times(outcome)


def test_bytes_are_shared_out_over_the_experiences(splits, spy):
    assert share_budget(Budget(nbytes=1000), 2, 10) == Budget(nbytes=200)
    assert share_budget(Budget(ipc=3), 2, 10) == Budget(ipc=3)
    scenario = replace(SMALL, strategies=(QUICK,), experiences=3)
    outcome = scenario.run(CondensationRequest(spy, Budget(nbytes=30 * 65)), splits, Context())
    assert outcome.detail["bytes_used_max"] == 30 * 65


def test_a_set_of_other_data_is_refused(splits, memory_of):
    made = memory_of(splits.train, 1)
    for key, wrong in (("class_names", list("0123456789")), ("shape", [3, 8, 8]), ("mean", [0.5])):
        with pytest.raises(UsageError, match="condensed from") as caught:
            SMALL.run(replace(made, card={**made.card, key: wrong}), splits, Context())
        assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="did you mean 'joint'"):
        SMALL.run(Reference("join"), splits, Context())


def test_settings_are_checked():
    assert build(Continual, {"strategies": ["gdumb"], "orders": 5}, "continual").strategies == (
        "gdumb",
    )
    with pytest.raises(UsageError, match=r"continual\.experiences: 1 is below"):
        build(Continual, {"experiences": 1}, "continual")
    with pytest.raises(UsageError, match="did you mean 'gdumb'"):
        Continual(strategies=("dumb",))
    with pytest.raises(UsageError, match="name one at least"):
        Continual(strategies=())
    with pytest.raises(UsageError, match="unknown network 'convent'"):
        Continual(network="convent")


def test_too_many_experiences_for_the_classes(splits, memory_of):
    with pytest.raises(UsageError, match="10 classes cannot make 11 experiences"):
        replace(SMALL, experiences=11).run(memory_of(splits.train, 1), splits, Context())


def test_a_run_is_silent(splits, memory_of, capfd):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        SMALL.run(memory_of(splits.train, 1), splits, Context())
    assert [str(w.message) for w in caught] == []
    assert capfd.readouterr() == ("", "")


def test_the_scenario_is_made_without_importing_avalanche():
    script = (
        "import sys; from scenarios.continual.scenario import Continual; Continual();"
        " print('avalanche' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
