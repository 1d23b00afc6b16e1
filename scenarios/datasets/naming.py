"""Names of data sets that are made of a place or of other names. Imports no torch, so that listing stays fast."""

from condensers.errors import UsageError

FOLDER = "folder:"
DOMAINS = "domains:"


def domain_names(name: str) -> tuple[str, ...]:
    """domains:A+B -> ("A", "B"); UsageError for fewer than two, for one that stands twice, or for domains of domains."""
    parts = tuple(part.strip() for part in name.removeprefix(DOMAINS).split("+"))
    if len(parts) < 2 or not all(parts):
        raise UsageError(
            f"dataset '{name}' names fewer than two data sets; write domains:A+B, for example domains:digits+mnist-5k"
        )
    if len(set(parts)) < len(parts):
        raise UsageError(f"dataset '{name}' names a data set twice; name each once")
    if any(part.startswith(DOMAINS) for part in parts):
        raise UsageError(f"dataset '{name}' has domains within domains; write all in one row, domains:A+B+C")
    return parts


def resized(name: str) -> tuple[str, int | None]:
    """fashion-mnist@14 -> ("fashion-mnist", 14), and a name without a size -> (name, None); UsageError for any other size."""
    base, mark, size = name.rpartition("@")
    if not mark:
        return name, None
    if not size.isdecimal() or int(size) < 1:
        raise UsageError(f"dataset '{name}': '{size}' is no height of images; write NAME@PIXELS, for example fashion-mnist@14")
    return base, int(size)
