"""What a machine is short of (room, files, memory, threads), as one sentence in place of what a library says of it."""

import errno
import resource

ROOM = (errno.ENOSPC, errno.EDQUOT)
FILES = (errno.EMFILE, errno.ENFILE)
FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
MEMORY = ("can't allocate memory", "cannot allocate memory", "out of memory", "failed to map segment")
THREADS = ("can't start new thread", "resource temporarily unavailable")
KEPT = "and run it again: what was finished is kept"


def shortage(fault: BaseException) -> str | None:
    """What is short, and what to do; None where the fault is of another kind."""
    said = str(fault).lower()
    if isinstance(fault, OSError) and fault.errno is not None:
        return _of_system(fault, fault.errno)
    if "no usable temporary directory" in said:
        return f"no folder for temporary files can be written; set TMPDIR to one that can, {KEPT}"
    if any(words in said for words in THREADS):
        return f"no more threads or processes may be started here; take fewer --workers, {KEPT}"
    if isinstance(fault, MemoryError) or any(words in said for words in MEMORY):
        return f"not enough memory; take fewer --workers, or smaller batches, {KEPT}"
    return None


def _of_system(fault: OSError, number: int) -> str | None:
    where = fault.filename if isinstance(fault.filename, str) else "what is written"
    if number == errno.ENOENT and "no usable temporary directory" in str(fault).lower():
        return f"no folder for temporary files can be written; set TMPDIR to one that can, {KEPT}"
    if number in FILES:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return f"too many open files (at most {most} here); allow more, such as `ulimit -n 1024`, {KEPT}"
    if number in ROOM:
        return f"no room left for {where}; make room, or set TMPDIR to a folder that has some, {KEPT}"
    if number in FORBIDDEN:
        return f"{where}: not permitted ({fault.strerror}); choose another place"
    if number == errno.ENOMEM:
        return f"not enough memory; take fewer --workers, or smaller batches, {KEPT}"
    if number == errno.EAGAIN:
        return f"no more threads or processes may be started here; take fewer --workers, {KEPT}"
    return None
