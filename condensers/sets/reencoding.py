"""JPEG files of a set encoded anew at a lower quality, so that they take fewer bytes and none is
left out.

q' = max { q' <= q : |head| + |tail| + sum_i ( |body_i(q')| + |length| + |label| ) <= bytes }

Source: ours. A memory that holds compressed images instead of fewer raw ones is that of Wang et
al., "Memory Replay with Data Compression for Continual Learning" (MRDC, ICLR 2022, arXiv
2202.06592), where one quality is chosen for all of the stream; here it falls as classes arrive.
"""

from functools import lru_cache

from torch import Tensor

from condensers.errors import UsageError
from condensers.hyperparameters import settings_of
from condensers.parts.parameterisations.compressed import Compressed
from condensers.parts.parameterisations.jpeg import files
from condensers.parts.parameterisations.jpeg.coefficients import JPEG
from condensers.sets.synthetic_set import SyntheticSet
from condensers.sets.units import BESIDE, as_data

FILES = Compressed("jpeg")
LEAST = 3  # the lowest quality that images are brought to: below it little but means is left


def reencode(synthetic: SyntheticSet, nbytes: int) -> SyntheticSet:
    """Return a set of the same images as JPEG files of the highest quality that fits.

    Files are decoded and encoded again, which loses a little more than one encoding does. The card
    tells of it under `reencoded`.

    Args:
        synthetic: A set that is stored as JPEG files.
        nbytes: What it may take, labels included.

    Returns:
        The set itself where it fits. One of quality `LEAST` where no quality fits, which takes more
        than `nbytes`.

    Raises:
        UsageError: The set is not stored as JPEG files.
    """
    quality = quality_of(synthetic)
    if synthetic.nbytes <= nbytes or quality <= LEAST:
        return synthetic
    images = as_data(synthetic).images.cpu()
    low, high = LEAST, quality - 1
    best = _encode(synthetic, images, low)
    while best.nbytes <= nbytes and low < high:
        middle = (low + high + 1) // 2
        found = _encode(synthetic, images, middle)
        if found.nbytes <= nbytes:
            low, best = middle, found
        else:
            high = middle - 1
    return best


def quality_of(synthetic: SyntheticSet) -> int:
    """Return the JPEG quality (1 to 100) of a set's files, by their common head.

    Raises:
        UsageError: The set is not stored as JPEG files of this package.
    """
    head, name = synthetic.tensors.get("head"), synthetic.card["parameterisation"]["name"]
    plain = head is not None and name in (FILES.registered, JPEG.registered)
    stored = head.cpu().numpy().tobytes() if head is not None and plain else b""
    found = _qualities(tuple(synthetic.card["shape"])).get(stored) if stored else None
    if found is None:
        raise UsageError(
            f"a set of {synthetic.card['method']} is not stored as JPEG files, and cannot be"
            " encoded at a lower quality; take real-jpeg, or the parameterisation jpeg"
        )
    return found


@lru_cache(maxsize=16)
def _qualities(shape: tuple[int, int, int]) -> dict[bytes, int]:
    """The head of files of each quality -> the quality; the lowest of those with equal heads."""
    return {files.frame("jpeg", quality, shape)[0]: quality for quality in range(files.BEST, 0, -1)}


def _encode(synthetic: SyntheticSet, images: Tensor, quality: int) -> SyntheticSet:
    """The set with its images (M, C, H, W) uint8 as files of `quality`."""
    shape = images.shape[1:]
    shared = files.frame("jpeg", quality, shape)
    groups = FILES.pack_files(shared, files.bodies("jpeg", quality, images.numpy()))
    kept = {name: synthetic.tensors[name] for name in BESIDE if name in synthetic.tensors}
    card = {
        **synthetic.card,
        "parameterisation": {"name": FILES.registered, **settings_of(FILES)},
        "reencoded": {"from": quality_of(synthetic), "to": quality},
    }
    return SyntheticSet(groups | kept, card, synthetic.cost)
