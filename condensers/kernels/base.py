"""Kernels between images, for kernel ridge regression."""

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from torch import Tensor

from condensers.setting import Setting

Kernel = Callable[[Tensor, Tensor], Tensor]


class KernelSpec(Protocol):
    """A frozen dataclass. needs: "network" or "nothing". dtype follows the images that it is given."""

    registered: ClassVar[str]
    needs: ClassVar[str]

    def begin(self, given: Any, setting: Setting) -> Kernel:
        """The kernel of one step: (n, C, H, W), (m, C, H, W) -> (n, m), differentiable in both; random features are drawn now."""
        ...
