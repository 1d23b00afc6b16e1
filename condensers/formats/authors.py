"""The files of DC, DSA and DM, `res_*.pt`: {"data": [[images, labels], ...], "accs_all_exps":
{...}}, a pair an experiment.

Images are (M, C, H, W) float32, normalised by the mean and std that the authors' code has for the
data set; the file does not say which. Labels are (M,) int64, ordered by class. What `harness export
--to pt` writes adds keys that say the rest.

The files of DD, `results.pth`: [(images, labels, rate), ...], a triple a training step.

Every step has images of its own, one a class; with several passes over them the triples repeat.
Images are normalised float32. The order and the rates belong to the set: it is kept as an ordered
set, the s-th image of each class for step s.

The files of IDC and DREAM, `data.pt`: [images, labels].

Images are (M, C, H, W) float32 in 0 to 1, not normalised (some overshoot: the authors clamp them
now and then); with a factor f, each is a canvas of f x f tiles. Labels are (M,) int64, ordered by
class. The file does not say the factor.

The files of MTT and those that follow it: `images_best.pt` and `labels_best.pt`, a tensor each, and
often `lr_best.pt`.

Images are (M, C, H, W) float32, normalised; labels (M,) int64, or soft (TESLA), then (M, K); the
learned rate is one number. Where the run whitened its images (ZCA, as MTT's did for CIFAR), no file
says so: `condensers.formats.pixels` asks and undoes it.

Tables of tensors by name, as many codes save: {"images": ..., "labels": ...}, and data sets of
tensors.

Images are (M, C, H, W) or (M, H, W, C), uint8 or float; the table does not say how they are
normalised, unless it has `mean` and `std`, as `harness export` writes them. `rates` or `lr`:
learned learning rates.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from condensers.errors import UsageError
from condensers.formats.published import Published, as_images, as_labels, as_rates, statements
from condensers.formats.safe_pickle import read as unpickle

DC_KEYS = ("mean", "std", "class_names", "dataset", "origin", "recipe", "card")


def parse_dc(content: Any, path: Path, experiment: int = -1) -> Published:
    """Return one experiment of a loaded file; UsageError if there is no such one."""
    pairs = content.get("data") if isinstance(content, dict) else None
    if not isinstance(pairs, list) or not pairs:
        raise UsageError(
            f"{path}: has no list 'data' of [images, labels], as files of DC, DSA and DM have; pass"
            " --format"
        )
    if not -len(pairs) <= experiment < len(pairs):
        raise UsageError(
            f"{path}: has {len(pairs)} experiments; pass --experiment 0 to {len(pairs) - 1}"
        )
    pair = pairs[experiment]
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise UsageError(
            f"{path}: its experiment {experiment} is not [images, labels]; pass another"
            " --experiment"
        )
    images = as_images(pair[0], path)
    rates = as_rates(content["rates"], path) if "rates" in content else None
    labels = as_labels(pair[1], len(images), path)
    return Published(
        path,
        "dc",
        images,
        labels,
        rates,
        **statements({key: content.get(key) for key in DC_KEYS}, path),
    )


def write_dc(path: Path, content: dict[str, Any]) -> None:
    """Write what `parse` reads; torch.load takes it with its defaults, and so does code that reads
    the authors' files.
    """
    pair = [content["images"], content["labels"]]
    rates = {"rates": content["rates"]} if "rates" in content else {}
    torch.save(
        {"data": [pair], "accs_all_exps": {}, **rates, **{key: content[key] for key in DC_KEYS}},
        path,
    )


def read_dc(path: Path, experiment: int = -1) -> Published:
    return parse_dc(unpickle(path), path, experiment)


def parse_dd(content: Any, path: Path) -> Published:
    triples = (
        isinstance(content, list | tuple)
        and content
        and all(isinstance(s, list | tuple) and len(s) == 3 for s in content)
    )
    if not triples:
        raise UsageError(
            f"{path}: is not a list of (images, labels, rate), as files of DD are; pass --format"
        )
    images = [as_images(step[0], path) for step in content]
    labels = [as_labels(step[1], len(images[0]), path) for step in content]
    rates = torch.cat([as_rates(step[2], path) for step in content])
    if any(
        one.ndim != 1 or sorted(one.tolist()) != sorted(set(labels[0].tolist())) for one in labels
    ) or len(rates) != len(images):
        raise UsageError(
            f"{path}: a step is not one image and hard label of each class with one rate; such sets"
            " are not read"
        )
    distinct = _period(images)
    recipe = {"ordered": True, "epochs": len(images) // distinct}
    return Published(
        path, "dd", torch.cat(images[:distinct]), torch.cat(labels[:distinct]), rates, recipe=recipe
    )


def _period(steps: list[Tensor]) -> int:
    """After how many steps the images come again; all of them where they never do."""
    fits = (n for n in range(1, len(steps)) if len(steps) % n == 0)
    return next(
        (n for n in fits if all(torch.equal(a, b) for a, b in zip(steps, steps[n:], strict=False))),
        len(steps),
    )


def parse_idc(content: Any, path: Path) -> Published:
    if not isinstance(content, list | tuple) or len(content) != 2:
        raise UsageError(f"{path}: is not [images, labels], as files of IDC are; pass --format")
    images = as_images(content[0], path)
    return Published(path, "idc", images, as_labels(content[1], len(images), path), pixels="unit")


def parse_mtt(content: Any, path: Path, labels: Path | None, rate: Path | None) -> Published:
    """Return images from `content`, labels and rate from files beside it."""
    images = as_images(content, path)
    if labels is None:
        raise UsageError(
            f"{path}: holds images alone; pass the file of their labels: --with-labels"
            " labels_best.pt"
        )
    rates = None if rate is None else as_rates(unpickle(rate), rate)
    if rates is not None and len(rates) != 1:
        raise UsageError(
            f"{rate}: holds {len(rates)} learning rates where a set of this kind has one; leave"
            " --with-lr out"
        )
    recipe = {} if rates is None else {"lr": "rates"}
    return Published(
        path, "mtt", images, as_labels(unpickle(labels), len(images), labels), rates, recipe=recipe
    )


IMAGES = ("images", "image", "image_syn", "data", "x", "X", "imgs")
LABELS = ("labels", "label", "label_syn", "targets", "target", "y", "Y")
RATES = ("rates", "lr", "syn_lr")


def names_in(content: Any) -> tuple[str, str] | None:
    """Return the keys of images and labels, or None if a table lacks one of them."""
    if not isinstance(content, dict):
        return None
    found = [next((key for key in keys if key in content), None) for keys in (IMAGES, LABELS)]
    return (found[0], found[1]) if found[0] is not None and found[1] is not None else None


def parse_named(content: Any, path: Path) -> Published:
    """Return the content of a table; UsageError if it has no images and labels."""
    keys = names_in(content)
    if keys is None:
        raise UsageError(f"{path}: is no table of 'images' and 'labels'; pass --format")
    images = as_images(content[keys[0]], path)
    rates = next((as_rates(content[key], path) for key in RATES if key in content), None)
    recipe = {"lr": "rates"} if rates is not None and len(rates) == 1 else {}
    said = statements(
        {key: content.get(key) for key in ("mean", "std", "class_names", "dataset", "recipe")}, path
    )
    labels = as_labels(content[keys[1]], len(images), path)
    return Published(
        path, "dict", images, labels, rates, **{**said, "recipe": recipe | said["recipe"]}
    )
