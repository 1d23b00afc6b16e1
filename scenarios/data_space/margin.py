"""Between-class margin: how much nearer a synthetic image is to real images of its own class than to those of any other.

margin = 1/m sum_j ( |y_j - nearmiss(y_j)| - |y_j - nearhit(y_j)| ) / 2

nearhit: the nearest real image of the class, nearmiss: the nearest of another. Source: the hypothesis margin of the nearest
neighbour rule, Gilad-Bachrach, Navot & Tishby, "Margin based feature selection" (ICML 2004). Below 0 on the wrong side.
"""

from scenarios.data_space.points import ClassPoints, distances


def between_class_margin(points: ClassPoints) -> float | None:
    """The mean margin, in units of `Space.unit`; None where there is no other class."""
    if not len(points.others):
        return None
    miss = distances(points.synthetic, points.others).amin(1)
    return float((miss - points.apart.amin(0)).mean() / 2)
