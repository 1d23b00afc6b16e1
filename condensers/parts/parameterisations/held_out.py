"""How coarsely images should be stored, judged on images that are held out of the data at hand.

For each degree of a lossy form: as many real images as fit the bytes, drawn from a part of the
images, are read back; a classifier is fitted to them, and tested on images of the other part.

f(x) = pool( relu( W * x ) ),  W: random patches of Gaussian noise;
a = (F' F + r I)^-1 F' (Y - 1 / K),  score: accuracy of f(x)' a on the images held out

Source: ours; random filters and a linear classifier as in Coates, Ng & Lee, "An analysis of
single-layer networks in unsupervised feature learning" (AISTATS 2011), without the learning of
filters. It takes a second or two at the bytes of one image a class, and follows from data and bytes
alone: no seed has a part in it. What was found is kept in the user's cache.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import PIL
import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.engine.cache import key_of
from condensers.parts.parameterisations.coding.counting import FIXED_ORDER
from condensers.processor import processor_key
from condensers.registry.code_digest import code_of
from condensers.user_cache import Json, read_json, usable_cache, write_first

HELD, LARGEST_PART = 100, 2  # images of a class that are held out, at most half of it
FILTERS, PATCH, POOLED, SIDE = 64, 5, 4, 32
RIDGE = 0.1
DRAWS, FEW = 2, 1000  # of fewer images than FEW there are several draws,
USUAL = 10  # and of fewer classes, which say less, more of them
MOST = 10_000  # images of all classes
AT_ONCE = 256


class LossyForm(Protocol):
    """Real images in a lossy form, at one degree of it."""

    def count(self, nbytes: int) -> int:
        """Return how many images of each class fit some bytes with their labels."""
        ...

    def read(self, images: Tensor) -> Tensor:
        """Return images (n, C, H, W) uint8, ordered by class, as many of each, as they are read
        back.
        """
        ...


@dataclass(frozen=True)
class HeldOut:
    """What was found.

    Attributes:
        accuracies: Degree -> percentage of the held-out images; empty if none could be held out, or
            there is one class alone.
        images: Images that were held out.
    """

    accuracies: dict[float, float]
    images: int

    def best(self, finest: int) -> float:
        """The degree of the highest accuracy; of equal ones the finest, which needs the fewest
        images.

        Args:
            finest: 1 where larger degrees are finer, -1 where smaller ones are.
        """
        return max(self.accuracies, key=lambda of: (self.accuracies[of], finest * of))


@dataclass(frozen=True)
class Choice:
    """A degree of a lossy form, as held-out images chose it.

    Attributes:
        chosen: What a set has.
        real: What real images should have.
        found: What was judged; empty where nothing could be held out, and a fallback was taken.
    """

    chosen: float
    real: float
    found: HeldOut

    def card_entries(self, setting: str, images: str) -> dict[str, object]:
        """Return what a card says of it.

        Args:
            setting: The name of the setting that it decides.
            images: What real images in the form are called: "files" or "images".
        """
        return {
            setting: {
                "chosen": self.chosen,
                f"chosen_for_real_{images}": self.real,
                "held_out_images": self.found.images,
                f"validation_accuracy_of_real_{images}": {
                    f"{degree:g}": round(of, 2) for degree, of in self.found.accuracies.items()
                },
            }
        }


_known: dict[str, HeldOut] = {}


def judge(
    data: ClassData,
    nbytes: int,
    forms: Iterable[tuple[float, LossyForm]],
    patience: int,
    called: list[Any],
) -> HeldOut:
    """Score a lossy form at several degrees, once for the same images and bytes on a machine.

    Args:
        data: The real images; some of them are held out.
        nbytes: Bytes that images and their labels may take.
        forms: (degree, form) each.
        patience: After so many degrees that are worse than the best, the rest is left out.
        called: What tells the forms from others: the module that defines them, and its settings.
    """
    module = str(called[0])
    made_by = [code_of(modules=(__name__, module)), torch.__version__, PIL.__version__]
    key = key_of([data.digest, data.mean, data.std, nbytes, called, made_by, processor_key()])
    if key not in _known:
        folder = usable_cache()
        path = folder / f"held-out-{key}.json" if folder else None
        found = read_json(path, _is_whole) if path else None
        if found is None:
            scores = score_degrees(data, nbytes, forms, patience)
            found = {"accuracies": list(scores.accuracies.items()), "images": scores.images}
            found = write_first(path, found, _is_whole) if path else found
        _known[key] = HeldOut({degree: of for degree, of in found["accuracies"]}, found["images"])
    return _known[key]


def _is_whole(found: Json) -> bool:
    """Whether a file of the cache holds scores."""
    scores = [0 <= of <= 100 and degree > 0 for degree, of in found["accuracies"]]
    return all(scores) and (found["images"] > 0) == bool(scores)


def score_degrees(
    data: ClassData, nbytes: int, forms: Iterable[tuple[float, LossyForm]], patience: int
) -> HeldOut:
    """Score a lossy form at several degrees, in their order.

    Args:
        data: The real images; some of them are held out.
        nbytes: Bytes that images and their labels may take.
        forms: (degree, form) each.
        patience: After so many degrees that are worse than the best, the rest is left out.
    """
    data = data.to(torch.device("cpu"))
    generator = torch.Generator().manual_seed(FIXED_ORDER)
    held, left = [], []
    for label in data.classes:
        members = data.members(label)
        order = members[torch.randperm(len(members), generator=generator)]
        count = min(HELD, len(members) // LARGEST_PART)
        held.append(order[:count])
        left.append(order[count:])
    tested = torch.cat(held)
    found: dict[float, float] = {}
    if not len(tested) or len(data.classes) < 2:  # one class tells no degree from another
        return HeldOut(found, 0)
    classifier = _Classifier(data, tested, generator)
    worse = 0
    for degree, form in forms:
        most = max(map(len, left))
        each = max(1, min(form.count(nbytes), MOST // len(data.classes), most))
        scores = []
        draws = DRAWS * max(1, USUAL // len(data.classes))
        for _ in range(draws if each * len(data.classes) < FEW else 1):
            orders = [of[torch.randperm(len(of), generator=generator)[:each]] for of in left]
            # As many of each class for the form: images of small classes again, but judged once.
            read = form.read(data.images[torch.cat([_repeat(of, each) for of in orders])])
            kept = torch.cat([torch.arange(each) < len(of) for of in orders])
            scores.append(classifier.score(read[kept], data.labels[torch.cat(orders)]))
        score = sum(scores) / len(scores)
        worse = worse + 1 if score < max(found.values(), default=score) else 0
        found[degree] = score
        if worse == patience:
            break
    return HeldOut(found, len(tested))


def _repeat(values: Tensor, count: int) -> Tensor:
    return values[torch.arange(count) % len(values)]


class _Classifier:
    """Random features and the held-out images in them."""

    def __init__(self, data: ClassData, tested: Tensor, generator: torch.Generator) -> None:
        self.data = replace(data, whitening=None)
        filters = torch.randn(FILTERS, data.shape[0], PATCH, PATCH, generator=generator)
        filters = filters - filters.mean((1, 2, 3), keepdim=True)
        self.filters = filters / filters.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        found = self._features(data.images[tested])
        self.mean, self.std = found.mean(0), found.std(0) + 1e-6
        self.held, self.labels = self._scaled(found), data.labels[tested]

    def _features(self, images: Tensor) -> Tensor:
        """Images (n, C, H, W) uint8 -> (n, D) float32."""
        rows = []
        for part in torch.split(images, AT_ONCE):
            seen = self.data.normalise(part)
            if max(seen.shape[2:]) > SIDE:
                seen = functional.adaptive_avg_pool2d(seen, SIDE)
            found = functional.conv2d(seen, self.filters, padding=PATCH // 2).relu()
            rows.append(functional.adaptive_avg_pool2d(found, POOLED).flatten(1))
        return torch.cat(rows)

    def _scaled(self, features: Tensor) -> Tensor:
        scaled = (features - self.mean) / self.std / features.shape[1] ** 0.5
        return torch.cat([scaled, torch.ones(len(scaled), 1)], 1).double()

    def score(self, images: Tensor, labels: Tensor) -> float:
        """Percentage of the held-out images that these teach to tell."""
        rows = self._scaled(self._features(images))
        targets = functional.one_hot(labels, len(self.data.class_names)).double()
        gram = rows.T @ rows + RIDGE * torch.eye(rows.shape[1], dtype=torch.float64)
        weights = torch.linalg.solve(gram, rows.T @ (targets - 1 / len(self.data.class_names)))
        said = (self.held @ weights).argmax(1)
        return float((said == self.labels).double().mean() * 100)
