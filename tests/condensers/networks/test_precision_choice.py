"""precision "auto" takes what a timer says is faster, keeps it, and says what it took."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.networks import build, precision_choice
from condensers.networks.precision import precision
from condensers.networks.precision_choice import resolve
from condensers.notices import Notice
from condensers.registry.registry import create_condenser
from condensers.sets.merging import merge
from condensers.sets.synthetic_set import Budget, SyntheticSet
from condensers.training.classifier import Training, TrainingLoop, predict, train
from condensers.user_cache import write_first
from tests.helpers.timing import SetTimer

NETWORK = {"name": "convnet", "depth": 2, "width": 8}
SHAPE = (10, 1, 8, 8)
CPU = torch.device("cpu")


@pytest.fixture
def network() -> nn.Module:
    return build(NETWORK, (1, 8, 8), 4, torch.Generator().manual_seed(1))


@contextmanager
def nothing_told(recwarn: pytest.WarningsRecorder) -> Iterator[None]:
    yield
    assert not [one for one in recwarn if issubclass(one.category, Notice)]


@pytest.mark.parametrize(
    ("fp32", "bf16", "wanted"),
    [(3.0, 1.0, "bf16"), (1.15, 1.0, "bf16"), (1.05, 1.0, "fp32"), (1.0, 2.0, "fp32")],
)
def test_auto_takes_what_is_faster(
    fp32: float, bf16: float, wanted: str, set_timer: SetTimer, network: nn.Module
) -> None:
    set_timer(fp32, bf16)
    assert resolve("auto", network, SHAPE) == wanted


def test_where_products_are_hopeless_no_network_is_timed(
    set_timer: SetTimer, network: nn.Module
) -> None:
    measured = set_timer(3.0, 1.0, product=2.1)
    assert resolve("auto", network, SHAPE) == "fp32" and measured == ["product"]


def test_a_choice_is_kept_for_a_machine_and_a_shape(
    set_timer: SetTimer, network: nn.Module, tmp_path: Path
) -> None:
    set_timer(3.0, 1.0)
    assert resolve("auto", network, SHAPE) == "bf16"
    measured = set_timer(1.0, 3.0)  # as another process would find it later
    assert resolve("auto", network, SHAPE) == "bf16" and not measured
    assert resolve("auto", network, (11, *SHAPE[1:])) == "fp32" and measured == ["pass"]
    assert resolve("auto", network, (64, *SHAPE[1:])) == resolve("auto", network, (999, *SHAPE[1:]))
    assert measured == ["pass", "pass"], "no more than 64 images are timed"
    assert precision_choice.kept_choices() == {"fp32": 2, "bf16": 1}


@pytest.mark.parametrize("content", ["{", "[]", '{"seconds": {"fp32": 0, "bf16": 1}}', "{}"])
def test_a_damaged_file_is_measured_again(
    content: str, set_timer: SetTimer, network: nn.Module, tmp_path: Path
) -> None:
    set_timer(3.0, 1.0)
    resolve("auto", network, SHAPE)
    files = list((tmp_path / "cache").rglob("precision-*.json"))
    assert len(files) == 2
    for path in files:
        path.write_text(content)
    measured = set_timer(1.0, 3.0)
    assert resolve("auto", network, SHAPE) == "fp32" and measured == ["product", "pass"]
    assert all(json.loads(path.read_text())["seconds"]["fp32"] == 1.0 for path in files)


def test_the_first_of_several_processes_is_right(tmp_path: Path) -> None:
    found = [
        {"kind": "pass", "machine": "m", "seconds": {"fp32": 1.0, "bf16": second}}
        for second in (0.5, 2.0)
    ]
    path = tmp_path / "precision-x.json"
    whole = precision_choice._is_whole
    assert [write_first(path, one, whole) for one in found] == [found[0]] * 2
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_cache_it_is_kept_in_the_process(
    set_timer: SetTimer, network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = set_timer(3.0, 1.0)
    monkeypatch.setattr(precision_choice, "usable_cache", lambda: None)
    assert [resolve("auto", network, SHAPE) for _ in range(2)] == ["bf16", "bf16"]
    assert measured == ["product", "pass"]


def test_bf16_that_is_slower_says_so_once_and_goes_on(
    set_timer: SetTimer, network: nn.Module, recwarn: pytest.WarningsRecorder
) -> None:
    set_timer(1.0, 1.5)
    for size in (3, 4, 3):
        assert resolve("bf16", network, (size, *SHAPE[1:])) == "bf16"
    (told,) = [str(one.message) for one in recwarn if one.category is Notice]
    assert told.startswith('precision "bf16" is slower than "fp32" on this machine')


def test_nothing_is_said_or_timed_without_need(
    set_timer: SetTimer, network: nn.Module, recwarn: pytest.WarningsRecorder
) -> None:
    measured = set_timer(2.0, 1.0)
    with nothing_told(recwarn):
        assert [resolve(name, network, SHAPE) for name in ("fp32", "tf32")] == ["fp32", "tf32"]
        assert not measured
        assert resolve("bf16", network, SHAPE) == "bf16"


def test_rounds_are_in_turn_and_their_median_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {"fp32": iter([9.0, 1.0, 2.0, 50.0]), "bf16": iter([9.0, 4.0, 3.0, 1.0])}
    order: list[str] = []
    works: dict[str, Callable[[], str]] = {"fp32": lambda: "fp32", "bf16": lambda: "bf16"}

    def timed(work: Callable[[], str], device: torch.device) -> float:
        order.append(work())
        return next(seconds[order[-1]])

    monkeypatch.setattr(precision_choice, "seconds_of", timed)
    assert precision_choice._in_turn(works, CPU) == {"fp32": 2.0, "bf16": 3.0}
    assert order == ["fp32", "bf16"] * 4


def test_timing_changes_neither_the_network_nor_what_is_drawn() -> None:
    network = build({**NETWORK, "norm": "batch"}, (1, 8, 8), 4, torch.Generator().manual_seed(1))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    with torch.no_grad():
        found = precision_choice._pass_seconds(network.eval(), (2, 1, 8, 8), CPU)
    assert set(found) == {"fp32", "bf16"} and min(found.values()) > 0
    assert torch.equal(state, torch.get_rng_state()) and not network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())


def trained(name: str, data: ClassData, context: Context) -> nn.Module:
    network = build(NETWORK, data.shape, 10, torch.Generator().manual_seed(3))
    recipe = Training(epochs=2, batch=32, precision=name)
    train(network, data.images, data.labels, recipe, data, context, "t")
    return network


def equal(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_training_is_that_of_the_precision_it_came_to(
    set_timer: SetTimer, grey8: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact, near = (trained(name, grey8, Context(seed=1)) for name in ("fp32", "bf16"))
    assert not equal(exact, near)
    for seconds, wanted in (((1.0, 9.0), exact), ((9.0, 1.0), near)):
        set_timer(*seconds)
        monkeypatch.setattr(precision_choice, "usable_cache", lambda: None)
        assert equal(trained("auto", grey8, Context(seed=1)), wanted)
        assert torch.equal(
            predict(wanted, grey8, products="auto"),
            predict(wanted, grey8, products="bf16" if wanted is near else "fp32"),
        )


def test_an_interrupted_run_goes_on_in_what_it_began_with(
    set_timer: SetTimer, grey8: ClassData, tmp_path: Path
) -> None:
    near = trained("bf16", grey8, Context(seed=1))
    set_timer(9.0, 1.0)
    context = Context(seed=1, folder=tmp_path / "work")
    assert context.memo("precision", lambda: "bf16") == "bf16"
    set_timer(1.0, 9.0, product=9.0)  # another machine
    assert equal(trained("auto", grey8, context), near)


def condensed(data: ClassData, **settings: Any) -> SyntheticSet:
    spec = {"name": "dm", "network": NETWORK, "batch_real": 6, "iterations": 2} | settings
    made: SyntheticSet = create_condenser(spec).condense(data, Budget(ipc=1), Context(seed=1))
    return made


def test_a_card_says_what_was_taken(set_timer: SetTimer, grey8: ClassData) -> None:
    set_timer(9.0, 1.0)
    made, near = condensed(grey8, precision="auto"), condensed(grey8, precision="bf16")
    assert made.card["precision"] == "bf16" and made.card["hyperparameters"]["precision"] == "auto"
    assert "precision" not in near.card
    assert all(torch.equal(made.tensors[name], near.tensors[name]) for name in near.tensors)
    other = SyntheticSet(made.tensors, {**made.card, "precision": "fp32"}, made.cost)
    assert merge([made, made]).card["precision"] == "bf16"
    assert merge([made, other]).card["precision"] == "bf16+fp32"


def test_without_a_network_nothing_is_timed(set_timer: SetTimer, grey8: ClassData) -> None:
    measured = set_timer(9.0, 1.0)
    made = condensed(grey8, name="kip", precision="auto")
    assert made.card["precision"] == "fp32" and not measured


def test_auto_itself_is_no_precision_to_compute_in(network: nn.Module, grey8: ClassData) -> None:
    with pytest.raises(ValueError, match="not resolved"), precision("auto"):
        pass


def test_a_loop_of_its_own_finds_its_precision(
    set_timer: SetTimer, network: nn.Module, grey8: ClassData
) -> None:
    set_timer(9.0, 1.0)
    recipe = Training(epochs=1, precision="auto")
    images, labels = grey8.images[:4], grey8.labels[:4] % 4
    loop = TrainingLoop(network, images, labels, recipe, grey8, Context(seed=1))
    assert loop.precision == "bf16"
