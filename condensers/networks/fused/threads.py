"""The images of a batch shared out among threads that are kept from one call to the next."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

IMAGES_A_THREAD = 8


class KeptPool:
    """Threads that wait for work; none before they are first needed, and none in a forked child."""

    def __init__(self) -> None:
        self.forget()
        os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        """Begin without threads: a child has none of its parent's."""
        self.lock, self.size = threading.Lock(), 0
        self.executor: ThreadPoolExecutor | None = None

    def at_least(self, size: int) -> ThreadPoolExecutor:
        """Return the pool, made larger where it has fewer threads."""
        with self.lock:
            if self.executor is None or self.size < size:
                if self.executor is not None:
                    self.executor.shutdown(wait=False)
                self.executor, self.size = ThreadPoolExecutor(size, "kernels"), size
            return self.executor


POOL = KeptPool()


def over(n: int, call: Callable[[int, int], None], least: int = IMAGES_A_THREAD) -> None:
    """Call a kernel on images 0 ... n - 1, in portions.

    Args:
        n: Number of images.
        call: Is given the first image and the one after the last, and releases Python's lock.
        least: Images that are worth a thread; there are as many threads as torch may use, at most.
    """
    threads = min(torch.get_num_threads(), n // least)
    if threads < 2:
        call(0, n)
        return
    edges = [n * i // threads for i in range(threads + 1)]
    pool = POOL.at_least(threads - 1)
    others = [pool.submit(call, *edges[i : i + 2]) for i in range(1, threads)]
    call(*edges[:2])
    for other in others:
        other.result()
