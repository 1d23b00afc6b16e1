"""What a user says of a published file where the file itself is silent, and the questions that are
asked otherwise.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from condensers.data import ClassData
from condensers.errors import UsageError, suggestion
from condensers.formats.published import AUGMENTATIONS, Published
from condensers.sets.origins import AVERAGES, LEARNED, REAL, TAUGHT

WITH_DATA, FROM_1 = "with-data", "from-1"
MADE_OF = {"real": REAL, "taught": TAUGHT, "averages": AVERAGES, "learned": LEARNED}


@dataclass(frozen=True)
class Choices:
    """What a user says of a published file; "" says nothing.

    Args:
        normalised: "none" (pixels are 0 to 1), "with-data", or "MEAN/STD", each a comma-separated
            list of a number for each channel.
        order: What the labels stand for: "with-data" (0, 1, ... are the classes in the data's
            order), "from-1" (1, 2, ... are), a comma-separated list of class names or of the data
            set's labels for 0, 1, ..., or pairs LABEL=CLASS.
        soft: What rows of labels are: "probabilities", "scores" or "logits".
        factor: Tiles along a side of each image.
        storage: The dtype of the stored pixels, "float32", "float16" or "uint8".
        augmentation: Of the training, "dsa" or "none"; "dsa" if neither file nor user says.
        method: What the card calls the method.
        origin: What its images are, a key of `MADE_OF`.
        zca: "none", "with-data" (whitened as fitted on the training data), or the path of a file
            with the inverse; "" asks if images look whitened.
        zca_eps: What was added to variances, for "with-data".
        any_contrast: Take images of whatever contrast.

    Raises:
        UsageError: A value is unknown.
    """

    normalised: str = ""
    order: str = ""
    soft: str = ""
    factor: int = 1
    storage: str = "float32"
    augmentation: str = ""
    method: str = "imported"
    origin: str = ""
    zca: str = ""
    zca_eps: float = 0.1
    any_contrast: bool = False

    def __post_init__(self) -> None:
        for option, value, allowed in (
            ("soft-labels", self.soft, ("", "probabilities", "scores", "logits")),
            ("augmentation", self.augmentation, ("", *AUGMENTATIONS)),
            ("origin", self.origin, ("", *MADE_OF)),
        ):
            if value not in allowed:
                raise UsageError(
                    f"--{option} {value}: unknown; {suggestion(value, filter(None, allowed))}"
                )
        if not 0 < self.zca_eps < float("inf"):
            raise UsageError(f"--zca-eps {self.zca_eps}: is no positive number; MTT's code has 0.1")


def order_of(published: Published, data: ClassData, choices: Choices) -> dict[int, int]:
    """Each label of the file, or column of its soft labels -> the label in `data`."""
    path, soft = published.path, published.labels.ndim == 2
    here = range(published.labels.shape[1]) if soft else sorted(set(published.labels.tolist()))
    order = _named(published, data, choices, here)
    if len(set(order.values())) != len(order):
        raise UsageError(
            f"{path}: --labels names a class twice; name each once, in the order of the file's"
            " labels"
        )
    missing = [label for label in here if label not in order]
    if missing or (soft and len(order) != len(here)):
        what = "columns" if soft else "labels"
        absent = f", and none for {spell_labels(missing)}" if missing else ""
        raise UsageError(
            f"{path}: has {what} {spell_labels(here)}, but classes are named for"
            f" {spell_labels(sorted(order))}{absent}; pass --labels from-1 if they count from 1,"
            f" the class of each, or pairs such as --labels {here[-1]}={data.class_names[-1]}"
        )
    return order


def _named(
    published: Published, data: ClassData, choices: Choices, here: Iterable[int]
) -> dict[int, int]:
    """What the user or the file says of labels; UsageError where neither does."""
    path, said = published.path, choices.order
    if said in (WITH_DATA, FROM_1):
        return {label + (said == FROM_1): label for label in range(len(data.class_names))}
    if "=" in said and not set(data.class_names) >= {word.strip() for word in said.split(",")}:
        pairs = [word.partition("=") for word in said.split(",")]
        wrong = next((label for label, _, _ in pairs if not label.strip().isdecimal()), None)
        if wrong is not None:
            raise UsageError(
                f"--labels {said}: '{wrong}' is no label; write pairs LABEL=CLASS, such as 1=0,2=1"
            )
        return {int(label): _label(name.strip(), data, path.name) for label, _, name in pairs}
    if said:
        return {
            label: _label(word.strip(), data, path.name)
            for label, word in enumerate(said.split(","))
        }
    if published.names:
        return {label: _label(name, data, path.name) for label, name in enumerate(published.names)}
    raise UsageError(
        f"{path}: does not say which classes its labels {spell_labels(here)} are; pass --labels"
        f" with-data (0, 1, ... in the order of {data.name}), --labels from-1 (1, 2, ... in that"
        f" order) or a list of its classes, such as --labels {','.join(data.class_names[:2])},..."
    )


def spell_labels(labels: Iterable[int]) -> str:
    """Labels in a few words: "0 to 9", or those that there are."""
    known = list(labels)
    if len(known) > 2 and known == list(range(known[0], known[-1] + 1)):
        return f"{known[0]} to {known[-1]}"
    return ", ".join(map(str, known[:20])) + ", ..." * (len(known) > 20)


def _label(word: str, data: ClassData, where: str) -> int:
    """The label of a class that is named, or given by its number."""
    names = list(data.class_names)
    if word in names:
        return names.index(word)
    if word.isdecimal() and int(word) < len(names):
        return int(word)
    raise UsageError(f"{where}: {data.name} has no class '{word}'; {suggestion(word, names)}")
