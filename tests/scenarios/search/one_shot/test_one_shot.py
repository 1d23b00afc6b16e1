import json
import logging
import os
import random
import signal
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted, UsageError
from condensers.sets.synthetic_set import SyntheticSet
from scenarios.protocol import Reference, Splits
from scenarios.search.one_shot import scenario
from scenarios.search.one_shot.scenario import OneShot
from scenarios.search.one_shot.search import split_halves
from scenarios.search.spaces.letters import NAS_BENCH_EDGES

pytest.importorskip("pytorch_lightning")

SMALL = {"name": "nas-bench-201", "channels": 2}
ALGORITHMS = ["darts", "gumbel-darts", {"name": "random-one-shot", "tries": 4}]


@pytest.fixture
def one_shot() -> OneShot:
    return OneShot(
        space=SMALL, epochs=2, full_epochs=1, batch=4, final_epochs=1, final_batch=64, final_lr=0.05
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm_finds_a_cell_that_is_retrained_on_all_data(
    one_shot: OneShot, splits: Splits, synthetic: SyntheticSet, algorithm: Any
) -> None:
    events: list[Progress] = []
    settings = replace(one_shot, algorithm=algorithm)
    outcome = settings.run(synthetic, splits, Context(seed=3, progress=events.append))
    accuracy, seconds = outcome.measurements
    cell, retraining = outcome.detail["cell"], outcome.detail["retraining"]
    assert set(NAS_BENCH_EDGES) < set(cell) and len(cell["id"]) == 6
    assert (accuracy.metric, list(accuracy.values)) == ("found-accuracy", [retraining["test"]])
    assert (
        outcome.costs["seconds"]
        == seconds.values[0] + retraining["seconds"]
        > seconds.values[0]
        > 0
    )
    per_epoch = 3 if isinstance(algorithm, dict) else 6
    assert outcome.costs["images"] == 2 * per_epoch + 120
    assert [(e.done, e.total) for e in events if e.name == "one-shot search"] == [(1, 2), (2, 2)]
    again = settings.run(synthetic, splits, Context(seed=3)).detail
    assert again["cell"] == cell and again["retraining"]["test"] == retraining["test"]
    assert json.loads(json.dumps(outcome.as_json()))["detail"]["algorithm"] == (
        algorithm if isinstance(algorithm, str) else "random-one-shot"
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_darts_cells_are_found_too(
    one_shot: OneShot, splits: Splits, synthetic: SyntheticSet, algorithm: Any
) -> None:
    settings = replace(
        one_shot, space={"name": "darts", "channels": 2, "cells": 3}, algorithm=algorithm, epochs=1
    )
    cell = settings.run(synthetic, splits, Context()).detail["cell"]
    for name, value in cell.items():
        if "inputs" in name:
            first, second = value.split("+")
            assert int(first) < int(second)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_any_model_space_will_do(
    one_shot: OneShot, splits: Splits, synthetic: SyntheticSet, algorithm: Any
) -> None:
    settings = replace(
        one_shot, space="tests.scenarios.search.spaces.model_spaces:Written", algorithm=algorithm
    )
    cell = settings.run(synthetic, splits, Context()).detail["cell"]
    assert cell["width"] in (4, 6) and cell["act"] in ("relu", "leaky relu")


def test_mixture_learns_by_the_loss(one_shot: OneShot, splits: Splits) -> None:
    """A cell of zeros answers nothing, so an edge to the output must carry something after some
    strong steps.
    """
    settings = replace(one_shot, algorithm={"name": "darts", "lr": 0.3}, full_epochs=4, batch=30)
    cell = settings.run(Reference("full-data"), splits, Context(seed=1)).detail["cell"]
    assert [cell[edge] for edge in ("0_3", "1_3", "2_3")] != ["none"] * 3
    still = replace(settings, algorithm={"name": "darts", "lr": 0.0}).run(
        Reference("full-data"), splits, Context(seed=1)
    )
    assert still.detail["cell"]["id"] != cell["id"]


def test_random_search_keeps_the_least_loss_of_those_it_tries(
    one_shot: OneShot, splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scenarios.search.one_shot import search

    taken: list[dict[str, Any]] = []
    losses: list[float] = []
    real_take, real_loss = search.set_architecture, search.loss_of

    def take(module: Any, sample: Any) -> None:
        taken.append(dict(sample))
        real_take(module, sample)

    def loss_of(*arguments: Any) -> Any:
        losses.append(float(real_loss(*arguments)))
        return real_loss(*arguments)

    monkeypatch.setattr(search, "set_architecture", take)
    monkeypatch.setattr(search, "loss_of", loss_of)
    settings = replace(one_shot, algorithm={"name": "random-one-shot", "tries": 5}, batch=20)
    cell = settings.run(Reference("full-data"), splits, Context()).detail["cell"]
    assert len(losses) == 5 and len(taken) == 3 + 5  # a step each, and those compared
    assert {edge: cell[edge] for edge in NAS_BENCH_EDGES} == taken[3:][losses.index(min(losses))]


def test_nothing_leaks(
    one_shot: OneShot,
    splits: Splits,
    synthetic: SyntheticSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: Any,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    before, drawn, level = (
        torch.get_rng_state(),
        random.getstate(),
        logging.getLogger("pytorch_lightning").level,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for algorithm in ALGORITHMS:
            replace(one_shot, algorithm=algorithm).run(synthetic, splits, Context())
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert torch.equal(torch.get_rng_state(), before) and random.getstate() == drawn
    assert logging.getLogger("pytorch_lightning").level == level


def test_finished_search_is_not_done_again(
    one_shot: OneShot,
    splits: Splits,
    synthetic: SyntheticSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps: list[Progress] = []

    def stop() -> bool:
        return any(event.name.startswith("train") for event in steps)

    with pytest.raises(Interrupted):
        settings = replace(one_shot, final_epochs=3)
        settings.run(
            synthetic, splits, Context(seed=1, folder=tmp_path, progress=steps.append, stop=stop)
        )
    monkeypatch.setattr(scenario, "run_search", lambda *arguments: pytest.fail("searched again"))
    resumed = settings.run(synthetic, splits, Context(seed=1, folder=tmp_path))
    assert resumed.detail["retraining"]["images"] == 3 * 120


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_search_that_was_cut_off_goes_on_to_the_same_end(
    one_shot: OneShot,
    splits: Splits,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    algorithm: Any,
) -> None:
    """Killed in its third of four epochs, after each of which it is kept: the weights at the end
    are those of a whole run.
    """
    from scenarios.search.one_shot.weights import SupernetCallback

    ends: list[dict[str, torch.Tensor]] = []

    def remember(watch: Any, trainer: Any, module: Any) -> None:
        weights = {name: value.clone() for name, value in module.state_dict().items()}
        ends.append(
            {
                **weights,
                "drawn": watch.context.generator.get_state(),
                "global": torch.get_rng_state(),
            }
        )

    monkeypatch.setattr(SupernetCallback, "on_train_end", remember)
    settings = replace(
        one_shot, algorithm=algorithm, full_epochs=4, batch=15, augmentation="dsa", final_epochs=1
    )
    whole = settings.run(
        Reference("full-data"), splits, Context(seed=2, folder=tmp_path / "whole")
    ).detail
    for stop_at in (1, 3):
        folder, seen = tmp_path / str(stop_at), list[Progress]()

        def die(seen: list[Progress] = seen, stop_at: int = stop_at) -> bool:
            if len(seen) == stop_at:
                raise KeyError("killed")
            return False

        with pytest.raises(KeyError):
            cut = Context(
                seed=2, folder=folder, progress=seen.append, stop=die, checkpoint_seconds=0
            )
            settings.run(Reference("full-data"), splits, cut)
        again: list[Progress] = []
        found = settings.run(
            Reference("full-data"), splits, Context(seed=2, folder=folder, progress=again.append)
        ).detail
        epochs = [event.done for event in again if event.name == "one-shot search"]
        assert epochs == list(range(stop_at + 1, 5))
        assert (
            found["cell"] == whole["cell"]
            and found["retraining"]["test"] == whole["retraining"]["test"]
        )
        assert [
            name for name, value in ends[0].items() if not torch.equal(value, ends[-1][name])
        ] == []


def test_a_signal_to_stop_ends_a_search(one_shot: OneShot, splits: Splits) -> None:
    """As the harness has it: the signal sets what `stop` reads.

    Lightning's own handler must not come first.
    """
    asked: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    try:
        context = Context(
            progress=lambda event: os.kill(os.getpid(), signal.SIGTERM), stop=lambda: bool(asked)
        )
        with pytest.raises(Interrupted, match="shared weights"):
            replace(one_shot, full_epochs=50, batch=30).run(Reference("full-data"), splits, context)
        assert asked == [signal.SIGTERM]
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked == [signal.SIGTERM] * 2  # the handler is there again
    finally:
        signal.signal(signal.SIGTERM, before)


def test_halves_share_classes_and_no_image() -> None:
    labels = torch.arange(3).repeat(5)
    images = torch.arange(15.0).reshape(15, 1, 1, 1)
    first, second = split_halves(images, labels, torch.Generator().manual_seed(1))
    assert sorted([*first[0].flatten().tolist(), *second[0].flatten().tolist()]) == list(range(15))
    for half in (first, second):
        assert all(int((half[1] == label).sum()) in (2, 3) for label in range(3))
        assert torch.equal(half[0].flatten() % 3, half[1].float())


def test_faults_are_named(
    one_shot: OneShot, splits: Splits, synthetic: SyntheticSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="convnet-small shares no weights"):
        OneShot(space="convnet-small")
    with pytest.raises(UsageError, match="has other choices"):
        OneShot(space="darts", final_space="nas-bench-201")
    with pytest.raises(UsageError, match="did you mean 'gumbel-darts'"):
        OneShot(algorithm="gumbel-dart")
    with pytest.raises(UsageError, match="two images of each class"):
        split_halves(torch.zeros(4, 1, 2, 2), torch.tensor([0, 0, 1, 2]), torch.Generator())
    with pytest.raises(UsageError, match="cannot search with"):
        one_shot.run(Reference("truth"), splits, Context())
    monkeypatch.setattr(scenario, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"condensation-harness\[one-shot\]"):
        OneShot()


def test_found_cell_may_be_trained_in_a_larger_network(
    one_shot: OneShot, splits: Splits, synthetic: SyntheticSet
) -> None:
    larger = replace(one_shot, final_space={"name": "nas-bench-201", "channels": 8})
    small, large = (
        settings.run(synthetic, splits, Context()).detail for settings in (one_shot, larger)
    )
    assert small["cell"] == large["cell"]
    assert large["retraining"]["parameters"] > 4 * small["retraining"]["parameters"]
