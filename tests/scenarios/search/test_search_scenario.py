import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted, UsageError
from condensers.sets.synthetic_set import SyntheticSet
from scenarios.protocol import Reference, Splits
from scenarios.search import candidate
from scenarios.search.scenario import Search

CHOICES = ("depth", "width", "norm", "activation", "pooling")


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was trained: (number of images, recipe, name, initial weights)."""
    calls: list[Any] = []

    def watched(
        network: Any, job: candidate.TrainingJudge, context: Context, name: str
    ) -> dict[str, Any]:
        calls.append(
            (len(job.images), job.recipe, name, network.classifier.weight.detach().clone())
        )
        return train(network, job, context, name)

    train = candidate.train
    monkeypatch.setattr(candidate, "train", watched)
    return calls


def ids(outcome: Any) -> list[str]:
    return [row["id"] for row in outcome.detail["architectures"]]


def test_set_and_truth_score_the_same_architectures(
    search: Search, splits: Splits, synthetic: SyntheticSet
) -> None:
    events: list[Progress] = []
    proxy = search.run(synthetic, splits, Context(seed=1, progress=events.append))
    truth = search.run(Reference("truth"), splits, Context(seed=2))
    assert ids(proxy) == ids(truth) and len(set(ids(proxy))) == 4
    assert proxy.detail["table"] == truth.detail["table"]
    for outcome, read in ((proxy, "validation"), (truth, "test")):
        (scores,) = outcome.measurements
        assert (scores.metric, scores.unit, scores.higher_is_better) == (
            "architecture-score",
            "%",
            True,
        )
        assert list(scores.values) == [row[read] for row in outcome.detail["architectures"]]
        assert [repeat["architecture"] for repeat in scores.repeats] == ids(outcome)
        assert (
            outcome.costs["seconds"]
            == sum(row["seconds"] for row in outcome.detail["architectures"])
            > 0
        )
    assert all("test" not in row for row in proxy.detail["architectures"])
    assert max(row["test"] for row in truth.detail["architectures"]) > 60
    assert (proxy.costs["images"], truth.costs["images"]) == (4 * 3 * 6, 4 * 2 * 120)
    assert [(e.done, e.total) for e in events if e.name == "search"] == [
        (1, 4),
        (2, 4),
        (3, 4),
        (4, 4),
    ]
    assert json.loads(json.dumps(truth.as_json()))["detail"]["score"] == "test accuracy"


def test_proxy_does_not_see_the_test_data(
    search: Search, splits: Splits, synthetic: SyntheticSet
) -> None:
    inverted = replace(splits.test, images=255 - splits.test.images)
    proxies = [
        search.run(synthetic, replace(splits, test=test), Context())
        for test in (splits.test, inverted)
    ]
    assert list(proxies[0].measurements[0].values) == list(proxies[1].measurements[0].values)
    assert proxies[0].detail["table"] != proxies[1].detail["table"]


def test_global_generator_is_left_alone(
    search: Search, splits: Splits, synthetic: SyntheticSet
) -> None:
    before = torch.get_rng_state()
    search.run(synthetic, splits, Context())
    assert torch.equal(torch.get_rng_state(), before)


def test_parameter_count_trains_nothing(
    search: Search, splits: Splits, trainings: list[Any]
) -> None:
    outcome = search.run(Reference("parameters"), splits, Context())
    assert trainings == [] and outcome.costs == {"seconds": 0, "images": 0}
    assert outcome.measurements[0].unit == "parameters"
    assert list(outcome.measurements[0].values) == [
        row["parameters"] for row in outcome.detail["architectures"]
    ]


def test_early_stopping_takes_the_steps_of_a_set(
    search: Search, splits: Splits, synthetic: SyntheticSet
) -> None:
    for batch in (4, 256):
        steps: dict[str, list[int]] = {}
        settings = replace(search, batch=batch)
        for subject in (synthetic, Reference("early-stopping")):
            outcome = settings.run(subject, splits, Context())
            steps[outcome.detail["subject"]] = [
                row["steps"] for row in outcome.detail["architectures"]
            ]
        assert steps["early-stopping"] == steps["random"] == [3 * (2 if batch == 4 else 1)] * 4


def test_initial_weights_are_paired(
    search: Search, splits: Splits, synthetic: SyntheticSet, trainings: list[Any]
) -> None:
    for subject, seed in ((synthetic, 5), (Reference("early-stopping"), 5), (synthetic, 6)):
        search.run(subject, splits, Context(seed=seed))
    weights = [call[3] for call in trainings]
    assert all(torch.equal(a, b) for a, b in zip(weights[:4], weights[4:8], strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(weights[:4], weights[8:], strict=True))


def test_finished_architectures_are_not_trained_again(
    search: Search, splits: Splits, synthetic: SyntheticSet, trainings: list[Any], tmp_path: Path
) -> None:
    whole = search.run(synthetic, splits, Context(seed=3))
    del trainings[:]
    with pytest.raises(Interrupted):
        search.run(
            synthetic, splits, Context(seed=3, folder=tmp_path, stop=lambda: len(trainings) == 3)
        )
    assert len(trainings) == 3
    resumed = search.run(synthetic, splits, Context(seed=3, folder=tmp_path))
    assert len(trainings) == 3 + 2  # the third was stopped in training, the fourth had not begun
    again = search.run(synthetic, splits, Context(seed=3, folder=tmp_path))
    assert len(trainings) == 5
    assert list(resumed.measurements[0].values) == list(whole.measurements[0].values)
    assert again.as_json() == resumed.as_json()


def test_failing_architecture_is_listed_without_a_score(
    search: Search, splits: Splits, synthetic: SyntheticSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = ids(search.run(Reference("parameters"), splits, Context()))

    def fail(
        network: Any, job: candidate.TrainingJudge, context: Context, name: str
    ) -> dict[str, Any]:
        if name.endswith(broken):
            raise RuntimeError("out of memory")
        return train(network, job, context, name)

    train = candidate.train

    monkeypatch.setattr(candidate, "train", fail)
    broken = expected[1]
    outcome = search.run(synthetic, splits, Context())
    assert ids(outcome) == [name for name in expected if name != broken]
    assert [(f["id"], f["error"]) for f in outcome.detail["failures"]] == [
        (broken, "RuntimeError: out of memory")
    ]
    assert set(CHOICES) < set(outcome.detail["failures"][0])
    broken = ""
    with pytest.raises(
        RuntimeError, match="all 4 architectures failed; the first with RuntimeError: out of memory"
    ):
        search.run(synthetic, splits, Context())


def test_table_version_follows_what_determines_the_truth(search: Search, splits: Splits) -> None:
    def version(settings: Search) -> str:
        table: str = settings.run(Reference("parameters"), splits, Context()).detail["table"]
        return table

    assert version(search) == version(
        replace(search, epochs=9, early_stopping_ipc=5, sample_seed=1, architectures=3)
    )
    wider = {**search.space, "widths": [8, 16]}
    others = [
        replace(search, truth_epochs=9),
        replace(search, space=wider),
        replace(search, truth_lr=0.5),
    ]
    assert len({version(settings) for settings in [search, *others]}) == 4


def test_wrong_subjects_and_settings(
    search: Search, splits: Splits, synthetic: SyntheticSet
) -> None:
    with pytest.raises(UsageError, match="did you mean 'truth'"):
        search.run(Reference("thruth"), splits, Context())
    with pytest.raises(UsageError, match="has only 16"):
        replace(search, architectures=17).run(synthetic, splits, Context())
    with pytest.raises(UsageError, match="made from stripes"):
        search.run(
            replace(synthetic, card={**synthetic.card, "class_names": ["a", "b"]}),
            splits,
            Context(),
        )
    with pytest.raises(UsageError, match="convnet-small"):
        Search(space="convnet-smal")
