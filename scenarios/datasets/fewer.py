"""NAME~COUNT: a data set with the first COUNT training images of each class alone; its test images are all there.

Mean and deviation are computed anew, from the images that are left.
"""

from dataclasses import replace

import numpy as np

from condensers.errors import UsageError
from scenarios.datasets.raw import RawData


def fewer(name: str, raw: RawData, count: int) -> RawData:
    """The first `count` training images of each class in the order of the files; UsageError where no class has more."""
    labels = raw.train.labels
    most = int(np.bincount(labels, minlength=len(raw.class_names)).max())
    if count >= most:
        raise UsageError(f"dataset '{name}': no class has more than {most} training images; leave out ~{count}")
    chosen = np.concatenate([np.flatnonzero(labels == label)[:count] for label in range(len(raw.class_names))])
    return replace(raw, train=raw.train.take(np.sort(chosen)), mean=None, std=None)
