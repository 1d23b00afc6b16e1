"""Quantiles and tails of the distributions that intervals and sample sizes are made of.

scipy is imported when one is asked for: that takes longer than to read a finished report.
"""


def normal_quantile(probability: float) -> float:
    """The value below which the standard normal lies with a probability, 0 to 1."""
    from scipy import special

    return float(special.ndtri(probability))


def student_quantile(probability: float, degrees: int) -> float:
    """The value below which Student's t lies with a probability.

    Args:
        probability: 0 to 1.
        degrees: degrees of freedom.

    Examples:
        >>> round(student_quantile(0.975, 4), 3)
        2.776
    """
    from scipy import special

    return float(special.stdtrit(degrees, probability))


def student_tail(bound: float, degrees: int, shift: float) -> float:
    """The probability that the non-central t lies above a bound.

    Args:
        bound: the value.
        degrees: degrees of freedom.
        shift: non-centrality.
    """
    from scipy import special

    return 1 - float(special.nctdtr(degrees, shift, bound))


def chi_square_quantile(probability: float, degrees: int) -> float:
    """The value below which chi-square lies with a probability.

    Args:
        probability: 0 to 1.
        degrees: degrees of freedom.
    """
    from scipy import special

    return float(special.chdtri(degrees, 1 - probability))
