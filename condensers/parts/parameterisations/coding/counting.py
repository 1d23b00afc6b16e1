"""How many images of each class fit some bytes under a code whose size no image has alone."""

from collections.abc import Callable

from condensers.data import ClassData
from condensers.parts.labels import label_dtype

TRIALS = 12  # sets that are measured for a count
FIRST = 16  # images of each class in the first


def count_fitting(
    data: ClassData, limit: int, measure: Callable[[int], float], exact: Callable[[int], int]
) -> int:
    """Return the most images of each class that fit with their labels, 0 if not even one does.

    Args:
        data: The real images.
        limit: In bytes.
        measure: About the bytes of so many images of each class, quickly.
        exact: Their bytes, asked once, for what `measure` is off by.
    """
    most = min(map(data.count, data.classes))
    found = _search(data, limit, measure, most)
    if not 0 < found < most:
        return found
    off = exact(found) / measure(found)
    return _search(data, limit, lambda each: off * measure(each), most)


def _search(data: ClassData, limit: int, measure: Callable[[int], float], most: int) -> int:
    label = len(data.classes) * label_dtype(len(data.class_names)).itemsize
    fits, above, trial = 0, most + 1, min(FIRST, most)
    for _ in range(TRIALS):
        size = measure(trial) + trial * label
        fits, above = (trial, above) if size <= limit else (fits, trial)
        if above - fits <= 1:
            break
        trial = min(max(int(trial * limit / size), fits + 1), above - 1)
    return fits
