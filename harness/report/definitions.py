"""What each metric of the report means, in a sentence.

A metric is found by its name after "protocol/" and before "@k" or " of NETWORK".
"""

DEFINITIONS = {
    "test-accuracy": "Percentage of the test images that networks trained on the set alone classify correctly; last epoch.",
    "mean-test-accuracy": "Test accuracy averaged over the architectures of the table, the one a set was condensed with included"
    " where it is among them.",
    "final-accuracy": "Mean accuracy over all experiences after the last one was learned, in %.",
    "anytime-accuracy": "Accuracy on the classes seen so far, averaged over all moments of the stream, in %.",
    "forgetting": "The best accuracy an experience had before the last was learned, less what is left at the end, averaged over"
    " all but the last; less is better, but low forgetting is no success where learning accuracy is low.",
    "backward-transfer": "Final accuracy of an experience less that just after it was learned, averaged over all but the last.",
    "learning-accuracy": "Accuracy on an experience just after it was learned, averaged over all, in %.",
    "kendall-tau": "Kendall's tau-b between the proxy's validation scores and true test accuracies: 1 is the same order,"
    " 0 chance. In the row truth: between two seeds of the ground truth, a guide to the best that a proxy can show.",
    "spearman": "Spearman's rank correlation between the same two.",
    "precision": "Fraction of the proxy's k best architectures that are among the k truly best; k is a quarter of all.",
    "regret": "True test accuracy of the best architecture less that of the best among the proxy's k best, in points.",
    "break-even-architectures": "From how many searched architectures on the proxy has saved time: condensation time divided by"
    " the seconds saved on each architecture; never, where a proxy training is no shorter.",
    "condensation-seconds": "Time that making one set took.",
    "search-seconds": "Training time of all architectures together.",
    "seconds": "Time that making one set took.",
    "joules": "Energy that making one set took.",
}

PROTOCOLS = {
    "replay": "Replay: the network goes on training on the stream, and the memory is mixed into every batch.",
    "gdumb": "GDumb: at every experience a fresh network is trained on the memory alone.",
}

OF = " of "  # "test-accuracy of vgg11": a metric for each network

METHOD = (
    "Every interval is at 95 %. A seed is one value: networks and class orders of a seed share a condensed set and are averaged"
    " first. Fewer than ten values get Student's t interval, more the BCa bootstrap. Differences are paired over what the two"
    " share (seeds, or networks and class orders of one seed); a difference whose interval holds 0 is called not distinguishable."
    " Rank statistics are resampled over architectures and seeds. Each comparison stands alone: nothing is corrected for their"
    " number."
)


def base(metric: str) -> str:
    """ "replay/forgetting" -> "forgetting", "precision@4" -> "precision", "test-accuracy of vgg11" -> "test-accuracy"."""
    return metric.partition(OF)[0].rpartition("/")[2].partition("@")[0]


def definitions(metrics: list[str]) -> list[tuple[str, str]]:
    """Name and meaning of the protocols and metrics that a report holds, each once."""
    found = {}
    for metric in metrics:
        protocol, name = metric.rpartition("/")[0], base(metric)
        if protocol in PROTOCOLS:
            found[protocol] = PROTOCOLS[protocol]
        if name in DEFINITIONS:
            found[name] = DEFINITIONS[name]
    return list(found.items())
