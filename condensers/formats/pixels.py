"""A published file's images -> float32 normalised as the data set's are, with what was found of
their scale and whitening.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.formats import npz, safe_pickle
from condensers.formats.choices import WITH_DATA, Choices
from condensers.formats.published import Published
from condensers.formats.scales import (
    DARKEST,
    Scale,
    contrast,
    looks_whitened,
    neighbours,
    require_contrast,
    scale_of,
)
from condensers.whitening import Fit, Whitening, fit_whitening

REAL = 5000  # real images that are compared with
MEANS, INVERSES, MATRICES = (
    ("mean", "mean_vector"),
    ("inverse", "transform_inv"),
    ("matrix", "transform_matrix"),
)


@dataclass(frozen=True)
class PublishedPixels:
    """The images of a published file, as the data set's are normalised.

    Args:
        images: (M, C, H, W) float32.
        said: What the file's pixels were taken for.
        contrast: As a multiple of that of the real images.
        fit: The whitening that was undone, if it is one of the training data.
    """

    images: Tensor
    said: str
    contrast: float
    fit: Fit | None = None


def pixels_of(published: Published, data: ClassData, choices: Choices) -> PublishedPixels:
    """Return the images of a published file as the data set's are normalised.

    Raises:
        UsageError: What the pixels are is not said, or cannot be true.
    """
    real = data.images[:: max(1, len(data.images) // REAL)].cpu().float() / 255
    if choices.zca == WITH_DATA:
        return _undo_whitening(published, data, choices, real)
    prefix = ""
    if choices.zca not in ("", "none"):
        published = _turn_back(published, Path(choices.zca), data)
        prefix = f"whitened, undone by {Path(choices.zca).name}, then "
    else:
        _ask_of_whitening(published, data, choices, real)
    scale = scale_of(published, data, choices)
    unit = scale.unit(published.images)
    ratio, stated = (
        contrast(unit, real),
        isinstance(published.pixels, tuple) and not choices.normalised,
    )
    if not stated and not choices.any_contrast:
        require_contrast(ratio, published, data, prefix + scale.said)
    return PublishedPixels(
        _normalise(published.images, scale, unit, data), prefix + scale.said, ratio
    )


def _normalise(images: Tensor, scale: Scale, unit: Tensor, data: ClassData) -> Tensor:
    """Untouched where they are normalised by the data's own mean and std."""
    mean, std = (torch.tensor(v).view(-1, 1, 1) for v in (data.mean, data.std))
    if images.dtype == torch.uint8:
        return data.normalise(images)
    if torch.equal(scale.mean, mean) and torch.equal(scale.std, std):
        return images
    return (unit - mean) / std


def _ask_of_whitening(
    published: Published, data: ClassData, choices: Choices, real: Tensor
) -> None:
    """UsageError where images look whitened and neither user nor file has said that they are
    not.
    """
    images = published.images
    if choices.zca or isinstance(published.pixels, tuple) or float(images.min()) >= -DARKEST:
        return
    said = choices.normalised if "/" in choices.normalised else WITH_DATA
    unit = scale_of(published, data, replace(choices, normalised=said)).unit(images)
    if looks_whitened(unit, real):
        raise UsageError(
            f"{published.path}: its images look whitened (ZCA), or are mostly noise: neighbouring"
            f" pixels correlate by {neighbours(unit):.2f}, where those of {data.name} do by"
            f" {neighbours(real):.2f}, and coarse shapes are weak; pass --zca with-data (undo it,"
            " as fitted on the training images), --zca FILE (of its inverse), or --zca none if"
            " they are plain"
        )


def _undo_whitening(
    published: Published, data: ClassData, choices: Choices, real: Tensor
) -> PublishedPixels:
    """Images whose whitening, fitted on the training images of `data`, is undone."""
    mean, std = (torch.tensor(v).view(-1, 1, 1) for v in (data.mean, data.std))
    if choices.normalised in ("", "none", WITH_DATA):
        fits = {"none": Fit((0.0,) * len(data.mean), (1.0,) * len(data.mean), choices.zca_eps)}
        fits[WITH_DATA] = Fit(data.mean, data.std, choices.zca_eps)
    else:
        scale = scale_of(replace(published, pixels=None), data, choices)
        pair = (tuple(scale.mean.flatten().tolist()), tuple(scale.std.flatten().tolist()))
        fits = {choices.normalised: Fit(*pair, choices.zca_eps)}
    chosen = [choices.normalised] if choices.normalised else list(fits)
    units = {
        name: fit_whitening(data.images, fits[name]).undo(published.images.float())
        for name in chosen
    }
    ratios = {name: contrast(unit, real) for name, unit in units.items()}
    if not choices.normalised:
        raise UsageError(
            f"{published.path}: does not say of which pixels its whitening was fitted; pass"
            " --normalised none (0 to 1, as MTT's code does: undone, they have"
            f" {ratios['none']:.2f} times the contrast of {data.name}) or --normalised with-data"
            f" ({ratios[WITH_DATA]:.2f} times)"
        )
    name = choices.normalised
    said = f"whitened (ZCA, eps {choices.zca_eps:g}, of pixels with --normalised {name}), undone"
    if not choices.any_contrast:
        require_contrast(ratios[name], published, data, said)
    return PublishedPixels((units[name] - mean) / std, said, ratios[name], fits[name])


def _turn_back(published: Published, path: Path, data: ClassData) -> Published:
    """The images by the inverse in a file: x = z inverse + mean, z flattened as (C, H, W)."""
    size = published.images[0].numel()
    content: Any = npz.read_arrays(path) if path.suffix == ".npz" else safe_pickle.read(path)
    mean, inverse, matrix = (_entry(content, names) for names in (MEANS, INVERSES, MATRICES))
    if mean is None or (inverse is None and matrix is None):
        raise UsageError(
            f"{path}: holds no whitening; it is a table of 'mean' ({size} numbers) and 'inverse'"
            f" ({size} x {size}), or of kornia's mean_vector and transform_inv, as .pt or .npz"
        )
    turn = inverse if inverse is not None else matrix
    assert turn is not None
    if mean.numel() != size or tuple(turn.shape) != (size, size):
        raise UsageError(
            f"{path}: its whitening is of {mean.numel()} values, the images of {data.name} have"
            f" {size}"
        )
    if not bool(mean.isfinite().all()) or not bool(turn.isfinite().all()):
        raise UsageError(f"{path}: its whitening holds a NaN or an infinity; save it anew")
    if inverse is None and int(torch.linalg.matrix_rank(turn.double())) < size:
        raise UsageError(f"{path}: its whitening cannot be inverted; save its inverse")
    back = turn.float() if inverse is not None else torch.linalg.inv(turn.double()).float()
    undone = Whitening(mean.float().flatten(), back, back).undo(published.images.float())
    return replace(published, images=undone)


def _entry(content: Any, names: tuple[str, ...]) -> Tensor | None:
    """The tensor that a table has under one of `names`."""
    found = (
        next((content[name] for name in names if name in content), None)
        if isinstance(content, dict)
        else None
    )
    found = found if isinstance(found, Tensor) or found is None else torch.as_tensor(found)
    return found.detach().cpu() if found is not None and found.layout == torch.strided else None
