"""The base class of condensers: what makes a set."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import Part

if TYPE_CHECKING:
    from condensers.networks import NetworkSpec
    from condensers.parts.parameterisations.base import Groups, StorageForm
    from condensers.sets.synthetic_set import Budget, SyntheticSet


class SetSource(Part):
    """Where a set comes from, as its card says it.

    Attributes:
        evaluation: The augmentation of its published evaluation, "dsa" or "none".
        note: What the card of its sets says beside; empty for nothing.
    """

    evaluation: ClassVar[str]
    note: ClassVar[str] = ""

    @property
    @abstractmethod
    def couples_classes(self) -> bool:
        """Whether the images of one class depend on the other classes.

        If so, it must be run anew for each experience of a class-incremental stream.
        """

    @property
    @abstractmethod
    def origin(self) -> str:
        """What its images are, one of `condensers.sets.origins.ORIGINS`."""

    @property
    @abstractmethod
    def parameterisation(self) -> "StorageForm":
        """How the tensors of its sets stand for images."""

    @abstractmethod
    def images_per_class(self, data: ClassData, ipc: int) -> int:
        """Return the images of a class that a set of `ipc` decodes to.

        More than `ipc` if a stored unit holds several.
        """


class Condenser(SetSource):
    """Makes a small set from a large real one: a published method, or a selection of real images.

    Its hyperparameters are the fields of the dataclass. Methods made of parts derive from
    `condensers.composition.composition.Composition`, selections from
    `condensers.selections.base.Selection`.
    """

    @abstractmethod
    def condense(self, data: ClassData, budget: "Budget", context: Context) -> "SyntheticSet":
        """Make a set.

        Args:
            data: The real images.
            budget: The size of the set, in images per class or in bytes.
            context: Randomness, device, progress, and a folder from which an interrupted run goes
                on.
        """

    @abstractmethod
    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Return the stored bytes of a set of `ipc` images per class; the most, if they depend on
        the images.
        """

    def images_within(self, data: ClassData, budget: "Budget") -> int:
        """Return the images of a class that a set within a budget decodes to."""
        return self.images_per_class(data, budget.ipc_of(self, data))

    def settle(self, data: ClassData, nbytes: int) -> "tuple[Condenser, Mapping[str, object]]":
        """Return the condenser with all that data and bytes decide in its settings, and what the
        card says of how that was chosen.

        Args:
            data: The real images.
            nbytes: Bytes that a set may take.
        """
        return self, {}

    def store_all(self, data: ClassData) -> "Groups":
        """Return all images of `data` as its sets store images, as many bytes as that takes.

        Raises:
            UsageError: Its sets are no real images.
        """
        raise UsageError(
            f"{self.registered}: makes images of its own and stores no given ones; take a selection"
            " of real images"
        )

    def image_passes(self, data: ClassData, ipc: int) -> "list[tuple[NetworkSpec, float]]":
        """Return the networks it uses, and about how many images pass each, for estimates of time.

        A pass is one forward and one backward.
        """
        return []

    def passes_shared(self, data: ClassData) -> "list[tuple[NetworkSpec, float]]":
        """Return the part of `image_passes` that is done once for all sets of `data`: the training
        of networks that a model schedule keeps.
        """
        return []
