"""Numbers and verdicts as people read them: the same words in every format.

What each metric of the report means, in a sentence.

A metric is found by its name after "STRATEGY/" and before "@k" or " of NETWORK".
"""

from collections.abc import Mapping
from typing import Any

DECIMALS = {"%": 1, "points": 1, "s": 1, "J": 0, "architectures": 1, "parameters": 0, "area": 3}
NOT_DISTINGUISHABLE = "not distinguishable"
NO_INTERVAL = "no interval"
SHOWN = 5


def figure(
    value: float | None, unit: str, *, signed: bool = False, decimals: int | None = None
) -> str:
    """A number with as many decimals as its unit carries; "-" for none."""
    if value is None:
        return "-"
    places = DECIMALS.get(unit, 2) if decimals is None else decimals
    rounded = round(value, places) + 0.0  # no "-0.0"
    return f"{rounded:{'+' if signed else ''},.{places}f}"


def estimate(part: Mapping[str, Any], unit: str, key: str = "mean", *, signed: bool = False) -> str:
    """ "91.2 [90.1, 92.3]", with one decimal more where a bound other than 0 would be printed as
    0.
    """
    mean, low, high = part[key], part["low"], part["high"]
    if mean is None:
        return "not defined"
    places = DECIMALS.get(unit, 2)
    if any(bound and not round(bound, places) for bound in (low, high)):
        places += 1
    text = figure(mean, unit, signed=signed, decimals=places)
    if low is None or high is None:
        return f"{text} (no interval)"
    return (
        f"{text} [{figure(low, unit, signed=signed, decimals=places)},"
        f" {figure(high, unit, signed=signed, decimals=places)}]"
    )


def verdict(comparison: Mapping[str, Any] | None, higher_is_better: bool | None) -> str:
    """better, worse or not distinguishable: what the interval of a difference carries, and no
    more.
    """
    if comparison is None or comparison["difference"] is None:
        return "-"
    if comparison["low"] is None:
        return NO_INTERVAL
    if not comparison["distinguishable"]:
        return NOT_DISTINGUISHABLE
    rises = comparison["difference"] > 0
    if higher_is_better is None:
        return "higher" if rises else "lower"
    return "better" if rises == higher_is_better else "worse"


def sizes(nbytes: int | None) -> str:
    return "-" if nbytes is None else f"{nbytes:,}"


