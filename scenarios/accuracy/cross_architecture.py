"""Cross-architecture: whether a set also trains networks other than the one that it was condensed
with.

Each architecture is measured as `scenarios.accuracy` measures one: fresh networks, last epoch, test
data read once a network. The papers show a table of sets by networks, as Table 3 of Du et al.,
"Minimizing the Accumulated Trajectory Error" (FTD, CVPR 2023). Under the common recipe all
architectures and sets are trained alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from condensers.engine.context import Context, Progress
from condensers.errors import UsageError
from condensers.hyperparameters import hyper, settings_of
from condensers.networks.precision import AUTO
from condensers.registry.registry import NETWORKS
from scenarios.accuracy.scenario import Accuracy
from scenarios.protocol import Measurement, Outcome, Scenario, Splits, Subject
from scenarios.training_material import Evaluation, name_network


@dataclass(frozen=True)
class CrossArchitecture(Evaluation, Scenario):
    """Test accuracy of fresh networks of several architectures trained on the set.

    An architecture is called by its name and by those of its settings that are not the default:
    "convnet width=16".
    """

    architectures: tuple[Any, ...] = hyper(
        ("convnet", "resnet18", "vgg11", "alexnet"), source="FTD, Table 3", part="network"
    )

    registered: ClassVar[str] = "cross-architecture"
    references: ClassVar[tuple[str, ...]] = ("full-data",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.architectures, str | dict) or not self.architectures:
            raise UsageError(
                'cross-architecture.architectures: give a list of networks, as ["convnet",'
                ' "resnet18"]'
            )
        labels = self._labels()
        twice = next((label for label in labels if labels.count(label) > 1), None)
        if twice:
            raise UsageError(
                f"cross-architecture.architectures: {twice} is listed twice; leave one out or"
                " change its settings"
            )

    def run(self, subject: Subject, data: Splits, context: Context) -> Outcome:
        """Measure each architecture: one measurement each, in %, and the mean over them where they
        are several.
        """
        found = {
            label: self._accuracy(spec).run(
                subject, data, _label_progress(context.fork(label), label)
            )
            for label, spec in zip(self._labels(), self.architectures, strict=True)
        }
        measurements = [
            replace(o.measurements[0], metric=f"test-accuracy of {label}")
            for label, o in found.items()
        ]
        if len(found) > 1:
            measurements.append(_average(measurements))
        outcomes = list(found.values())
        costs = {
            name: sum(outcome.costs[name] for outcome in outcomes) for name in outcomes[0].costs
        }
        detail = {**outcomes[0].detail, "networks": self._specs()}
        if self.precision == AUTO:
            detail["precisions"] = {
                label: o.detail.get("precision", "fp32") for label, o in found.items()
            }
        return Outcome(measurements, costs, detail)

    def image_passes(
        self, data: Splits, images: int, reference: str | None
    ) -> list[tuple[Any, float]]:
        """Estimate the training; `images` is the size of the set."""
        return [
            one
            for spec in self.architectures
            for one in self._accuracy(spec).image_passes(data, images, reference)
        ]

    def _accuracy(self, spec: Any) -> Accuracy:
        """The scenario of a single architecture: all else as set here."""
        settings, names = settings_of(self), {f.name for f in fields(Evaluation)}
        shared = {name: value for name, value in settings.items() if name in names}
        return Accuracy(network=spec, **shared)

    def _specs(self) -> dict[str, Any]:
        """Label -> all settings of the architecture."""
        return {
            label: settings_of(NETWORKS.create(spec))
            for label, spec in zip(self._labels(), self.architectures, strict=True)
        }

    def _labels(self) -> list[str]:
        return [
            name_network(NETWORKS.create(spec, "cross-architecture.architectures"))
            for spec in self.architectures
        ]


def _label_progress(context: Context, label: str) -> Context:
    """`context`, whose events say which architecture they are of."""

    def show(event: Progress) -> None:
        context.progress(replace(event, name=f"{label}, {event.name}"))

    return replace(context, progress=show)


def _average(measurements: Sequence[Measurement]) -> Measurement:
    """Network by network: the first ones of all architectures, then the second ones."""
    values = [sum(each) / len(each) for each in zip(*(m.values for m in measurements), strict=True)]
    return replace(measurements[0], metric="mean-test-accuracy", values=values)
