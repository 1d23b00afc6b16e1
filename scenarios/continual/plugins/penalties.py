"""Avalanche's EWC and LwF plugins with a state that can be kept, and the bytes that they hold."""

import copy
from collections.abc import Mapping
from typing import Any

from avalanche.training.plugins import EWCPlugin, LwFPlugin
from avalanche.training.utils import ParamData
from torch import Tensor, nn

from scenarios.continual.strategies.base import ResumablePlugin


class Consolidation(EWCPlugin, ResumablePlugin):  # type: ignore[misc]
    """EWCPlugin whose weights and importances of past experiences are its state."""

    @property
    def extra_bytes(self) -> dict[str, int]:
        return {name: _nbytes(kept) for name, kept in self.state_dict().items()}

    def _past(self) -> dict[str, dict[int, dict[str, Any]]]:
        return {"saved_params": self.saved_params, "importances": self.importances}

    def state_dict(self) -> dict[str, Any]:
        return {
            name: {t: {k: p.data for k, p in kept.items()} for t, kept in past.items()}
            for name, past in self._past().items()
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for name, past in self._past().items():
            past.clear()
            for t, kept in state[name].items():
                past[t] = {k: ParamData(k, init_tensor=w, device=w.device) for k, w in kept.items()}


class Distillation(LwFPlugin, ResumablePlugin):  # type: ignore[misc]
    """LwFPlugin whose previous network is its state, and stays as it was: it is in evaluation mode,
    so nothing in it moves.
    """

    def __init__(self, alpha: float, temperature: float) -> None:
        super().__init__(alpha, temperature)
        self.restored: dict[str, Tensor] | None = None

    @property
    def extra_bytes(self) -> dict[str, int]:
        network = self.state_dict()["network"]
        return {} if network is None else {"previous network": _nbytes({0: network})}

    def before_training_exp(self, strategy: Any, **_: Any) -> None:
        """Rebuild the previous network of a state that was loaded, now that there is one to
        copy.
        """
        if self.restored is not None:
            network = copy.deepcopy(strategy.model)
            network.load_state_dict(self.restored)
            self.lwf.prev_model, self.restored = _freeze(network), None

    def after_training_exp(self, strategy: Any, **_: Any) -> None:
        super().after_training_exp(strategy)
        self.lwf.prev_model = _freeze(self.lwf.prev_model)

    def state_dict(self) -> dict[str, Any]:
        network = (
            self.restored if self.lwf.prev_model is None else dict(self.lwf.prev_model.state_dict())
        )
        classes = {
            task: sorted(int(c) for c in found)
            for task, found in self.lwf.prev_classes_by_task.items()
        }
        return {"network": network, "classes": classes, "experiences": self.lwf.expcount}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.lwf.prev_model, self.restored = None, state["network"]
        self.lwf.prev_classes_by_task.clear()
        self.lwf.prev_classes_by_task.update(
            {task: set(found) for task, found in state["classes"].items()}
        )
        self.lwf.expcount = state["experiences"]


def _freeze(network: nn.Module) -> nn.Module:
    return network.eval().requires_grad_(False)


def _nbytes(past: Mapping[int, Mapping[str, Tensor]]) -> int:
    return sum(w.numel() * w.element_size() for kept in past.values() for w in kept.values())
