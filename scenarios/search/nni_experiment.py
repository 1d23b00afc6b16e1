"""A space explored by NNI: its strategy chooses, its sequential engine runs, our function scores.

NNI (3.0) is kept from writing to the home directory, from logging to the terminal and from
swallowing a request to stop.
"""

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from condensers.errors import HarnessError, Interrupted
from scenarios.search.model_space import ChoiceSpace

with warnings.catch_warnings():
    warnings.simplefilter(
        "ignore"
    )  # NNI warns of every class of torch.nn that is younger than itself
    import nni

    nni.set_default_framework("none")  # else it imports lightning, which nothing here uses
    from nni.nas.evaluator import FunctionalEvaluator
    from nni.nas.experiment import NasExperiment, NasExperimentConfig
    from nni.nas.experiment.config import SequentialEngineConfig, SimplifiedModelFormatConfig
    from nni.nas.strategy import Strategy


@dataclass(frozen=True)
class SearchTrial:
    """One architecture that the strategy chose: its choices; its score, None where it failed; and
    how it failed.
    """

    choice: Mapping[str, Any]
    score: float | None
    error: str = ""


class _Experiment(NasExperiment):  # type: ignore[misc]
    """An experiment that does not enter itself in NNI's list of experiments in the home
    directory.
    """

    def _start_without_nni_manager(self) -> None:
        return None

    def _stop_without_nni_manager(self) -> None:
        return None


class _Evaluation:
    """What NNI calls with each frozen model."""

    def __init__(self, score: Callable[[Mapping[str, Any]], float]) -> None:
        self.score = score
        self.errors: list[tuple[Mapping[str, Any], str]] = []
        self.stopped: BaseException | None = None

    def __call__(self, model: ChoiceSpace) -> None:
        try:
            nni.report_final_result(self.score(model.choice))
        except (Interrupted, HarnessError, SystemExit) as reason:
            self.stopped = reason
            raise KeyboardInterrupt from reason  # the one exception that NNI's engine lets through
        except Exception as error:
            self.errors.append((model.choice, f"{type(error).__name__}: {error}"))
            raise


def explore(
    model_space: ChoiceSpace,
    strategy: Strategy,
    limit: int,
    score: Callable[[Mapping[str, Any]], float],
    folder: Path,
) -> list[SearchTrial]:
    """Let `strategy` choose up to `limit` architectures and score each; return them in the order
    they were tried.

    score takes the choices of one architecture. NNI writes its log and checkpoint below `folder`.
    An architecture whose score raises is a failed SearchTrial; Interrupted, HarnessError,
    SystemExit and KeyboardInterrupt end the exploration and come out as themselves.
    """
    evaluation = _Evaluation(score)
    config = NasExperimentConfig(
        execution_engine=SequentialEngineConfig(continue_on_failure=True),
        model_format=SimplifiedModelFormatConfig(),
        max_trial_number=limit,
        experiment_working_directory=str(folder),
    )
    with contain_nni(folder):
        experiment = _Experiment(
            model_space, FunctionalEvaluator(evaluation), strategy, config, id="search"
        )
        try:
            experiment.start()
        except KeyboardInterrupt:
            raise (evaluation.stopped or KeyboardInterrupt()) from None
        finally:
            experiment.stop()
    return [_make_trial(model, evaluation.errors) for model in strategy.list_models(sort=False)]


def _make_trial(model: Any, errors: list[tuple[Mapping[str, Any], str]]) -> SearchTrial:
    # NNI says "trained" of a model whose function returned without a metric, so the metric is what
    # counts
    if model.metric is not None:
        return SearchTrial(model.sample, float(model.metric))
    known = [error for choice, error in errors if choice == model.sample]
    return SearchTrial(
        model.sample,
        None,
        known[0] if known else f"NNI has no metric for it, status {model.status.value}",
    )


@contextmanager
def contain_nni(folder: Path) -> Iterator[None]:
    """Keep NNI's log from the terminal, and its settings from the home directory."""
    logger, wanted = logging.getLogger("nni"), "NNI_CONFIG_DIR"
    handlers, propagate, setting = logger.handlers, logger.propagate, os.environ.get(wanted)
    logger.handlers, logger.propagate = [logging.NullHandler()], False
    os.environ[wanted] = str(folder / "settings")
    try:
        yield
    finally:
        logger.handlers, logger.propagate = handlers, propagate
        os.environ.pop(wanted)
        if setting is not None:
            os.environ[wanted] = setting
