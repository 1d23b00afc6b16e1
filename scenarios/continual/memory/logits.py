"""CondensedMemoryWithLogits: a condensed memory for Avalanche's DER."""

from typing import Any

import torch
from torch import Tensor, nn

from condensers.errors import UsageError
from scenarios.continual.memory.buffer import CondensedMemory
from scenarios.continual.memory.exemplars import Exemplars

BATCH = 256


class CondensedMemoryWithLogits(CondensedMemory):
    """Hold the logits of the model beside the condensed images, as Avalanche's DER needs.

    Logits are those of the model at the end of the experience that brought the image, as in DER's
    own buffer; items are (x, y, task label, logits). Where an image changes, or the model's output
    has grown, the logits of all images are computed anew.

    Source: Buzzega et al., "Dark Experience for General Continual Learning" (NeurIPS 2020).

    Examples:
        >>> from avalanche.models import SimpleMLP
        >>> from avalanche.training.supervised import DER
        >>> from torch.optim import SGD
        >>> from condensers import Budget, Context, create_condenser
        >>> from scenarios import CondensedMemoryWithLogits, load_dataset
        >>> train = load_dataset("digits").train
        >>> condensed = create_condenser("random").condense(train, Budget(ipc=2), Context())
        >>> memory = CondensedMemoryWithLogits(condensed, fill_batch=32)
        >>> network = SimpleMLP(input_size=64, num_classes=10)
        >>> optimizer = SGD(network.parameters(), lr=0.01)
        >>> strategy = DER(
        ...     model=network, optimizer=optimizer, mem_size=20, batch_size_mem=32, evaluator=None
        ... )
        >>> strategy.storage_policy = memory
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._logits = torch.empty(0, 0)

    @property
    def nbytes(self) -> int:
        """The bytes that the memory takes now, those of the logits among them."""
        return super().nbytes + self._logits.numel() * self._logits.element_size()

    def post_adapt(self, agent_state: Any, exp: Any) -> None:
        """Take in the new classes of `exp`, and compute the logits of their images."""
        super().post_adapt(agent_state, exp)
        if not self._task_aware:
            raise UsageError(
                "CondensedMemoryWithLogits: DER reads (x, y, task label) of the stream, and its"
                " items have no task label; use nc_benchmark(..., task_labels=False), which gives"
                " one"
            )
        model, images = agent_state.model, self.exemplars().images.to(self._dtype)
        known = self._logits
        new = images[len(known) :]
        if not len(new):
            return
        logits = compute_logits(model, new)
        if len(known) and logits.shape[1] != known.shape[1]:
            self._logits = compute_logits(model, images)
        else:
            self._logits = torch.cat([known.reshape(-1, logits.shape[1]), logits])

    def _store(self, parts: list[Exemplars]) -> None:
        super()._store(parts)
        self._logits = self._logits[: self.unchanged_count]

    def _select_logits(self, index: Tensor) -> Tensor:
        return self._logits[index]

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"logits": self._logits}

    def load_state_dict(self, state: Any) -> None:
        super().load_state_dict(state)
        self._logits = state["logits"]


@torch.no_grad()
def compute_logits(model: nn.Module, images: Tensor) -> Tensor:
    """Return the model's logits (n, K) of images (n, C, H, W), on the CPU, in evaluation mode."""
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    parts = [model(part.to(device)).cpu() for part in torch.split(images, BATCH)]
    model.train(training)
    return torch.cat(parts)
