"""Names -> training, validation and test images.

Importing this package imports no torch, so that listing stays fast.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from condensers.errors import DataMissing, UsageError, shown, suggestion
from condensers.registry.registry import Registry
from scenarios.datasets.naming import DOMAINS, FOLDER, domain_names, name_in_cards, split_name

if TYPE_CHECKING:
    from scenarios.datasets.raw import DatasetSource
    from scenarios.protocol import Splits

DATASETS = Registry(
    "dataset",
    "datasets",
    {
        "mnist-5k": "scenarios.datasets.catalogue:Mnist5k",
        "mnist-5k-textured": "scenarios.datasets.catalogue:Mnist5kTextured",
        "digits": "scenarios.datasets.catalogue:Digits",
        "usps-like": "scenarios.datasets.catalogue:UspsLike",
        "fashion-mnist": "scenarios.datasets.catalogue:FashionMnist",
        "mnist": "scenarios.datasets.catalogue:Mnist",
        "kmnist": "scenarios.datasets.catalogue:KMnist",
        "cifar10": "scenarios.datasets.catalogue:Cifar10",
        "cifar100": "scenarios.datasets.catalogue:Cifar100",
        "svhn": "scenarios.datasets.catalogue:Svhn",
    },
    needs=("read",),
)


def check(name: str) -> None:
    """Raise UsageError, with a near name, unless `name` is a registered data set, FILE.py:Name,
    folder:PATH or domains:A+B.

    A registered one, or one of FILE.py, may have fewer pixels and images, NAME@PIXELS~COUNT. Reads
    no data.
    """
    if name.startswith(DOMAINS):
        for part in domain_names(name):
            check(part)
        return
    if name.startswith(FOLDER):
        if not name.removeprefix(FOLDER).strip():
            raise UsageError(
                "dataset 'folder:' names no folder; write folder:PATH, for example folder:photos"
            )
        return
    base = split_name(name)[0]
    try:
        if (
            base not in DATASETS.entries() and "." not in base.rpartition(":")[0]
        ):  # such as foldr:PATH
            raise UsageError(
                f"unknown dataset {shown(base)}; {suggestion(base, DATASETS.entries())}"
            )
        DATASETS.locate(base)
    except UsageError as fault:
        raise UsageError(
            f"{fault} (or folder:PATH for images of your own, domains:A+B for several)"
        ) from None


def load(
    name: str, *, data_dir: Path | None = None, download: bool = False, validation: float = 0.1
) -> Splits:
    """Return the disjoint training, validation and test images of a data set.

    name: a registered one, FILE.py:Name, folder:PATH or domains:A+B. FILE.py:Name, or module:Name,
    is a class with a method `read`, as `harness new dataset` writes one; its code is run, and its
    name in cards and reports leaves out the folder of the file.

    NAME@PIXELS is a registered data set with its images averaged to that height, NAME~COUNT has the
    first COUNT training images of each class alone (those held out for validation among them), for
    example fashion-mnist@14~600.

    A folder may have validation images of its own, which are taken in place of that share.

    data_dir: where files are looked for; by default the folder in HARNESS_DATA, else "data" in the
    user's cache. download: fetch what is not there. validation: the share of each class's training
    images, 0 to 1 exclusive, that is held out for validation (at least one image). The same call
    gives the same images in the same order everywhere. Raises UsageError for a wrong name or share,
    DataMissing when files are absent, damaged or too few.
    """
    check(name)
    if not 0 < validation < 1:
        raise UsageError(
            f"{name}: the validation share is {validation}; it must lie between 0 and 1, for"
            " example 0.1"
        )
    if name.startswith(DOMAINS):
        from scenarios.datasets.derived import combine

        parts = domain_names(name)
        return combine(
            [
                load(part, data_dir=data_dir, download=download, validation=validation)
                for part in parts
            ]
        )
    from scenarios.datasets.derived import limit_images, shrink_images
    from scenarios.datasets.folder import Folder
    from scenarios.datasets.location import DataLocation
    from scenarios.datasets.raw import check_raw
    from scenarios.datasets.split import as_splits

    place = DataLocation.choose(data_dir, download)
    try:
        if name.startswith(FOLDER):
            return as_splits(
                name_in_cards(name),
                Folder(name.removeprefix(FOLDER).strip()).read(place),
                validation,
            )
        base, height, count = split_name(name)
        source: DatasetSource = DATASETS.create(base)
        raw = check_raw(source.read(place), base)
        name = name_in_cards(name)
        raw = raw if count is None else limit_images(name, raw, count)
        return as_splits(
            name, raw if height is None else shrink_images(name, raw, height), validation
        )
    except OSError as fault:
        where = fault.filename or place.root
        raise DataMissing(
            f"{name}: {where} cannot be read ({fault.strerror or fault}); mend it or name another"
        ) from fault
