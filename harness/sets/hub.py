"""An exported folder -> a dataset repository of the Hugging Face Hub.

The login is the Hub's own: what `hf auth login` stored, or HF_TOKEN. It is read by the package
huggingface_hub and never by us, and nothing of it is printed. HF_ENDPOINT names another server.
"""

import os
import re
from pathlib import Path
from typing import Any

from condensers.errors import UsageError
from condensers.optional import require_package

# Source: the Hub's rule for repository names, of which the package has the last word.
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
NO_LOGIN = "--push: no login to the Hub; run `hf auth login`, or set HF_TOKEN"
SECRET = re.compile(r"hf_\w+")


def require_hub(repository: str) -> None:
    """Check all that can be checked before the work: package, name and login.

    Raises:
        UsageError: one of them is missing or wrong.
    """
    if not REPOSITORY.fullmatch(repository):
        raise UsageError(f"--push {repository}: is no repository; write USER/NAME")
    if not _hub().get_token():
        raise UsageError(NO_LOGIN)


def push_folder(folder: Path, repository: str, private: bool = True) -> str:
    """Upload a folder as a dataset, in one commit.

    Args:
        folder: what `harness export --to hf` wrote.
        repository: USER/NAME. It is made if it is not there; one that is there keeps its
            visibility.
        private: whether a repository that is made is private.

    Returns:
        The address of the dataset, and whether it is private.

    Raises:
        UsageError: the Hub refused it or was not reached; what it said, without secrets.
    """
    hub = _hub()
    api = hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None)
    try:
        url = api.create_repo(repository, repo_type="dataset", private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repository,
            repo_type="dataset",
            folder_path=str(folder),
            commit_message="Upload a condensed dataset",
        )
        found = api.dataset_info(repository)
    except Exception as fault:  # releases of the package have classes of their own for one fault
        raise UsageError(
            f"--push {repository}: {_brief(fault)}; the folder {folder} is whole, so that only the"
            " upload is to be repeated"
        ) from None
    return f"{url} ({'private' if found.private else 'public'})"


def _hub() -> Any:
    return require_package("huggingface_hub", "huggingface_hub", "--push", extra="hub")


def _brief(fault: Exception) -> str:
    """The first line of what went wrong; a token in it is blotted out."""
    lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
    return SECRET.sub("hf_...", lines[0] if lines else type(fault).__name__).rstrip(".")
