"""What the card of a set must say, for all that reads sets: who made it from what, and how its
tensors are read.
"""

from typing import Annotated, Any

from pydantic import Field, model_validator

from condensers.schema import Amount, Count, Finite, Shape, Size, Spent, Word

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
CHANNELS = (1, 3)


class PartShape(Shape):
    """A part by its name; its settings are checked when it is built."""

    name: Word


class CardRecipeShape(Shape):
    """How a set asks to be trained on."""

    augmentation: str = "dsa"
    labels: str = "hard"
    loss: str = ""
    ordered: bool = False
    epochs: Count | None = None

    @model_validator(mode="after")
    def _passes_of_an_order(self) -> "CardRecipeShape":
        if self.ordered and self.epochs is None:
            raise ValueError("epochs: is missing, which a set with an order has")
        return self


class CardViewShape(Shape):
    name: str
    pixels_changed: Amount


class CardShape(Shape):
    """The whole card.

    What older versions did not write, and imported sets do not know, may be left out.
    """

    dataset: Word
    digest: Word
    class_names: Annotated[list[Word], Field(min_length=1)]
    classes: Annotated[list[Size], Field(min_length=1)]
    shape: Annotated[list[Count], Field(min_length=3, max_length=3)]
    mean: list[Finite]
    std: list[Positive]
    method: Word
    parameterisation: PartShape
    ipc: Count
    mirror: bool = True
    hyperparameters: dict[str, Any] = Field(default_factory=dict)
    unverified: list[str] = Field(default_factory=list)
    couples_classes: bool = True
    seed: Size | None = None
    images_per_class: Count = 1
    recipe: CardRecipeShape = CardRecipeShape()
    label_storage: str | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    licence: str = ""
    note: str | None = None
    command: str | None = None
    precision: str | None = None
    view: CardViewShape | None = None
    indices: dict[str, list[Size]] | None = None

    @model_validator(mode="after")
    def _parts_agree(self) -> "CardShape":
        channels, names = self.shape[0], len(self.class_names)
        if len(self.mean) != channels or len(self.std) != channels:
            raise ValueError(
                f"mean and std have {len(self.mean)} and {len(self.std)} channels, shape has"
                f" {channels}"
            )
        if max(self.classes) >= names or len(set(self.classes)) < len(self.classes):
            raise ValueError(
                f"classes are not different numbers below {names}, the number of class_names"
            )
        if len(set(self.class_names)) < names:
            raise ValueError("class_names has a name twice")
        if self.indices is not None:
            self._require_indices(self.indices)
        return self

    def _require_indices(self, indices: dict[str, list[int]]) -> None:
        """Where each image of each class comes from; none of a class for images that are none of
        the data's.
        """
        for name in (self.class_names[label] for label in self.classes):
            if len(indices.get(name, [0] * (self.images_per_class + 1))) not in (
                0,
                self.images_per_class,
            ):
                raise ValueError(f"indices.{name}: are not those of {self.images_per_class} images")


class CostShape(Shape):
    """What making a set took: a number, or that it was not measured."""

    seconds: Spent = None
    joules: Spent = None
