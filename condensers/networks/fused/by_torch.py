"""A fused block by torch's operations, for gradients that are differentiated again."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional

from condensers.networks.fused.settings import GREATEST, LEAKY, MEAN, SWISH, FusedSettings

Given = tuple[Tensor | None, Tensor | None, Tensor | None]


def block_by_torch(
    x: Tensor,
    weight: Tensor,
    given: Given,
    settings: FusedSettings,
    known: tuple[Tensor, Tensor],
) -> Tensor:
    """What `condensers.networks.fused.block` gives.

    given: Bias, scale and shift. known: centre and 1 / deviation (C,), used where the norm looks at
    no image.
    """
    bias, scale, shift = (None if one is None else one.to(x.dtype) for one in given)
    z = functional.conv2d(
        x, weight.to(x.dtype), bias, padding=settings.padding, groups=settings.groups
    )
    y = _normalise(z, (bias, scale, shift), settings, known)
    if settings.activation == LEAKY:
        y = functional.leaky_relu(y, settings.slope)
    else:
        y = functional.silu(y) if settings.activation == SWISH else y.sigmoid()
    pool: Callable[[Tensor], Tensor] | None = POOLINGS.get(settings.pooling)
    return y if pool is None else pool(y)


POOLINGS: dict[int, Callable[[Tensor], Tensor]] = {
    MEAN: lambda y: functional.avg_pool2d(y, 2),
    GREATEST: lambda y: functional.max_pool2d(y, 2),
}


def _normalise(
    z: Tensor, given: Given, settings: FusedSettings, known: tuple[Tensor, Tensor]
) -> Tensor:
    bias, scale, shift = given
    norm = settings.norm
    if norm.batch is not None:
        return functional.batch_norm(z, None, None, scale, shift, True, 0.0, norm.eps)
    if norm.shared:
        if scale is None or scale.ndim == 1:
            return functional.group_norm(z, norm.shared, scale, shift, norm.eps)
        y = functional.group_norm(z, norm.shared, eps=norm.eps) * scale
        return y if shift is None else y + shift
    centre, rstd = (one.to(z.dtype)[:, None, None] for one in known)
    if bias is not None:
        centre = centre + bias.detach()[:, None, None]
    y = (z - centre) * rstd
    y = y if scale is None else y * scale[:, None, None]
    return y if shift is None else y + shift[:, None, None]
