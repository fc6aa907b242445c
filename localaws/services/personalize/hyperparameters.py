"""The hyperparameters of the recipes of custom solutions, and what is tried when they are optimized.

Sources: docs/aws-sources.md#personalize-native-recipe-new-item-USER_PERSONALIZATION,
docs/aws-sources.md#personalize-native-recipe-search, docs/aws-sources.md#personalize-native-recipe-sims,
docs/aws-sources.md#personalize-native-recipe-hrnn, docs/aws-sources.md#personalize-customizing-solution-config-hpo.
hidden_dimension is the number of ALS' factors (EASE, for smaller catalogues, has none), bptt how many of a user's
newest items count, recency_mask whether newer ones count more. The hidden dimensions of Similar-Items have no
counterpart here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from localaws.errors import invalid
from storecast_engines import recommending

# docs/aws-sources.md#personalize-API_HPOResourceConfig; the default is ours
MOST_JOBS, DEFAULT_JOBS, MOST_PARALLEL = 40, 10, 10
POINTS = 3  # of an integer range: its ends and the middle


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, whole ones unless it is continuous."""

    low: float
    high: float
    default: str
    continuous: bool = False

    def holds(self, value: str) -> bool:
        number = value.replace(".", "", 1) if self.continuous else value
        return number.isdecimal() and self.low <= float(value) <= self.high

    def values(self) -> list[str]:
        steps = [self.low + (self.high - self.low) * step / (POINTS - 1) for step in range(POINTS)]
        return [f"{each:g}" if self.continuous else str(int(each)) for each in dict.fromkeys(steps)]

    def __str__(self) -> str:
        return f"from {self.low} to {self.high}"


@dataclass(frozen=True)
class Choice:
    """Words, in any case."""

    words: tuple[str, ...]
    default: str

    def holds(self, value: str) -> bool:
        return value.lower() in self.words

    def values(self) -> list[str]:
        return [*self.words]

    def __str__(self) -> str:
        return f"one of {', '.join(self.words)}"


_FACTORS = {"hidden_dimension": Range(32, 256, str(recommending.Settings().factors))}
_OF_USERS: dict[str, Range | Choice] = {
    **_FACTORS,
    "bptt": Range(2, 32, ""),
    "recency_mask": Choice(("true", "false"), "true"),
}
# By recipe; one that is not here has none.
HYPERPARAMETERS: dict[str, Mapping[str, Range | Choice]] = {
    **dict.fromkeys(
        (recommending.USER_PERSONALIZATION, recommending.PERSONALIZED_RANKING, *recommending.HRNN), _OF_USERS
    ),
    **dict.fromkeys((recommending.ITEM_AFFINITY, recommending.ITEM_ATTRIBUTE_AFFINITY), _FACTORS),
    recommending.SIMS: {
        "popularity_discount_factor": Range(0.0, 1.0, "0.5", continuous=True),
        "min_cointeraction_count": Range(0, 10, "3"),
    },
}


@dataclass(frozen=True)
class Candidate:
    """What one training job tries."""

    recipe: str
    settings: recommending.Settings
    parameters: Mapping[str, str] = field(default_factory=dict)


def candidates(recipe: str, config: Mapping, optimize: bool, base: recommending.Settings) -> list[Candidate]:
    """One candidate by algorithmHyperParameters; with `optimize`, a grid over the ranges of hpoConfig, or over all that
    the recipe has, at most maxNumberOfTrainingJobs evenly chosen ones. Raises InvalidInputException."""
    fixed = {_name(key): value for key, value in config.get("algorithmHyperParameters", {}).items()}
    for name, value in fixed.items():
        _check(recipe, name, [value])
    tried = _tried(recipe, config.get("hpoConfig", {}), fixed) if optimize else {}
    grid = [fixed | dict(zip(tried, values, strict=True)) for values in product(*tried.values())]
    jobs = _jobs(config.get("hpoConfig", {}).get("hpoResourceConfig", {}))
    if len(grid) > jobs:
        grid = [grid[place * len(grid) // jobs] for place in range(jobs)]
    return [Candidate(recipe, _settings(base, parameters), parameters) for parameters in grid]


def _name(key: str) -> str:
    """Descriptions prefix a name with its group, as in training.bptt."""
    return key.rpartition(".")[2]


def _check(recipe: str, name: str, values: list[str]) -> None:
    known = HYPERPARAMETERS.get(recipe, {})
    if name not in known:
        algorithm = f"arn:aws:personalize:::algorithm/{recipe}"
        raise invalid(f"Provide a hyperparameter that is used in the algorithm: {algorithm}")
    for value in values:
        if not known[name].holds(value):
            raise invalid(f"{name} is {value!r}; it must be {known[name]}.")


def _tried(recipe: str, config: Mapping, fixed: Mapping[str, str]) -> dict[str, list[str]]:
    """The values to try, by hyperparameter."""
    known, given = HYPERPARAMETERS.get(recipe, {}), config.get("algorithmHyperParameterRanges", {})
    tried = {}
    for member, continuous in (("integerHyperParameterRanges", False), ("continuousHyperParameterRanges", True)):
        for each in given.get(member, []):
            name, low, high = _name(each.get("name", "")), each.get("minValue"), each.get("maxValue")
            _check(recipe, name, [f"{low:g}" if continuous and low is not None else str(low), f"{high}"])
            allowed = known[name]
            if not isinstance(allowed, Range) or allowed.continuous != continuous or low > high:
                raise invalid(f"{member}: {name} from {low} to {high} is no range of such numbers.")
            tried[name] = Range(low, high, "", continuous).values()
    for each in given.get("categoricalHyperParameterRanges", []):
        name, values = _name(each.get("name", "")), each.get("values", [])
        _check(recipe, name, values)
        if not isinstance(known[name], Choice) or not values:
            raise invalid(f"categoricalHyperParameterRanges: {name} with {values} is no choice.")
        tried[name] = values
    return tried or {name: each.values() for name, each in known.items() if name not in fixed}


def _jobs(resources: Mapping) -> int:
    numbers = {}
    for name, most in (("maxNumberOfTrainingJobs", MOST_JOBS), ("maxParallelTrainingJobs", MOST_PARALLEL)):
        text = resources.get(name, str(min(DEFAULT_JOBS, most)))
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise invalid(f"{name} is {text!r}; it must be from 1 to {most}.")
        numbers[name] = int(text)
    return numbers["maxNumberOfTrainingJobs"]


def _settings(base: recommending.Settings, parameters: Mapping[str, str]) -> recommending.Settings:
    changed: dict[str, Any] = {}
    if "hidden_dimension" in parameters:
        changed["factors"] = int(parameters["hidden_dimension"])
    if "bptt" in parameters:
        changed["history_reach"] = int(parameters["bptt"])
    if parameters.get("recency_mask", "true").lower() == "false":
        changed["recency_decay"] = 1.0
    if "popularity_discount_factor" in parameters:
        changed["sims_discount_factor"] = float(parameters["popularity_discount_factor"])
    if "min_cointeraction_count" in parameters:  # a pair that nobody shares has no similarity
        changed["min_cointeraction_count"] = max(int(parameters["min_cointeraction_count"]), 1)
    return replace(base, **changed)
