"""Texts that a report is made of, kept beside the run so that only what changed is made again.

Each is a file with a checksum under a secret of the user: one that is damaged, or that came with a
run directory from elsewhere, is made again. What cannot be kept is made each time.
"""

import hashlib
import hmac
import os
import secrets
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import get_ident

from condensers.user_cache import CacheRefused, cache_folder

ABANDONED = 3600.0  # seconds after which an unfinished file is one that its process left behind


class TextCache:
    """Texts by section and key, in one folder.

    Several processes may use a folder at a time: files are whole or not there.

    Args:
        folder: where the files are; it is made when something is kept. None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.used: set[str] = set()

    def read(self, section: str, key: str) -> str | None:
        """Read a text; None where there is none, or not as it was written."""
        if self.folder is None:
            return None
        name = f"{section}-{key}"
        try:
            written, _, text = (self.folder / name).read_bytes().partition(b"\n")
            if not hmac.compare_digest(written, _seal(name, text)):
                return None
            found = text.decode()
        except (OSError, ValueError):
            return None
        self.used.add(name)
        return found

    def write(self, section: str, key: str, text: str) -> None:
        """Keep a text, as far as the folder lets itself be written."""
        if self.folder is None:
            return
        name, content = f"{section}-{key}", text.encode()
        temporary = self.folder / f".{name}.{os.getpid()}-{get_ident()}.tmp"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(_seal(name, content) + b"\n" + content)
            temporary.replace(self.folder / name)
            self.used.add(name)
        except OSError:
            pass  # a report is made all the same
        finally:  # also where a signal stopped it half-way
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def discard_unused(self, *sections: str) -> None:
        """Remove the texts of some sections that were neither read nor written through this
        object.
        """
        if self.folder is None:
            return
        with suppress(OSError):
            for path in list(self.folder.iterdir()):
                left = path.name.startswith(".")
                if left and time.time() - path.stat().st_mtime < ABANDONED:
                    continue  # another process is writing it
                if left or (path.name.partition("-")[0] in sections and path.name not in self.used):
                    path.unlink(missing_ok=True)


def _seal(name: str, text: bytes) -> bytes:
    return hmac.new(_secret(), name.encode() + b"\n" + text, "sha256").hexdigest().encode()


@cache
def _secret() -> bytes:
    """The secret of this user, made when it is first needed; one for this process alone where the
    user has no folder for it that is safe from others.
    """
    try:
        path, fresh = cache_folder() / "report.key", secrets.token_hex(32)
        with suppress(FileExistsError):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(fresh)
        return hashlib.sha256(path.read_bytes()).digest()
    except (OSError, CacheRefused):
        return secrets.token_bytes(32)
