"""Data under ZCA whitening: fitted on the training images once, kept for all sets and networks that
are measured under it.
"""

from dataclasses import replace
from pathlib import Path

import torch

from condensers.data import ClassData
from condensers.engine import files
from condensers.engine.cache import key_of, make_missing
from condensers.engine.context import Context
from condensers.sets.synthetic_set import SyntheticSet
from condensers.whitening import Fit, Whitening, fit_of, fit_whitening
from scenarios.protocol import Splits, Subject

FORMAT = 1


def choose_whitening(choice: str, subject: Subject, data: ClassData) -> Fit | None:
    """The whitening that `choice` means for a subject; "card" is what the set's card asks for, None
    is none.
    """
    channels = len(data.mean)
    if choice == "zca":
        return Fit((0.0,) * channels, (1.0,) * channels)
    if choice == "zca-normalised":
        return Fit(data.mean, data.std)
    said = (
        subject.recipe.get("whitening")
        if isinstance(subject, SyntheticSet) and choice == "card"
        else None
    )
    return fit_of(said, channels) if said else None


def whiten_splits(data: Splits, fit: Fit | None, context: Context) -> Splits:
    """All parts of `data`, which networks then see whitened as the training images are; as it is
    without a fit.
    """
    if fit is None:
        return data
    whitening = _load_whitening(data.train, fit, context).to(context.device)
    return Splits(
        *(replace(part, whitening=whitening) for part in (data.train, data.validation, data.test))
    )


def _load_whitening(train: ClassData, fit: Fit, context: Context) -> Whitening:
    """Kept in the context's cache, or else in its own folder."""
    root = context.cache or context.folder
    if root is None:
        return fit_whitening(train.images, fit)
    path: Path = (
        root
        / "whitening"
        / f"{key_of([FORMAT, train.digest, fit.as_json(), torch.__version__])}.pt"
    )
    make_missing(
        [path],
        lambda _: files.write_state(path, dict(fit_whitening(train.images, fit).state())),
        context,
    )
    state = files.read_state(path, train.device)
    assert state is not None
    return Whitening(**state)