def listed(names: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def some(names: list[str]) -> str:
    """The names, or the first of many and how many more there are."""
    return (
        listed(names)
        if len(names) <= SHOWN
        else f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more"
    )


def cell_name(cell: Any) -> str:
    """A cell in a few words, for the list of failures."""
    if not isinstance(cell, Mapping):
        return str(cell)
    ipc = f"ipc {cell['ipc']}" if cell.get("ipc") else None
    budget = (
        None if ipc or not cell.get("budget") else " ".join(str(part) for part in cell["budget"])
    )
    seed = None if cell.get("seed") is None else f"seed {cell['seed']}"
    parts = [
        cell.get("scenario") or "condense",
        cell.get("data"),
        cell.get("label"),
        ipc or budget,
        seed,
    ]
    return ", ".join(str(part) for part in parts if part)


DEFINITIONS = {
    "test-accuracy": (
        "Percentage of the test images that networks trained on the set alone classify correctly;"
        " last epoch."
    ),
    "mean-test-accuracy": (
        "Test accuracy averaged over the architectures of the table, the one a set was condensed"
        " with included where it is among them."
    ),
    "final-accuracy": (
        "Mean accuracy over all experiences after the last; one-shot: that of the found cell,"
        " retrained; in %."
    ),
    "anytime-accuracy": (
        "Accuracy on the classes seen so far, averaged over all moments of the stream, in %."
    ),
    "forgetting": (
        "The best accuracy an experience had before the last was learned, less what is left at the"
        " end, averaged over all but the last; less is better, but low forgetting is no success"
        " where learning accuracy is low."
    ),
    "backward-transfer": (
        "Final accuracy of an experience less that just after it was learned, averaged over all but"
        " the last."
    ),
    "learning-accuracy": (
        "Accuracy on an experience just after it was learned, averaged over all, in %."
    ),
    "kendall-tau": (
        "Kendall's tau-b between the proxy's validation scores and true test accuracies: 1 is the"
        " same order, 0 chance. In the row truth: between two seeds of the ground truth, a guide to"
        " the best that a proxy can show."
    ),
    "spearman": "Spearman's rank correlation between the same two.",
    "pearson": "Pearson's correlation of the proxy's scores and true test accuracies themselves.",
    "partial-correlation": (
        "Spearman's correlation given the number of parameters: what the proxy knows beyond"
        " counting them."
    ),
    "precision": "Fraction of the proxy's k best architectures that are among the k truly best.",
    "best-rank": (
        "True rank of the best among the proxy's k best architectures; 1 is the best of all."
    ),
    "regret": (
        "Points of test accuracy that trusting the proxy costs: its k best are retrained on all"
        " data and validation accuracy chooses one; its test accuracy is taken from that of the"
        " architecture that validation chooses among all. Less is better; below 0 the proxy's"
        " choice tests better."
    ),
    "found-accuracy": (
        "Test accuracy of the architecture that a search judged best, after training on all data."
    ),
    "in the top 20 %": (
        "The same among the architectures of the highest mean true test accuracy. The truth itself"
        " chose them, so their range is restricted: correlations are lower, and noise counts for"
        " more, than among all."
    ),
    "break-even-architectures": (
        "From how many searched architectures on the proxy has saved time: condensation time"
        " divided by the seconds saved on each architecture; never, where a proxy training is no"
        " shorter."
    ),
    "condensation-seconds": "Time that making one set took.",
    "search-seconds": (
        "Training time of all architectures together; one-shot: of the network with shared weights."
    ),
    "seconds": "Time that making one set took.",
    "joules": (
        "Energy read while a set was made, or a cell run: of whole processor packages, and of the"
        " GPU where it is used."
    ),
    "gap-closed": (
        "Final accuracy less that of naive, divided by that of joint less that of naive, of the"
        " same seed and class order: 0 is no memory, 1 is all the data at once. Orders in which"
        " joint is not above naive are left out."
    ),
    "coverage": (
        "Share of real images that have a synthetic image of their class nearer than their fifth"
        " neighbour (Naeem et al. 2020): 1 covers all. More images cover more; compare at equal"
        " count."
    ),
    "density": (
        "In how many such neighbourhoods of real images a synthetic image lies, over how many it"
        " would for real ones: about 1 for real images, more where many real ones are alike."
    ),
    "frechet-distance": (
        "Squared distance of the Gaussians through real and synthetic images of a class (Heusel et"
        " al. 2017), in units of the usual distance from a real image to its nearest. Of few images"
        " it is larger than of many of the same kind."
    ),
    "mmd": (
        "Maximum mean discrepancy, squared and unbiased, of Gaussian kernels (Gretton et al. 2012):"
        " about 0, and below it as often as above, for images of the same distribution. Needs two"
        " images a class."
    ),
    "within-class-spread": (
        "Mean distance between two synthetic images of a class over that between two real ones: 1"
        " is as spread as real images. Needs two images a class."
    ),
    "between-class-margin": (
        "Half of how much farther the nearest real image of another class is than that of the own,"
        " from a synthetic image; in usual distances from a real image to its nearest."
    ),
    "nearest-real-distance": (
        "Mean distance from a synthetic image to the nearest real one of its class; of real ones it"
        " is 1."
    ),
    "nearer-than-real": (
        "Share of synthetic images that are nearer to a real one of their class than those are to"
        " each other."
    ),
    "forward-transfer": (
        "Accuracy on an experience before it is learned less that of an untrained network, averaged"
        " over all but the first; next to nothing can come of it where classes are new."
    ),
    "worst-case-accuracy": (
        "Of De Lange et al. (ICLR 2023): the accuracy on the newest experience, and for each older"
        " one the lowest since it was learned, averaged over experiences; it shows the dips that"
        " figures at the ends of experiences miss."
    ),
    "deletion-auc": (
        "Mean probability of the true class while the most relevant pixels are replaced by the mean"
        " colour, from none to all, to a classifier that the view has not seen; less is better: the"
        " mask found what matters."
    ),
    "insertion-auc": (
        "The same while the most relevant pixels of the sharp image are put into the blurred one;"
        " more is better."
    ),
    "pointing-accuracy": (
        "Percentage of the images whose most relevant pixel lies in the true mask."
    ),
    "mask-overlap": (
        "Intersection over union with the true mask, of as many most relevant pixels as it has."
    ),
    "lira-auc": (
        "Area under the ROC curve of LiRA, online, with common deviations (Carlini et al. 2022):"
        " how well it tells the images that the target was made of from others of the same"
        " distribution, reading a network trained on the set and those of other halves. 0.5 is"
        " chance, 1 tells all; less is better. Made on halves of the training images, each the"
        " target once."
    ),
    "loss-auc": "The same of a threshold on the network's loss on the image (Yeom et al. 2018).",
    "nearest-pixels-auc": (
        "The same of the distance from the image to the nearest of the set, in normalised pixels:"
        " an attack on the set itself."
    ),
    "nearest-trained-auc": (
        "The same in the features of a network that was trained on members and non-members alike."
    ),
    "nearest-untrained-auc": "The same in the features of an untrained network.",
    "lira-tpr": (
        "Percentage of the members that LiRA finds at so many false positives: an attack that is"
        " right about a few images is an attack, though its area may be near 0.5. Taken so that"
        " chance gives no more than the false positives."
    ),
    "near-copies": (
        "Percentage of the set's images that are as near to one that they were made of as the"
        " nearest one in a hundred held-out images is: held-out images would give 1, copies give"
        " 100."
    ),
    "half-accuracy": (
        "Test accuracy of the attacked networks, which saw a set made of half of the images: a set"
        " that tells nothing because it is of no use is no merit."
    ),
    "kept": "Mean of the masks: how much of an image they keep, in %.",
}

STRATEGIES = {
    "replay": (
        "Replay: the network goes on training on the stream, and the memory is mixed into every"
        " batch."
    ),
    "gdumb": "GDumb: at every experience a fresh network is trained on the memory alone.",
    "naive": "Naive: no memory; the network goes on training on the stream. The lower bound.",
    "joint": "Joint: one training on the images of all classes together. The upper bound.",
    "cumulative": (
        "Cumulative: at every experience the network goes on training on all images seen so far."
    ),
    "er-ace": (
        "ER-ACE: replay whose loss on images of the stream compares their own classes alone (Caccia"
        " et al. 2022)."
    ),
    "der": (
        "DER: replay that also keeps the network's outputs on the memory as they were (Buzzega et"
        " al. 2020)."
    ),
    "der++": "DER++: DER with the labels of the memory as well.",
    "ewc": (
        "EWC: no memory; weights that earlier experiences need are held near their values"
        " (Kirkpatrick et al. 2017)."
    ),
    "lwf": "LwF: no memory; the old network's outputs on new images are kept (Li and Hoiem 2016).",
}

TOP = " in the top 20 %"  # "kendall-tau in the top 20 %": on the best architectures alone
IN = " in "  # "coverage in pixels": a measure in each embedding
OF = " of "  # "test-accuracy of vgg11": a metric for each network

METHOD = (
    "Every interval is at 95 %. A seed is one value: networks and class orders of a seed share a"
    " condensed set and are averaged first. Three to nine values get Student's t interval, more the"
    " BCa bootstrap; two get none. On a scale with ends the interval is taken on the logit scale"
    " (log scale above one end), so that it lies between them. Differences are paired over what the"
    " two share (seeds, or networks and class orders of one seed); a difference whose interval"
    " holds 0 is called not distinguishable. The best of several has the highest mean (the lowest"
    " where less is better), real images included; what is the best of a part of them says of"
    " which. Rank statistics are resampled over architectures and seeds. Each comparison stands"
    " alone: nothing is corrected for their number."
)


def base(metric: str) -> str:
    """ "replay/forgetting" -> "forgetting", "precision@4 in the top 20 %" -> "precision", "coverage
    in pixels" -> "coverage".
    """
    return metric.partition(OF)[0].rpartition("/")[2].partition(IN)[0].partition("@")[0]


def definitions(metrics: list[str]) -> list[tuple[str, str]]:
    """Name and meaning of the strategies and metrics that a report holds, each once."""
    found = {}
    for metric in metrics:
        strategy, name = metric.rpartition("/")[0], base(metric)
        if strategy in STRATEGIES:
            found[strategy] = STRATEGIES[strategy]
        if name in DEFINITIONS:
            found[name] = DEFINITIONS[name]
        if metric.endswith(TOP):
            found[TOP.strip()] = DEFINITIONS[TOP.strip()]
    return list(found.items())
