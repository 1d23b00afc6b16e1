"""Which parts of a composition do not combine, and the sentence that says why."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from condensers.errors import UsageError
from condensers.parts.labels import OptimisedLabels
from condensers.parts.objectives.base import (
    PairwiseObjective,
    StatisticsObjective,
    WholeSetObjective,
)
from condensers.parts.parameterisations.base import Parameterisation, StorageForm
from condensers.parts.setting import Needs

if TYPE_CHECKING:
    from condensers.composition.composition import Composition


def require(method: "Composition", where: str) -> None:
    """Require that the built parts of `method` fit each other.

    Args:
        method: Its parts are built.
        where: Its place in a suite, for the message.

    Raises:
        UsageError: They do not; the message gives the first reason.
    """
    for misfit in misfits(method):
        raise UsageError(f"{where}{misfit if misfit.startswith('.') else ': ' + misfit}")


def misfits(method: "Composition") -> Iterator[str]:
    """Yield a sentence for each reason why the parts do not fit."""
    part: StorageForm = method.parameterisation
    if not isinstance(part, Parameterisation) or not part.learnable:
        yield (
            f"parameterisation {method.parameterisation.registered} stores images that are there,"
            " and nothing can be learned in it; take pixels, or real-jpeg or real-png in place of"
            " the method"
        )
        return
    yield from _needs(method)
    yield from _learned_labels(method)
    yield from _updates(method)
    yield from _batches(method)
    yield from _reuse(method)
    yield from _drawn_networks(method)
    yield from _statistics(method)
    yield from _trained(method)
    yield from _views(method)
    yield from _storage(method)
    if not all(isinstance(part, int | float) and 0 <= part <= 1 for part in method.halve_at):
        yield (
            f".halve_at: {list(method.halve_at)} must be parts of the run from 0 to 1, such as"
            " [0.6, 0.8]"
        )


def _needs(method: "Composition") -> Iterator[str]:
    """The objective and the regularisers get what they need from the model schedule."""
    objective, schedule = method.objective, method.model_schedule
    needs, gives = objective.needs, schedule.gives
    # A segment of an expert's path has a network.
    enough = {Needs.NOTHING, gives} | ({Needs.NETWORK} if gives is Needs.SEGMENT else set())
    if needs not in enough:
        given = "nothing" if gives is Needs.NOTHING else f"a {gives.value}"
        yield (
            f"objective {objective.registered} needs a {needs.value} at each step, but model"
            f" schedule {schedule.registered} gives {given}; take"
            f" {'experts' if needs is Needs.SEGMENT else 'fresh'}"
        )
    if method.image_terms and gives is Needs.NOTHING:
        yield (
            f"regulariser {method.image_terms[0].registered} is a term of a network's features,"
            f" and model schedule {schedule.registered} gives no network; take model schedule"
            " fresh, or leave it out"
        )


def _learned_labels(method: "Composition") -> Iterator[str]:
    """Learned labels get a gradient, and from parts that can read their form."""
    if not isinstance(method.labels, OptimisedLabels):
        return
    form = method.labels.form
    if isinstance(method.objective, PairwiseObjective):
        yield (
            f"objective {method.objective.registered} compares images of one class, so that no"
            " gradient reaches learned labels; take labels hard or teacher"
        )
    for part in (method.objective, method.model_schedule):
        forms = part.label_forms
        if form not in forms:
            yield (
                f"{part.registered} takes learned labels as {forms[-1]}, not as {form}; set"
                f" labels.form to {forms[-1]}, or take another objective or model schedule"
            )


def _trained(method: "Composition") -> Iterator[str]:
    """What starts from networks that are trained first, or reads them, gets them."""
    labels, schedule = method.labels, method.model_schedule
    wanting = ["init 'classified'"] if method.init == "classified" else []
    wanting += [f"label model {labels.registered}"] if labels.needs_trained else []
    wanting += [
        f"regulariser {term.registered}" for term in method.regularisers if term.needs_trained
    ]
    if wanting and not schedule.learns_first:
        yield (
            f"{wanting[0]} needs networks that are trained before the first step, and model"
            f" schedule {schedule.registered} trains none; take model schedule pretrained, blended"
            " or experts, or another in place of it"
        )


def _updates(method: "Composition") -> Iterator[str]:
    """A loss that joins classes cannot be followed class by class."""
    objective = method.objective
    whole = objective.couples_classes or isinstance(objective, WholeSetObjective)
    coupled = [objective.registered] if whole else []
    coupled += [term.registered for term in method.regularisers if term.couples_classes]
    if method.update == "class" and coupled:
        yield (
            f"{coupled[0]} is one loss of all classes, which update 'class' would tear"
            " apart; take update 'all'"
        )


def _batches(method: "Composition") -> Iterator[str]:
    """A part of a class's images is enough for those who read them."""
    objective = method.objective
    if method.batch_syn and not isinstance(objective, PairwiseObjective):
        yield (
            f".batch_syn: objective {objective.registered} takes all images of the set at once;"
            " leave it out, or say its own batch in `objective`"
        )


