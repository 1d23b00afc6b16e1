"""What NNI's strategies choose from, in a module that a trial imports quickly."""

import warnings
from typing import Any

from scenarios.search.spaces.base import SearchSpace
from scenarios.search.spaces.imported import ImportedSpace

with warnings.catch_warnings():
    warnings.simplefilter(
        "ignore"
    )  # NNI warns of every class of torch.nn that is younger than itself
    import nni

    nni.set_default_framework("none")  # else it imports lightning, which nothing here uses
    from nni.nas.nn.pytorch import ModelSpace
    from nni.nas.space import current_model


class ChoiceSpace(ModelSpace):  # type: ignore[misc]
    """The choices of `space`, and its constraints, without any network.

    choice: the chosen values, once it is frozen.
    """

    def __init__(self, space: SearchSpace) -> None:
        super().__init__()
        frozen = current_model()
        self.choice: dict[str, Any] = dict(frozen or {})
        if frozen is None:
            own = space.mutables() if isinstance(space, ImportedSpace) else {}
            for mutable in own.values() or [
                nni.choice(name, list(values)) for name, values in space.choices().items()
            ]:
                self.add_mutable(mutable)
