"""Parts combine where the mathematics allows it, and are refused with one sentence where it does
not.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget, SyntheticSet

CHEAP: dict[str, Any] = {
    "iterations": 2,
    "batch_real": 6,
    "network": {"name": "convnet", "depth": 2, "width": 6},
}
TEACHER = {"name": "teacher", "epochs": 1}
TRAINED = {"name": "trained-on-synthetic", "outer": 2, "inner": 1}
REAL_TRAINED = {"name": "trained-on-real", "inner": 2, "n_data": 16}
EXPERTS = {"name": "experts", "experts": 1, "epochs": 2, "expert_epochs": 1, "max_start": 1}


def made(spec: dict[str, Any], data: ClassData) -> SyntheticSet:
    synthetic: SyntheticSet = create_condenser(CHEAP | spec).condense(
        data, Budget(ipc=2), Context(seed=3)
    )
    assert synthetic.nbytes == create_condenser(CHEAP | spec).nbytes(data, 2)
    assert bool(synthetic.decode()[0].isfinite().all())
    return synthetic


@pytest.mark.parametrize("view", ["identity"])
@pytest.mark.parametrize("labels", ["hard", TEACHER], ids=["hard", "teacher"])
@pytest.mark.parametrize("parameterisation", ["pixels", "tiles"])
@pytest.mark.parametrize(
    "objective", ["mean-embedding", "gradient", "layer-means", "attention", "summed-gradient"]
)
@pytest.mark.parametrize(
    "schedule", ["fresh", TRAINED, REAL_TRAINED], ids=["fresh", "on-synthetic", "on-real"]
)
def test_class_by_class_objectives_take_any_network_parameterisation_and_label(
    schedule: Any, objective: str, parameterisation: str, labels: Any, view: str, grey8: ClassData
) -> None:
    spec = {
        "model_schedule": schedule,
        "objective": objective,
        "parameterisation": parameterisation,
        "labels": labels,
        "view": view,
    }
    made({"name": "dm"} | spec, grey8)


@pytest.mark.parametrize(
    "term", ["discriminative", "cross-entropy", "contrastive", "simclr", "diversity"]
)
@pytest.mark.parametrize("method", ["dm", "dsa", "frepo", "mtt", "dd"])
def test_terms_go_with_every_method_that_has_a_network(
    method: str, term: str, grey8: ClassData, tiny: Callable[..., Any]
) -> None:
    spec = tiny(method) | {"parameterisation": {"name": "pixels", "storage": "float32"}}
    without, along = (
        made(spec | {"regularisers": terms}, grey8)
        for terms in ([], [{"name": term, "weight": 5.0}])
    )
    assert not torch.equal(without.decode()[0], along.decode()[0]), "the term reaches the images"


@pytest.mark.parametrize("method", ["kip", "frepo", "mtt", "dd"])
def test_methods_on_the_whole_set_take_tiles(
    method: str, grey8: ClassData, tiny: Callable[..., Any]
) -> None:
    synthetic = made(tiny(method) | {"parameterisation": {"name": "tiles", "factor": 2}}, grey8)
    assert synthetic.card["images_per_class"] == 8


REFUSED = [
    (
        {"name": "dm", "labels": "learned"},
        "no gradient reaches learned labels; take labels hard or teacher",
    ),
    (
        {"name": "dm", "objective": "trajectory"},
        "needs a segment at each step, but model schedule fresh gives a network; take experts",
    ),
    (
        {"name": "dm", "model_schedule": "none"},
        "needs a network at each step, but model schedule none gives nothing; take fresh",
    ),
    (
        {"name": "kip", "regularisers": [{"name": "discriminative"}]},
        (
            "regulariser discriminative is a term of a network's features, and model schedule"
            " none gives no network"
        ),
    ),
    (
        {"name": "frepo", "model_schedule": "trained-on-synthetic"},
        "trained-on-synthetic takes learned labels as probabilities, not as scores",
    ),
    (
        {"name": "dd", "labels": "learned"},
        "unrolled takes learned labels as probabilities, not as scores",
    ),
    (
        {"name": "dm", "objective": "summed-gradient", "update": "class"},
        "which update 'class' would tear apart",
    ),
]


@pytest.mark.parametrize(("spec", "sentence"), REFUSED, ids=[str(i) for i in range(len(REFUSED))])
def test_what_does_not_fit_is_refused_with_one_sentence(
    spec: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError) as refused:
        create_condenser(spec, where="condensers.mine")
    assert sentence in str(refused.value)
    assert str(refused.value).startswith("condensers.mine: ")
    assert "\n" not in str(refused.value)


def test_parts_are_refused_in_python_too(grey8: ClassData) -> None:
    from condensers.methods.distribution_matching.dm import DM

    with pytest.raises(UsageError, match="take labels hard or teacher"):
        DM(labels="learned").condense(grey8, Budget(ipc=1), Context())


def test_a_teachers_labels_are_probabilities_of_the_classes_here(grey8: ClassData) -> None:
    seen = grey8.restrict([2, 7])
    _, labels = made({"name": "dm", "labels": TEACHER | {"storage": "float32"}}, seen).decode()
    assert labels.shape == (4, 10)
    assert torch.allclose(labels[:, [2, 7]].sum(1), torch.ones(4))
    assert float(labels[:, [0, 1, 3]].abs().sum()) == 0
