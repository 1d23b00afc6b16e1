"""Sets made to fit a number of bytes: coded again in fewer, all units kept, or with fewer units.

re-encode:  max q  such that  sum_i |set_i(q)| <= bytes,  one q for all sets
drop:       max n  such that  sum_i |set_i, n_c units of each class c| <= bytes,
            n_c = min(units of c, n / classes, rounded up for the first of them)

q: the quality of files, or the multiplier of coded images. One q for all, and not as many bytes for
each class: classes that are harder to code keep more. Where no q is low enough, units are dropped
at the lowest.

Source: ours. A replay memory that holds compressed images instead of fewer raw ones is that of Wang
et al., "Memory Replay with Data Compression for Continual Learning" (MRDC, ICLR 2022, arXiv
2202.06592), which trades quality against number once: one JPEG quality is chosen for the whole
stream, by how the features of compressed images spread, and images are dropped as classes arrive.
Here the quality falls as they arrive, and a stored image is coded from its own code, for a stream
has no other. Dropping at one quality is MRDC's rule without its way of choosing the quality.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from condensers.errors import UsageError
from condensers.hyperparameters import settings_of
from condensers.parts.parameterisations.base import StorageForm
from condensers.registry.registry import PARAMETERISATIONS
from condensers.sets.merging import keep_units, merge, order_units
from condensers.sets.synthetic_set import SyntheticSet
from condensers.sets.units import BESIDE, groups_of, units_of

REENCODE = "re-encode"
CLOSE = 100  # units, or a hundredth of them: how exactly their number is sought
NEAR = 0.99  # of the bytes: full enough to stop


def count_all(sets: Sequence[SyntheticSet]) -> int:
    """Return the bytes of several sets."""
    return sum(one.nbytes for one in sets)


def form_of(synthetic: SyntheticSet) -> StorageForm:
    """Return how a set is stored, without the settings that made it."""
    part: StorageForm = PARAMETERISATIONS.create(synthetic.card["parameterisation"])
    return part.stored_form(groups_of(synthetic))


def reencode(
    sets: Sequence[SyntheticSet], nbytes: int, least: int | None = None
) -> list[SyntheticSet]:
    """Return sets of the same units, coded again so that all together fit, if they can.

    A set that is stored as pixels, or in another form that has no lower quality, stays as it is. A
    card tells by `reencoded` from and to how many bytes.

    Args:
        sets: What is stored now.
        nbytes: What all of them together may take, labels included.
        least: The lowest JPEG quality; that of the package if None.

    Raises:
        UsageError: None of the sets can be coded again.
    """
    forms = [form_of(one) for one in sets]
    able = [at for at, form in enumerate(forms) if form.recodable]
    if not able:
        stored = sorted({form.registered for form in forms})
        raise UsageError(
            f"sets stored as {' and '.join(stored)} cannot be coded again in fewer bytes; take"
            " real-jpeg, real-transform or dm-transform, or drop images"
        )
    found = list(sets)
    beside = count_all(sets) - sum(_count_groups(sets[at]) for at in able)
    # One form for all: sets of one condenser differ only where some are stored as pixels.
    groups = [groups_of(sets[at]) for at in able]
    shape = sets[able[0]].card["shape"]
    coded = forms[able[0]].recode(groups, nbytes - beside, shape, least)
    for at, new in zip(able, coded, strict=True):
        old = sets[at]
        kept = {name: old.tensors[name] for name in BESIDE if name in old.tensors}
        made = plain(SyntheticSet({**new, **kept}, old.card, old.cost))
        if made.nbytes < old.nbytes:
            first = old.card.get("reencoded", {}).get("from", old.nbytes)
            told = {"from": first, "to": made.nbytes}
            made = replace(made, card={**made.card, "reencoded": told})
        found[at] = made
    return found


def _count_groups(synthetic: SyntheticSet) -> int:
    return sum(one.numel() * one.element_size() for one in groups_of(synthetic).values())


def plain(synthetic: SyntheticSet) -> SyntheticSet:
    """Return a set whose card names its form without the settings that made it."""
    form = form_of(synthetic)
    spec = {"name": form.registered, **settings_of(form)}
    return replace(synthetic, card={**synthetic.card, "parameterisation": spec})


def pool(sets: Sequence[SyntheticSet]) -> list[SyntheticSet]:
    """Return the sets with those merged that can be one, so that what they share is stored once."""
    found: list[SyntheticSet] = []
    for one in map(plain, sets):
        for at, other in enumerate(found):
            try:
                joined = merge([other, one])
            except UsageError:  # other heads or refiners: they stay apart
                continue
            told = {key: value for key, value in joined.card.items() if key != "merged_from"}
            found[at] = replace(joined, card=told)
            break
        else:
            found.append(one)
    return found


def drop_units(
    sets: Sequence[SyntheticSet], nbytes: int, how: str, generator: torch.Generator
) -> list[SyntheticSet]:
    """Return sets of fewer units, as many of each class as may be, so that all together fit.

    Args:
        sets: They hold different classes.
        nbytes: What all of them together may take, labels included.
        how: "first", "random" or "herding": which units stay.
        generator: Draws the random ones.

    Raises:
        UsageError: One unit of each class is too much already.
    """
    if count_all(sets) <= nbytes:
        return list(sets)
    orders = [order_units(one, how, generator) for one in sets]
    soft = any(one.is_soft for one in sets)
    classes = sum(map(len, orders))
    most = max(len(of) for order in orders for of in order.values())

    def cut(units: int) -> list[SyntheticSet]:
        each, more = divmod(units, classes)
        found = []
        for one, order in zip(sets, orders, strict=True):
            kept = {}
            for c, of in order.items():
                extra = int(more > 0 and not soft)
                more -= extra
                kept[c] = of[: max(1, each + extra)]
            found.append(_keep(one, kept, how))
        return found

    fits, above = 0, classes * most
    best: list[SyntheticSet] | None = None
    trial = above * nbytes // count_all(sets)
    while above - fits > max(1, fits // CLOSE):
        trial = min(max(trial, fits + 1), above - 1)
        made = cut(trial)
        size = count_all(made)
        if size <= nbytes:
            fits, best = trial, made
            if size >= NEAR * nbytes:
                break
        else:
            above = trial
        trial = trial * nbytes // size if size != nbytes else trial + 1
        if trial in (fits, above):
            trial = (fits + above) // 2
    if best is None:
        raise UsageError(
            f"{nbytes} bytes are too few: one stored image of each of {classes} classes takes"
            f" {count_all(cut(classes))}; take more"
        )
    return best


def _keep(synthetic: SyntheticSet, kept: Mapping[int, torch.Tensor], how: str) -> SyntheticSet:
    before = max(map(len, units_of(synthetic).values()))
    after = max(map(len, kept.values()))
    if all(len(of) == len(kept[c]) for c, of in units_of(synthetic).items()):
        return synthetic
    told = {"ipc": max(1, synthetic.ipc * after // before)}
    first = synthetic.card.get("shrunk", {}).get("from", before)
    return keep_units(synthetic, kept, {**told, "shrunk": {"from": first, "to": after, "how": how}})


def reduce_sets(
    sets: Sequence[SyntheticSet],
    nbytes: int,
    how: str,
    generator: torch.Generator,
    least: int | None = None,
) -> list[SyntheticSet]:
    """Return sets that together fit: coded again if `how` is "re-encode", then with fewer units.

    Args:
        sets: They hold different classes.
        nbytes: What all of them together may take, labels included.
        how: "re-encode"; or "first", "random" or "herding", by which units are dropped. What is
            coded again and still too much is dropped at random.
        generator: Draws random ones.
        least: The lowest JPEG quality; that of the package if None.

    Raises:
        UsageError: The bytes do not hold one unit of each class, or nothing can be coded again.
    """
    if count_all(sets) <= nbytes:
        return list(sets)
    if how == REENCODE:
        sets, how = reencode(sets, nbytes, least), "random"
    return drop_units(sets, nbytes, how, generator)