def _reuse(method: "Composition") -> Iterator[str]:
    """What a model schedule keeps of the real images can be kept."""
    objective, schedule = method.objective, method.model_schedule
    if not isinstance(objective, PairwiseObjective) or not schedule.reuses_networks:
        return
    if not isinstance(objective, StatisticsObjective):
        yield (
            f"model schedule {schedule.registered} keeps what the objective reads from real"
            f" images, and objective {objective.registered} has no `statistics`; take model"
            " schedule fresh with reuse 1"
        )
    if method.augmentation.varies:
        yield (
            f".augmentation: model schedule {schedule.registered} keeps the draws of its networks,"
            " and this augmentation changes in the course of a run; take curriculum none, or model"
            " schedule fresh with reuse 1"
        )
    if schedule.whole_classes and method.network.norm == "batch":
        yield (
            f"model schedule {schedule.registered} reads whole classes in parts, and batch norm"
            " would see each part alone; take another norm, or real 'batch'"
        )


def _views(method: "Composition") -> Iterator[str]:
    """A view that is not the same always and everywhere reaches what it shall reach."""
    view, objective, schedule = method.view, method.objective, method.model_schedule
    matches = objective.real or bool(method.regularisers)
    if view.matching_only and not matches:
        yield (
            f".view.seen_by: objective {objective.registered} matches no real images, so that"
            " nothing would see the view; take seen_by 'all'"
        )
    elif view.varies and not view.matching_only and schedule.learns_first:
        other = ", or seen_by 'matching'" if matches else ""
        yield (
            f".view: networks of model schedule {schedule.registered} learn from the real images"
            " before the first step alone, and would see nothing of how the view changes; take"
            f" until 1 and anneal none{other}"
        )
    if view.fades and schedule.keeps_statistics:
        yield (
            f".view.anneal: model schedule {schedule.registered} reads the real images once for"
            " each network, and this view changes them at every step; take anneal none, or model"
            " schedule fresh"
        )


def _storage(method: "Composition") -> Iterator[str]:
    """A term of what is stored finds there what it needs."""
    for term in method.regularisers:
        misfit = term.misfit(method.parameterisation)
        if misfit:
            yield misfit


def _statistics(method: "Composition") -> Iterator[str]:
    """What networks keep, or measure, of the real images is there for those who ask."""
    objective, schedule = method.objective, method.model_schedule
    if objective.needs_measurements and not schedule.gives_measurements:
        yield (
            f"objective {objective.registered} compares what convolutions read of real images,"
            f" which model schedule {schedule.registered} does not measure; take model schedule"
            ' pretrained with measure true, or statistics "batch-norm"'
        )
    without = [one for one in schedule.networks_of(method.network) if one.norm != "batch"]
    if objective.needs_batch_norm and without:
        yield (
            f"objective {objective.registered} reads the statistics of batch norm, and network"
            f" {without[0].registered} has norm {without[0].norm or 'none'}; take norm batch"
        )


def _drawn_networks(method: "Composition") -> Iterator[str]:
    """Networks that may each be of another kind need a model schedule that keeps none."""
    schedule = method.model_schedule
    if method.network.registered == "any-of" and schedule.keeps_networks:
        yield (
            "network any-of is another network whenever it is built, and model schedule"
            f" {schedule.registered} keeps networks; take model schedule fresh with reuse 1 and"
            " every 1"
        )
