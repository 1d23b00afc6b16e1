"""Several narrow ConvNets of one shape as one network: what a step costs beside arithmetic, they share.

The first convolution sees the same images in all of them, so it is one product; the later ones are grouped. The layout is that of
`condensers.networks.side_by_side`. The mathematics is that of `condensers.networks.convnet`, network by network.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.errors import UsageError
from condensers.networks.convnet import ConvNet, MeanPool
from condensers.networks.side_by_side import FirstBlock, Normalised, as_matrix, normalising, patches
from condensers.networks.tail import Tail

# What the first block works on at a time: about what a core's own cache holds.
PORTION_BYTES = 1_000_000


class Together(nn.Module):
    """K networks as one: x (N, C, H, W) float32, normalised -> logits (N, K, classes). No gradient reaches x.

    The weights are copies, which `give_back` writes to the members. Raises UsageError where one is not a ConvNet of the
    shape of the first, or has batch normalisation.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        first = members[0]
        for index, member in enumerate(members):
            if not isinstance(member, ConvNet) or any(isinstance(m, nn.BatchNorm2d) for m in member.modules()):
                raise UsageError(f"networks together: network {index} is no ConvNet without batch norm; train it by itself")
            if repr(member) != repr(first):
                raise UsageError(f"networks together: network {index} is not of the shape of the first; train it by itself")
        assert isinstance(first, ConvNet)
        self.count = len(members)
        self.names = [name for name, _ in first.named_parameters()]
        each = [[p.detach() for p in member.parameters()] for member in members]
        self.stacks = nn.ParameterList(torch.stack(same) for same in zip(*each, strict=True))
        self.blocks = [_Block(block) for block in first.blocks]

    @torch.no_grad()
    def give_back(self, members: Sequence[nn.Module]) -> None:
        """Write the weights to single networks, in the order in which they came."""
        for index, member in enumerate(members):
            for parameter, stack in zip(member.parameters(), self.stacks, strict=True):
                parameter.copy_(stack[index])

    def forward(self, x: Tensor) -> Tensor:
        weights = dict(zip(self.names, self.stacks, strict=True))
        x = x.detach()
        for index, block in enumerate(self.blocks):
            own: list[Any] = [weights.get(f"blocks.{index}.{name}") for name in ("0.weight", "0.bias", "1.weight", "1.bias")]
            joined: list[Any] = [None if one is None else one.flatten(0, 1) for one in own]
            x = block.later(x, self.count, *joined) if index else block.first(x, *joined)
        flat = x.reshape(*x.shape[:3], self.count, -1).permute(3, 0, 4, 1, 2).flatten(2)
        kernel, bias = weights["classifier.weight"], weights["classifier.bias"]
        return torch.baddbmm(bias[:, None], flat, kernel.transpose(1, 2)).transpose(0, 1)


class _Block:
    """A block of all members: convolution, normalisation, activation, pooling, as in `block`, which is that of one of them.

    Layers are (N, H, W, K * width), channels innermost. gamma and beta: (K * width,), or (K * width, H, W) in layer norm.
    """

    def __init__(self, block: Any) -> None:
        convolution, norm, activation, pooling = block
        self.padding, self.eps = int(convolution.padding[0]), float(getattr(norm, "eps", 0.0))
        self.of_pixels = isinstance(norm, nn.LayerNorm)
        # How many channels share statistics; none where nothing is normalised.
        self.shared = convolution.out_channels if self.of_pixels else 0
        if isinstance(norm, nn.GroupNorm):
            self.shared = norm.num_channels // norm.num_groups
        if isinstance(activation, nn.LeakyReLU):
            activation = nn.LeakyReLU(activation.negative_slope, inplace=True)
        averaging = isinstance(pooling, MeanPool)
        self.activation, self.pooling = activation, nn.AvgPool2d(2) if averaging else pooling
        self.tail = Tail(activation, "avg" if averaging else "max" if isinstance(pooling, nn.MaxPool2d) else "none")

    def first(self, x: Tensor, weight: Tensor, bias: Tensor, gamma: Tensor | None, beta: Tensor | None) -> Tensor:
        """The block that sees images (N, C, H, W)."""
        u, w = patches(x, self.padding), as_matrix(weight, bias)
        each = w.expand(len(u), -1, -1)
        of_pixels: list[Tensor | None] = [None, None]
        if self.of_pixels:
            each = normalising(u, w, None, None, self.shared, self.eps)
            of_pixels = [self.tail.order(one[None])[0].t().contiguous() for one in (gamma, beta) if one is not None]
        elif self.shared:
            each = normalising(u, w, gamma, beta, self.shared, self.eps)
        at_once = len(x) if x.is_cuda else max(1, PORTION_BYTES // (len(w) * u[0, 0].numel() * u.element_size()))
        found: Tensor = FirstBlock.apply(self.tail.order(u), each, *of_pixels, self.tail, at_once)
        side = u.shape[2] if self.tail.pooling == "none" else u.shape[2] // 2
        return found.view(len(x), side, side, -1)

    def later(self, x: Tensor, count: int, weight: Tensor, bias: Tensor, gamma: Tensor | None, beta: Tensor | None) -> Tensor:
        """A block that sees another's output."""
        y = functional.conv2d(x.permute(0, 3, 1, 2), weight, bias, padding=self.padding, groups=count)
        z = y.permute(0, 2, 3, 1).flatten(1, 2)
        if self.of_pixels and gamma is not None and beta is not None:
            z = Normalised.apply(z, None, None, self.shared, self.eps)
            z = torch.addcmul(beta.flatten(1).t(), z, gamma.flatten(1).t())
        elif self.shared:
            z = Normalised.apply(z, gamma, beta, self.shared, self.eps)
        pooled: Tensor = self.pooling(self.activation(z).view(len(z), *y.shape[2:], -1).permute(0, 3, 1, 2))
        return pooled.permute(0, 2, 3, 1)
