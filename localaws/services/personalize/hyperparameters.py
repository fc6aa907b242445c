"""The hyperparameters of the recipes of custom solutions, and what is tried when they are optimized.

Sources: docs/aws-sources.md#personalize-native-recipe-new-item-USER_PERSONALIZATION,
docs/aws-sources.md#personalize-native-recipe-search, docs/aws-sources.md#personalize-customizing-solution-config-hpo.
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
BOOLEAN = ("true", "false")


@dataclass(frozen=True)
class Range:
    """Whole numbers from `low` to `high`."""

    low: int
    high: int

    def values(self) -> list[str]:
        steps = [self.low + (self.high - self.low) * step // (POINTS - 1) for step in range(POINTS)]
        return [str(each) for each in dict.fromkeys(steps)]


RANGES = {"hidden_dimension": Range(32, 256), "bptt": Range(2, 32)}
CHOICES = {"recency_mask": BOOLEAN}
TUNABLE_RECIPES = (recommending.USER_PERSONALIZATION, recommending.PERSONALIZED_RANKING)


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
    if recipe not in TUNABLE_RECIPES or (name not in RANGES and name not in CHOICES):
        algorithm = f"arn:aws:personalize:::algorithm/{recipe}"
        raise invalid(f"Provide a hyperparameter that is used in the algorithm: {algorithm}")
    for value in values:
        if name in CHOICES and value.lower() not in CHOICES[name]:
            raise invalid(f"{name} is {value!r}; it must be one of {', '.join(CHOICES[name])}.")
        if name in RANGES and not (value.isdecimal() and RANGES[name].low <= int(value) <= RANGES[name].high):
            raise invalid(f"{name} is {value!r}; it must be from {RANGES[name].low} to {RANGES[name].high}.")


def _tried(recipe: str, config: Mapping, fixed: Mapping[str, str]) -> dict[str, list[str]]:
    """The values to try, by hyperparameter."""
    given = config.get("algorithmHyperParameterRanges", {})
    tried = {}
    for each in given.get("integerHyperParameterRanges", []):
        name, low, high = _name(each.get("name", "")), each.get("minValue"), each.get("maxValue")
        _check(recipe, name, [str(low), str(high)])
        if name not in RANGES or low > high:
            raise invalid(f"integerHyperParameterRanges: {name} from {low} to {high} is no range of whole numbers.")
        tried[name] = Range(low, high).values()
    for each in given.get("categoricalHyperParameterRanges", []):
        name, values = _name(each.get("name", "")), each.get("values", [])
        _check(recipe, name, values)
        if name not in CHOICES or not values:
            raise invalid(f"categoricalHyperParameterRanges: {name} with {values} is no choice.")
        tried[name] = values
    if continuous := given.get("continuousHyperParameterRanges"):
        raise invalid(f"continuousHyperParameterRanges: {recipe} has none, not {continuous[0].get('name')}.")
    if not tried:
        tried = {name: each.values() for name, each in RANGES.items()} | {name: [*v] for name, v in CHOICES.items()}
        tried = {name: values for name, values in tried.items() if name not in fixed and recipe in TUNABLE_RECIPES}
    return tried


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
    return replace(base, **changed)
