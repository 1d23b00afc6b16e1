"""Several narrow ConvNets of one shape as one network: what a step costs beside arithmetic, they
share.

Their channels stand side by side. The first convolution sees the same images in all of them, so it
is one product; the later ones are grouped, and norms have as many groups as all of them together.
The mathematics is that of `condensers.networks.convnet`, network by network.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.errors import UsageError
from condensers.networks.convnet import ConvBlock, ConvNet
from condensers.networks.precision import casting, widened


class NetworkStack(nn.Module):
    """K ConvNets as one network: images (N, C, H, W) float32 normalised to logits (N, K, classes).

    Args:
        members: Their weights are copied; `give_back` writes them back.

    Raises:
        UsageError: One is not a ConvNet of the shape of the first, or has batch normalisation.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        first = members[0]
        for index, member in enumerate(members):
            if not isinstance(member, ConvNet) or any(
                isinstance(m, nn.BatchNorm2d) for m in member.modules()
            ):
                raise UsageError(
                    f"networks together: network {index} is no ConvNet without batch norm; train it"
                    " by itself"
                )
            if repr(member) != repr(first):
                raise UsageError(
                    f"networks together: network {index} is not of the shape of the first; train it"
                    " by itself"
                )
        assert isinstance(first, ConvNet)
        self.count = len(members)
        self.names = [name for name, _ in first.named_parameters()]
        each = [[p.detach() for p in member.parameters()] for member in members]
        self.stacks = nn.ParameterList(torch.stack(same) for same in zip(*each, strict=True))
        self.kinds = [block for block in first.blocks if isinstance(block, ConvBlock)]

    @torch.no_grad()
    def give_back(self, members: Sequence[nn.Module]) -> None:
        """Write the weights to single networks, in the order in which they came."""
        for index, member in enumerate(members):
            for parameter, stack in zip(member.parameters(), self.stacks, strict=True):
                parameter.copy_(stack[index])

    def forward(self, x: Tensor) -> Tensor:
        weights = dict(zip(self.names, self.stacks, strict=True))
        with casting(x):
            for index, kind in enumerate(self.kinds):
                names = [
                    f"blocks.{index}.{name}"
                    for name in ("0.weight", "0.bias", "1.weight", "1.bias")
                ]
                own = [weights[name].flatten(0, 1) if name in weights else None for name in names]
                x = self._block(x, kind, own, self.count if index else 1)
        flat = widened(x).reshape(len(x), self.count, -1).transpose(0, 1)
        kernel, bias = weights["classifier.weight"], weights["classifier.bias"]
        return torch.baddbmm(bias[:, None], flat, kernel.transpose(1, 2)).transpose(0, 1)

    def _block(
        self, x: Tensor, kind: ConvBlock, weights: Sequence[Tensor | None], groups: int
    ) -> Tensor:
        """The block `kind` of all members; weights: of convolution and norm, network after
        network.
        """
        single = kind.single(x, groups, self.count)
        if single is not None:
            return single(weights)
        convolution, norm, activation, pooling = kind
        kernel, bias, scale, shift = weights
        assert kernel is not None and isinstance(convolution, nn.Conv2d)
        z = functional.conv2d(x, kernel, bias, padding=int(convolution.padding[0]), groups=groups)
        if isinstance(norm, nn.GroupNorm):
            z = functional.group_norm(z, self.count * norm.num_groups, scale, shift, norm.eps)
        elif isinstance(norm, nn.LayerNorm) and scale is not None and shift is not None:
            z = functional.group_norm(z, self.count, eps=norm.eps) * scale + shift
        pooled: Tensor = pooling(activation(z))
        return pooled
