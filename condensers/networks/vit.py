"""ViT: the image in patches, each a token; blocks of attention and MLP; one linear layer on the
class token.

z <- z + Attention(LN(z)), z <- z + MLP(LN(z)), logits = W LN(z_class) + b, with Attention =
softmax(Q K^T / sqrt(d_head)) V.

Source: Dosovitskiy et al., "An image is worth 16x16 words" (ICLR 2021), equations 1 to 4; sizes and
initialisation (normal with deviation 0.02, cut at two) of DeiT-Ti, Touvron et al. (ICML 2021),
Table 1. Ours: patches of 4 pixels for small images, no dropout, no stochastic depth. Attention is
written out: torch's fused one has no second derivative, which gradient matching needs.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks.base import NetworkSpec
from condensers.networks.precision import casting, widened


@dataclass(frozen=True)
class ViTSpec(NetworkSpec):
    """Vision transformer for small images; where the patch does not divide the image, zeros are
    added right and below.
    """

    patch: int = hyper(4, unit="pixels", source="ours: 64 tokens of a 32-pixel image", minimum=1)
    dim: int = hyper(
        192, unit="channels", help="channels of a token", source="DeiT-Ti, Table 1", minimum=1
    )
    depth: int = hyper(12, unit="blocks", source="DeiT-Ti, Table 1", minimum=1)
    heads: int = hyper(
        3, unit="heads", help="attention heads of each block", source="DeiT-Ti, Table 1", minimum=1
    )
    mlp_ratio: int = hyper(
        4, unit="units", help="hidden units for each channel of a token", source="DeiT", minimum=1
    )

    registered: ClassVar[str] = "vit-tiny"

    def __post_init__(self) -> None:
        if self.dim % self.heads:
            near = self.dim + self.heads - self.dim % self.heads
            raise UsageError(
                f"vit-tiny.dim: {self.dim} is not a multiple of its {self.heads} heads; take {near}"
            )

    def module(self, shape: tuple[int, int, int], classes: int) -> "ViT":
        return ViT(self, shape, classes)


class SelfAttention(nn.Module):
    """Self-attention of several heads over tokens (N, T, D)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.projections = nn.Linear(dim, 3 * dim)
        self.output = nn.Linear(dim, dim)

    def forward(self, z: Tensor) -> Tensor:
        n, tokens, dim = z.shape
        split = self.projections(z).view(n, tokens, 3, self.heads, dim // self.heads)
        queries, keys, values = split.permute(2, 0, 3, 1, 4).unbind(0)
        weights = (queries @ keys.transpose(2, 3) * (dim // self.heads) ** -0.5).softmax(-1)
        joined: Tensor = self.output((weights @ values).transpose(1, 2).flatten(2))
        return joined


class TransformerBlock(nn.Module):
    """Attention and an MLP, each on normalised tokens and added to what came in."""

    def __init__(self, spec: ViTSpec) -> None:
        super().__init__()
        self.norms = nn.ModuleList(
            [nn.LayerNorm(spec.dim, eps=1e-6), nn.LayerNorm(spec.dim, eps=1e-6)]
        )
        self.attention = SelfAttention(spec.dim, spec.heads)
        hidden = spec.mlp_ratio * spec.dim
        self.mlp = nn.Sequential(
            nn.Linear(spec.dim, hidden), nn.GELU(), nn.Linear(hidden, spec.dim)
        )

    def forward(self, z: Tensor) -> Tensor:
        z = z + self.attention(self.norms[0](z))
        added: Tensor = self.mlp(self.norms[1](z))
        return z + added


class ViT(nn.Module):
    """The module of a ViTSpec, for images of `shape` (C, H, W)."""

    def __init__(self, spec: ViTSpec, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        channels, height, width = shape
        if spec.patch > min(height, width):
            raise UsageError(
                f"vit-tiny.patch: {spec.patch} is more than {height} x {width} pixels; take at most"
                f" {min(height, width)}"
            )
        self.padding = (0, -width % spec.patch, 0, -height % spec.patch)
        self.grid = (-(-height // spec.patch), -(-width // spec.patch))
        self.patches = nn.Conv2d(channels, spec.dim, spec.patch, stride=spec.patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, spec.dim))
        self.positions = nn.Parameter(torch.zeros(1, self.grid[0] * self.grid[1] + 1, spec.dim))
        self.blocks = nn.ModuleList(TransformerBlock(spec) for _ in range(spec.depth))
        self.norm = nn.LayerNorm(spec.dim, eps=1e-6)
        self.classifier = nn.Linear(spec.dim, classes)
        self._initialise()

    def _initialise(self) -> None:
        for parameter in (self.class_token, self.positions):
            nn.init.trunc_normal_(parameter, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def _tokens(self, x: Tensor) -> list[Tensor]:
        """Each block's tokens (N, 1 + H_p * W_p, dim), the class token first."""
        outputs = []
        with casting(x):
            patches = self.patches(functional.pad(x, self.padding)).flatten(2).transpose(1, 2)
            z = torch.cat([self.class_token.expand(len(x), -1, -1), patches], 1) + self.positions
            for block in self.blocks:
                z = block(z)
                outputs.append(widened(z))
        return outputs

    def features(self, x: Tensor) -> list[Tensor]:
        """Each block's patch tokens as images (N, dim, H_p, W_p); the class token is not among
        them.
        """
        return [z[:, 1:].transpose(1, 2).reshape(len(x), -1, *self.grid) for z in self._tokens(x)]

    def embed(self, x: Tensor) -> Tensor:
        """(N, dim), the last block's class token, normalised."""
        embedding: Tensor = self.norm(self._tokens(x)[-1][:, 0])
        return embedding

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        logits: Tensor = self.classifier(self.embed(x))
        return logits
