"""How coarsely a memory is coded: whether a condenser's sets can be coded again, and a condenser
whose new sets are as coarse as what is held.
"""

from collections.abc import Sequence
from dataclasses import replace

from condensers.composition.composition import Composition
from condensers.condenser import Condenser
from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.parts.parameterisations.base import StorageForm
from condensers.parts.parameterisations.jpeg.coefficients import JPEG
from condensers.parts.parameterisations.jpeg.files import quality_of
from condensers.parts.parameterisations.refined import Refined
from condensers.parts.parameterisations.transform.coefficients import FullFrameDCT
from condensers.parts.parameterisations.transform.requantising import COARSEST
from condensers.selections.real_files import RealJPEG
from condensers.selections.real_transform import RealTransform
from condensers.sets.budget import Budget
from condensers.sets.synthetic_set import SyntheticSet
from condensers.sets.units import units_of

SLOPE = 1.3  # images that fit some bytes grow about as the step to this power


def require_recodable(condenser: Condenser) -> None:
    """Refuse a condenser whose sets cannot be coded again in fewer bytes.

    Raises:
        UsageError: They cannot.
    """
    form = _built(condenser).parameterisation
    if not form.recodable:
        raise UsageError(
            f"continual.shrink: sets of {condenser.registered} are stored as {form.registered},"
            " which cannot be coded again in fewer bytes; take real-jpeg, real-transform,"
            " dm-transform, the parameterisation jpeg or transform, or another way to shrink"
        )


def lowest_quality(condenser: Condenser, data: ClassData, nbytes: int) -> int | None:
    """Return the JPEG quality below which images are dropped, not coded again.

    It is the one that a condenser without a quality of its own chooses for the bytes, by images
    held out of the new classes; None, that of the package, for other condensers.

    Args:
        condenser: As the suite has it.
        data: The images of the new classes.
        nbytes: Their share of the memory.
    """
    built = _built(condenser)
    return _quality_of(built.settle(data, nbytes)[0]) if _quality_of(built) == 0 else None


def match(
    condenser: Condenser, held: Sequence[SyntheticSet], data: ClassData, nbytes: int
) -> Condenser:
    """Return a condenser whose new sets are coded as coarsely as those that are held.

    Files have the quality of those that are held. The step of coded images is such that about as
    many of a new class fit its share as there are of an old one.

    Args:
        condenser: As the suite has it.
        held: The sets in memory.
        data: The images of the new classes.
        nbytes: Their share of the memory.
    """
    built = _built(condenser)
    qualities = [
        quality_of(one.tensors["head"].cpu().numpy().tobytes(), one.card["shape"])
        for one in held
        if "head" in one.tensors
    ]
    if isinstance(built, RealJPEG):
        return replace(built, quality=min(qualities)) if qualities else condenser
    form = _innermost(built.parameterisation)
    if isinstance(form, JPEG) and qualities:
        return _with_form(built, replace(form, quality=min(qualities)))
    coded = [one for one in held if "stream" in one.tensors]
    if not isinstance(form, FullFrameDCT) or not coded:
        return condenser
    built = built.settle(data, nbytes)[0]
    form = _innermost(built.parameterisation)
    assert isinstance(form, FullFrameDCT)
    wanted = max(len(of) for one in coded for of in units_of(one).values())
    fit = built.images_within(data, Budget(nbytes=nbytes))
    step = form.step * max(1.0, wanted / fit) ** (1 / SLOPE)
    step = max(form.step, min(step, COARSEST))
    if isinstance(built, RealTransform):
        return replace(built, step=step)
    return _with_form(built, replace(form, step=step))


def _built(condenser: Condenser) -> Condenser:
    return condenser.built if isinstance(condenser, Composition) else condenser


def _innermost(form: StorageForm) -> StorageForm:
    return form.inside if isinstance(form, Refined) else form


def _quality_of(condenser: Condenser) -> int | None:
    """The quality of its files, 0 where it is still to be chosen; None where it makes none."""
    form = condenser if isinstance(condenser, RealJPEG) else _innermost(condenser.parameterisation)
    return form.quality if isinstance(form, RealJPEG | JPEG) else None


def _with_form(condenser: Condenser, form: StorageForm) -> Condenser:
    """The condenser with another innermost form."""
    assert isinstance(condenser, Composition)
    whole = condenser.parameterisation
    new = replace(whole, inside=form) if isinstance(whole, Refined) else form
    return replace(condenser, parameterisation=new)  # type: ignore[arg-type]
