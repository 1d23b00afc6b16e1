"""The most memory that work took at a time: of this process, or of the graphics card it ran on.

Linux keeps the largest resident size of a process (VmHWM), and starts it again on request; source:
Linux, Documentation/filesystems/proc.rst, `clear_refs` and `status`. Code, libraries and the data
at hand are in it. Where that cannot be asked for, nothing is measured.
"""

from pathlib import Path

import torch

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
START_AGAIN = "5"
KIB = 1024


class PeakMemory:
    """Follows the memory of the work that begins now.

    Args:
        device: "cpu", "cuda" or "cuda:N".
    """

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        self.followed = True
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
            return
        try:
            CLEAR.write_text(START_AGAIN, encoding="ascii")
        except OSError:
            self.followed = False  # a peak of earlier work would pass for that of this

    def read(self) -> int | None:
        """Return the most bytes so far; None where it is not known."""
        if not self.followed:
            return None
        if self.device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self.device))
        try:
            lines = STATUS.read_text(encoding="ascii").splitlines()
        except OSError:
            return None
        found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
        return int(found[0]) * KIB if found else None
