"""Densification against the definition, and what it does to images that are alike."""

import math

import pytest
import torch

from condensers.parts.objectives.base import Pair
from condensers.parts.regularisers.densification import Densification, unevenness


def test_the_term_is_the_divergence_of_the_softer_eigenvalues() -> None:
    images = torch.randn(3, 2, 2, 2, generator=torch.Generator().manual_seed(0))
    gram = images.flatten(1).double() @ images.flatten(1).double().T
    values = torch.linalg.eigvals(gram).real.tolist()
    softer = [math.exp(one / 4) for one in values]
    softer = [one / sum(softer) for one in softer]
    plain = [math.exp(one) for one in values]
    plain = [one / sum(plain) for one in plain]
    wanted = sum(q * (math.log(q) - math.log(p)) for q, p in zip(softer, plain, strict=True))
    assert float(unevenness(images, 4.0)) == pytest.approx(wanted, rel=1e-4)


def test_one_image_has_nothing_to_differ_from_and_classes_add_up() -> None:
    generator = torch.Generator().manual_seed(1)
    one, two, three = (torch.randn(n, 1, 3, 3, generator=generator) for n in (1, 2, 3))
    assert float(unevenness(one, 4.0)) == 0
    pairs = [Pair(label, one, images) for label, images in enumerate((one, two, three))]
    found = Densification(temperature=2.0).loss(torch.nn.Identity(), pairs, None)  # type: ignore[arg-type]
    assert float(found) == pytest.approx(float(unevenness(two, 2.0) + unevenness(three, 2.0)))


def test_a_step_down_brings_eigenvalues_together() -> None:
    generator = torch.Generator().manual_seed(2)
    alike = torch.randn(1, 1, 4, 4, generator=generator)
    images = 0.3 * (alike + 0.3 * torch.randn(3, 1, 4, 4, generator=generator)).requires_grad_()
    (gradient,) = torch.autograd.grad(unevenness(images, 4.0), images)

    def gap(of: torch.Tensor) -> float:
        values = torch.linalg.eigvalsh(of.detach().flatten(1) @ of.detach().flatten(1).T)
        return float(values[-1] - values[0])

    assert gap(images - 0.01 * gradient) < gap(images)
