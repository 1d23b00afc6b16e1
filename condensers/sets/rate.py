"""How much a set takes of a class: bits per class.

Source: Bao et al., "Dataset Distillation as Data Compression: A Rate-Utility Perspective", ICCV
2025, arXiv 2507.17221. They count all that is stored (images or codes, labels, decoders) and divide
it by the number of classes.
"""


def bits_per_class(nbytes: int, classes: int) -> float:
    """Return the bits that a set takes for each class of its data.

    Args:
        nbytes: Every stored byte of the whole set, as `SyntheticSet.nbytes` counts them.
        classes: Classes of the data; for the memory of a stream, those of the whole stream.

    Examples:
        >>> bits_per_class(78_500, 10)  # ten images a class of 28x28 grey pixels, and their labels
        62800.0
    """
    return 8 * nbytes / classes


def format_bits(bits: float | None) -> str:
    """Write bits per class as a whole number, its thousands apart; "-" for none.

    Examples:
        >>> format_bits(62_800.0), format_bits(None)
        ('62,800', '-')
    """
    return "-" if bits is None else f"{bits:,.0f}"


def describe_size(nbytes: int, classes: int) -> str:
    """Write the size of a set: "78,500 bytes (62,800 bits per class)"."""
    return f"{nbytes:,} bytes ({format_bits(bits_per_class(nbytes, classes))} bits per class)"
