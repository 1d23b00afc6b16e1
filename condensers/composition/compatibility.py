"""Which parts of a composition do not combine, and the sentence that says why."""

from collections.abc import Iterator
from typing import Any

from condensers.errors import UsageError
from condensers.registry.registry import NETWORKS


def require(method: Any, where: str) -> None:
    """UsageError with the first reason why the built parts of `method` do not fit; where: its place
    in a suite.
    """
    for misfit in misfits(method):
        raise UsageError(f"{where}{misfit if misfit.startswith('.') else ': ' + misfit}")


def misfits(method: Any) -> Iterator[str]:
    """One sentence for each reason."""
    if not getattr(method.parameterisation, "learnable", True):
        yield (
            f"parameterisation {method.parameterisation.registered} stores images that are there,"
            " and nothing can be learned in it; take pixels, or real-jpeg or real-png in place of"
            " the method"
        )
    yield from _what_is_given(method)
    yield from _learned_labels(method)
    yield from _updates(method)
    yield from _kept(method)
    yield from _drawn(method)
    if not all(isinstance(part, int | float) and 0 <= part <= 1 for part in method.halve_at):
        yield (
            f".halve_at: {list(method.halve_at)} must be parts of the run from 0 to 1, such as"
            " [0.6, 0.8]"
        )


def _what_is_given(method: Any) -> Iterator[str]:
    """What the objective and the terms need, and what the schedule gives."""
    objective, schedule = method.objective, method.schedule
    needs, gives = objective.needs, schedule.gives
    # A segment of an expert's path has a network.
    if needs not in ("nothing", gives) and (needs, gives) != ("network", "segment"):
        yield (
            f"objective {objective.registered} needs a {needs} at each step, but schedule"
            f" {schedule.registered} gives {gives if gives == 'nothing' else 'a ' + gives}; take"
            f" {'experts' if needs == 'segment' else 'fresh'}"
        )
    if method.regularisers and gives == "nothing":
        yield (
            f"regulariser {method.regularisers[0].registered} is a term of a network's features,"
            f" and schedule {schedule.registered} gives no network; take schedule fresh, or leave"
            " it out"
        )


def _learned_labels(method: Any) -> Iterator[str]:
    """Whether learned labels get a gradient, and from parts that read them as what they are."""
    if not method.labels.learned:
        return
    form = method.labels.form
    if method.objective.kind == "pairs":
        yield (
            f"objective {method.objective.registered} compares images of one class, so that no"
            " gradient reaches learned labels; take labels hard or teacher"
        )
    for part in (method.objective, method.schedule):
        forms = getattr(part, "label_forms", (form,))
        if form not in forms:
            yield (
                f"{part.registered} takes learned labels as {forms[-1]}, not as {form}; set"
                f" labels.form to {forms[-1]}, or take another objective or schedule"
            )


def _updates(method: Any) -> Iterator[str]:
    """A loss that joins classes cannot be followed class by class."""
    coupled = [part for part in (method.objective, *method.regularisers) if part.couples_classes]
    if method.objective.kind == "whole":
        coupled = [method.objective]
    if method.update == "class" and coupled:
        yield (
            f"{coupled[0].registered} is one loss of all classes, which update 'class' would tear"
            " apart; take update 'all'"
        )


def _kept(method: Any) -> Iterator[str]:
    """Whether what a schedule keeps of the real side can be kept."""
    objective, schedule = method.objective, method.schedule
    if objective.kind != "pairs" or not getattr(schedule, "keeps", False):
        return
    if not hasattr(objective, "statistics"):
        yield (
            f"schedule {schedule.registered} keeps what the objective reads from real images, and"
            f" objective {objective.registered} has no `statistics`; take schedule fresh with"
            " reuse 1"
        )
    if (
        getattr(schedule, "whole_classes", False)
        and getattr(NETWORKS.create(method.network), "norm", "") == "batch"
    ):
        yield (
            f"schedule {schedule.registered} reads whole classes in parts, and batch norm would see"
            " each part alone; take another norm, or real 'batch'"
        )


def _drawn(method: Any) -> Iterator[str]:
    """Whether networks that may each be of another kind meet a schedule that keeps none."""
    network, schedule = NETWORKS.create(method.network), method.schedule
    if network.registered == "any-of" and (schedule.registered != "fresh" or schedule.keeps):
        yield (
            "network any-of is another network whenever it is built, and schedule"
            f" {schedule.registered} keeps networks; take schedule fresh with reuse 1"
        )
