"""Two coordinates for each image, for a picture: PCA, t-SNE or UMAP of real and synthetic images
together.

PCA: the two directions of the largest variance. t-SNE: van der Maaten & Hinton (JMLR 2008), by
scikit-learn, started from PCA. UMAP: McInnes, Healy & Melville (2018), by umap-learn. The last two
keep neighbours and not distances: how far clusters lie apart, and how large they are, says nothing.

What a scatter plot of a set among real images needs: coordinates of both, rounded, of no more
points than asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from condensers.engine.context import Context
from condensers.errors import UsageError
from scenarios.data_space.points import EmbeddedSpace

PERPLEXITY, NEIGHBOURS = 30.0, 15
COMPONENTS = 50  # what t-SNE and UMAP see of an embedding: scikit-learn's advice for t-SNE


def project_principal(points: Tensor, components: int) -> Tensor:
    """(N, D) -> (N, at most `components`): projections on the directions of the largest variance,
    signs fixed.
    """
    centred = (points - points.mean(0)).double()
    u, s, v = torch.linalg.svd(centred, full_matrices=False)
    largest = v.gather(1, v.abs().argmax(1, keepdim=True)).flatten()
    return torch.as_tensor(u * s * largest.sign())[:, :components]


def pca(points: Tensor, generator: torch.Generator) -> Tensor:
    return project_principal(points, 2)


def tsne(points: Tensor, generator: torch.Generator) -> Tensor:
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(points) - 1) / 3)
    model = TSNE(2, perplexity=perplexity, init="pca", random_state=_draw_seed(generator), n_jobs=1)
    return torch.from_numpy(
        np.asarray(model.fit_transform(project_principal(points, COMPONENTS).numpy()))
    )


def umap(points: Tensor, generator: torch.Generator) -> Tensor:
    """UsageError where umap-learn is not installed."""
    try:
        from umap import UMAP
    except ImportError as fault:
        raise UsageError(
            'UMAP is not installed: pip install "condensation-harness[umap]"'
        ) from fault
    neighbours = min(NEIGHBOURS, len(points) - 1)
    model = UMAP(
        n_neighbors=neighbours,
        n_components=2,
        init="pca",
        random_state=_draw_seed(generator),
        n_jobs=1,
    )
    return torch.from_numpy(
        np.asarray(model.fit_transform(project_principal(points, COMPONENTS).numpy()))
    )


def _draw_seed(generator: torch.Generator) -> int:
    return int(torch.randint(2**31 - 1, (1,), generator=generator))


PROJECTIONS: Mapping[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "tsne": tsne,
    "pca": pca,
    "umap": umap,
}


def frame_points(points: Tensor) -> Tensor:
    """(N, 2) moved and scaled, alike in both directions, into [0, 1], in thousandths."""
    low, high = points.amin(0), points.amax(0)
    return ((points - low) / (high - low).max().clamp_min(1e-12)).clamp(0, 1).mul(
        1000
    ).round() / 1000


def project_points(
    space: EmbeddedSpace, embedding: str, names: Sequence[str], most: int, context: Context
) -> dict[str, Any]:
    """Coordinates of real and synthetic images by projection, with their labels; and why a
    projection was skipped.

    A third of the points at most are synthetic ones; where there are more, a random choice is
    drawn.
    """
    generator = context.fork("picture").generator
    synthetic = _draw_indices(len(space.synthetic), most // 3, generator)
    real = _draw_indices(len(space.real), most - len(synthetic), generator)
    points = torch.cat([space.real[real], space.synthetic[synthetic]])
    coordinates, skipped = {}, {}
    for name in names:
        try:
            placed = frame_points(PROJECTIONS[name](points, context.fork(name).generator)).tolist()
        except UsageError as fault:
            skipped[name] = str(fault)
            continue
        coordinates[name] = {"real": placed[: len(real)], "synthetic": placed[len(real) :]}
    return {
        "embedding": embedding,
        "labels": {
            "real": space.real_labels[real].tolist(),
            "synthetic": space.synthetic_labels[synthetic].tolist(),
        },
        "coordinates": coordinates,
        "skipped": skipped,
    }


def _draw_indices(count: int, most: int, generator: torch.Generator) -> Tensor:
    """Indices (n,) of at most `most` of `count`, in order."""
    return torch.randperm(count, generator=generator)[:most].sort().values
