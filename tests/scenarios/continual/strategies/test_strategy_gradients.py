"""The bounds on gradients of A-GEM and GEM, against the formula and a solver of the quadratic
programme.
"""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from scenarios.continual.plugins.gradients import make_episodic_bound, project_averaged


def of_seed(seed):
    return torch.Generator().manual_seed(seed)


def test_averaged_gradient_has_no_part_against_the_memory():
    for seed in range(20):
        g, r = (
            torch.randn(30, generator=of_seed(seed)),
            torch.randn(1, 30, generator=of_seed(seed + 100)),
        )
        found, dot = project_averaged(g, r), (g @ r[0]).item()
        if dot >= 0:
            assert torch.equal(found, g)
        else:
            assert (found @ r[0]).item() == pytest.approx(0, abs=1e-4)
            torch.testing.assert_close(found, g - dot / (r[0] @ r[0]) * r[0])


@pytest.mark.parametrize("margin", [0.0, 0.5])
@pytest.mark.parametrize("t", [1, 2, 4])
def test_episodic_gradient_solves_the_quadratic_programme(t, margin):
    violated = 0
    for seed in range(10):
        g, rows = (
            torch.randn(12, generator=of_seed(seed)),
            torch.randn(t, 12, generator=of_seed(seed + 50)),
        )
        found = make_episodic_bound(margin)(g, rows)
        if bool((rows @ g >= 0).all()):
            assert torch.equal(found, g)
            continue
        violated += 1
        a, b = rows.double().numpy(), g.double().numpy()
        solved = minimize(
            lambda v, a=a, b=b: 0.5 * v @ a @ a.T @ v + (a @ b) @ v,
            np.full(t, margin),
            jac=lambda v, a=a, b=b: a @ a.T @ v + a @ b,
            bounds=[(margin, None)] * t,
            tol=1e-12,
        )
        np.testing.assert_allclose(found.numpy(), b + a.T @ solved.x, atol=1e-3)
        assert bool((rows @ found >= -1e-4).all())
    assert violated > 0


def test_episodic_gradient_where_references_are_the_same_twice():
    r = torch.tensor([1.0, 2.0, 0.0])
    found = make_episodic_bound(0.0)(torch.tensor([-1.0, 0.0, 3.0]), torch.stack([r, r]))
    torch.testing.assert_close(found, torch.tensor([-1.0, 0.0, 3.0]) + 0.2 * r)
