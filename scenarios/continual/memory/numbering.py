"""Which of a set's classes the ids of a stream mean. An Avalanche benchmark may number classes
anew, or in each experience.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from avalanche.benchmarks import DatasetExperience
from avalanche.benchmarks.scenarios.deprecated.benchmark_wrapper_utils import ExperienceWrapper
from avalanche.benchmarks.scenarios.deprecated.new_classes import NCScenario
from avalanche.benchmarks.scenarios.deprecated.new_classes.nc_scenario import NCExperience
from avalanche.benchmarks.scenarios.online import OnlineCLExperience

from condensers.errors import UsageError
from scenarios.continual.items import KnownExperience

ClassIds = Mapping[int, int] | Sequence[Mapping[int, int]]


@dataclass(frozen=True)
class Numbering:
    """What one experience says of the set's classes.

    classes: id -> class, for the ids of the experience. ids: class -> id and tasks: class -> task
    label, for the whole stream as far as it says. trust: "certain" where somebody who knows said
    so, "mapped" where the benchmark carries a mapping to the labels of the data that it was made
    of, "assumed" where an id is taken for the class of that number.
    """

    classes: Mapping[int, int]
    ids: Mapping[int, int]
    tasks: Mapping[int, int]
    trust: str


def find_numbering(experience: DatasetExperience, given: ClassIds | None) -> Numbering:
    """The numbering of an experience, by what is `given`, else by what the experience or its
    benchmark carries.

    Raises UsageError where an id of the experience has no class.
    """
    if isinstance(experience, KnownExperience):
        classes = experience.data_classes
        return Numbering({c: c for c in classes}, {}, {}, "certain")
    ids = sorted(int(y) for y in experience.dataset.targets.uniques)
    if given is not None:
        return _number_by_table(experience, ids, given)
    source = find_origin(experience)
    if isinstance(source, NCExperience):
        return _number_by_benchmark(source, ids)
    return Numbering({y: y for y in ids}, {}, {}, "assumed")


def find_origin(experience: DatasetExperience) -> DatasetExperience:
    """The experience that this one was cut from, or itself."""
    while isinstance(experience, OnlineCLExperience | ExperienceWrapper):
        with experience.no_attribute_masking():
            online = isinstance(experience, OnlineCLExperience)
            experience = experience.origin_experience if online else experience.wrapped_exp
    return experience


def require_class_ids(given: ClassIds, classes: Iterable[int]) -> None:
    """Refuse class_ids that name a class that the set lacks, or two ids for one class."""
    known, ids = set(classes), {}  # type: set[int], dict[int, int]
    for part in [given] if isinstance(given, Mapping) else given:
        for y, c in part.items():
            if known and c not in known:
                raise UsageError(
                    f"CondensedMemory: class_ids says that id {y} is class {c}, which the set does"
                    f" not have; its classes are {_join_numbers(known)}"
                )
            if ids.setdefault(c, y) != y:
                raise UsageError(
                    f"CondensedMemory: class_ids calls class {c} both {ids[c]} and {y}; give one id"
                    " for a class"
                )


def _number_by_table(
    experience: DatasetExperience, ids: Sequence[int], given: ClassIds
) -> Numbering:
    parts, here = ([given], given) if isinstance(given, Mapping) else (given, None)
    if here is None:
        index = _position(experience)
        if index >= len(parts):
            raise UsageError(
                f"CondensedMemory: class_ids is a list for {len(parts)} experiences, and experience"
                f" {index} came"
            )
        here = parts[index]
    absent = [y for y in ids if y not in here]
    if absent:
        raise UsageError(
            f"CondensedMemory: the stream brings id {absent[0]}, which class_ids does not name; add"
            " its class"
        )
    known = {c: y for part in parts for y, c in part.items()}
    return Numbering({y: here[y] for y in ids}, known, {}, "certain")


def _position(experience: DatasetExperience) -> int:
    with find_origin(experience).no_attribute_masking():
        return int(find_origin(experience).current_experience)


def _number_by_benchmark(experience: NCExperience, ids: Sequence[int]) -> Numbering:
    with experience.no_attribute_masking():
        benchmark: NCScenario = experience.benchmark
        position = experience.current_experience
    mapping = {c: y for c, y in enumerate(benchmark.class_mapping) if y >= 0}
    own = benchmark.original_classes_in_exp
    # Only ids that begin at zero in each experience need its position to be told apart.
    among = own[position] if benchmark.class_ids_from_zero_in_each_exp else set(mapping)
    inverse = {mapping[c]: c for c in among}
    absent = [y for y in ids if y not in inverse]
    if absent:
        raise UsageError(
            f"CondensedMemory: the stream brings id {absent[0]}, which its benchmark's class"
            " mapping does not have; pass class_ids={id: class of the set}"
        )
    tasks = {c: benchmark.task_labels[t][0] for t, part in enumerate(own) for c in part}
    return Numbering({y: inverse[y] for y in ids}, mapping, tasks, "mapped")


def _join_numbers(classes: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(classes)))
