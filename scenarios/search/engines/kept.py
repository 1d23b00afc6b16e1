"""NNI's engine for trials in processes of their own, with our rows as its memory."""

from pathlib import Path
from typing import Any

from nni.nas.execution.event import FinalMetricEvent, TrainingEndEvent
from nni.nas.execution.training_service import TrainingServiceExecutionEngine
from nni.nas.space import ModelStatus

from condensers.engine.context import kept
from scenarios.search.engines.task import keep, row_of
from scenarios.search.judging import Plan


class KeptEngine(TrainingServiceExecutionEngine):  # type: ignore[misc]
    """Gives no trial to an architecture that has a row in `folder`, and keeps the rows that come over the network there.

    tried: the models in the order in which the strategy chose them, at most as many as the plan allows.
    """

    def __init__(self, experiment: Any, plan: Plan, folder: Path) -> None:
        self.plan, self.folder = plan, folder
        self.tried: list[Any] = []
        super().__init__(experiment, fetch_intermediates=False)
        self._channel.on_report_metric_data(self._receive)

    def submit_models(self, *models: Any) -> None:
        for model in models:
            self.tried.append(model)
            row = row_of(self.folder, self.plan.identifier(model.sample))
            if row.exists():
                score = self.plan.guide(kept(row))
                model.status = ModelStatus.Training
                self.dispatch_model_event(FinalMetricEvent(model, score))
                self.dispatch_model_event(TrainingEndEvent(model, ModelStatus.Trained))
            else:
                super().submit_models(model)

    def budget_available(self) -> bool:
        """NNI counts trials only once they run, and would be given one too many."""
        return len(self.tried) < self.plan.limit and bool(super().budget_available())

    def _receive(self, command: Any) -> None:
        if isinstance(command.value, dict):
            keep(command.value["row"], self.folder)
