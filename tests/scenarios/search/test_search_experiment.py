from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nni
import pytest

from condensers.errors import Interrupted
from scenarios.registry import SEARCH_STRATEGIES
from scenarios.search.model_space import ChoiceSpace
from scenarios.search.nni_experiment import SearchTrial, explore
from scenarios.search.spaces.convnet import SmallConvNetSpace

SPACE = SmallConvNetSpace(depths=(1, 2), widths=(8,), norms=("none",))


def tried(
    score: Any, folder: Path, strategy: str = "random", seed: int = 0, limit: int = 4
) -> list[SearchTrial]:
    return explore(
        ChoiceSpace(SPACE), SEARCH_STRATEGIES.create(strategy).of_nni(seed), limit, score, folder
    )


def test_same_seed_same_sample_without_repetition(tmp_path: Path) -> None:
    first, again, other = (
        tried(lambda choice: 1.0, tmp_path, seed=seed, limit=6) for seed in (0, 0, 1)
    )
    assert first == again
    assert [t.choice for t in first] != [t.choice for t in other]
    assert len({tuple(t.choice.items()) for t in first}) == 6


def test_grid_takes_the_whole_space(tmp_path: Path) -> None:
    trials = tried(lambda choice: 1.0, tmp_path, "grid", limit=SPACE.size)
    assert len({tuple(t.choice.items()) for t in trials}) == SPACE.size == 8


def test_failure_is_recorded_and_the_rest_goes_on(tmp_path: Path) -> None:
    def score(choice: Mapping[str, Any]) -> float:
        if choice["depth"] == 2:
            raise RuntimeError("no depth 2 today")
        return 7.0

    trials = tried(score, tmp_path, "grid", limit=8)
    assert [(t.score, t.error) for t in trials if t.choice["depth"] == 2] == [
        (None, "RuntimeError: no depth 2 today")
    ] * 4
    assert [(t.score, t.error) for t in trials if t.choice["depth"] == 1] == [(7.0, "")] * 4


def test_a_model_without_metric_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nni, "report_final_result", lambda metric: None)
    trials = tried(lambda choice: 1.0, tmp_path)
    assert [t.score for t in trials] == [None] * 4
    assert "no metric" in trials[0].error


@pytest.mark.parametrize("reason", [Interrupted("stopped"), KeyboardInterrupt(), SystemExit(3)])
def test_a_stop_ends_the_exploration(reason: BaseException, tmp_path: Path) -> None:
    calls = []

    def score(choice: Mapping[str, Any]) -> float:
        calls.append(choice)
        if len(calls) == 2:
            raise reason
        return 1.0

    with pytest.raises(type(reason)):
        tried(score, tmp_path)
    assert len(calls) == 2
    assert len(tried(lambda choice: 1.0, tmp_path)) == 4


def test_nothing_leaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(
        "nni.tools.nnictl.config_utils.Experiments.__init__.__defaults__",
        (str(home / "nni-experiments"),),
    )
    monkeypatch.delenv("NNI_CONFIG_DIR", raising=False)

    def score(choice: Mapping[str, Any]) -> float:
        raise RuntimeError("NNI logs this")

    tried(score, tmp_path / "work")
    assert list(home.iterdir()) == []
    assert (tmp_path / "work" / "search" / "log" / "experiment.log").stat().st_size > 0
    assert capfd.readouterr() == ("", "")
