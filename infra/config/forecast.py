"""Rules of Amazon Forecast for schemas, as the guide documents them; each check returns its problems.

Sources: docs/aws-sources.md#forecast-retail-domain and the guide's pages on the other domains,
docs/aws-sources.md#forecast-limits, docs/aws-sources.md#forecast-howitworks-missing-values. Enum values come from
botocore.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence

from forecasting.reserved import is_reserved
from infra.config.base import enum, name_problems, not_one_of

FREQUENCY = r"1?Y|([1-9]|1[01])?M|[1-4]?W|[1-6]?D|([1-9]|1[0-9]|2[0-3])?H|([1-9]|[1-5][0-9])min"

# domain: (item key, target field); an item metadata dataset does not exist in EC2_CAPACITY
FORECAST_DOMAINS = {
    "RETAIL": ("item_id", "demand"),
    "INVENTORY_PLANNING": ("item_id", "demand"),
    "EC2_CAPACITY": ("instance_type", "number_of_instances"),
    "WORK_FORCE": ("workforce_type", "workforce_demand"),
    "WEB_TRAFFIC": ("item_id", "value"),
    "METRICS": ("metric_name", "metric_value"),
    "CUSTOM": ("item_id", "target_value"),
}
# our name: (DatasetType, most columns)
FORECAST_DATASETS = {
    "target": ("TARGET_TIME_SERIES", 13),
    "related": ("RELATED_TIME_SERIES", 25),
    "metadata": ("ITEM_METADATA", 10),
}

MOST_FEATURES = 13  # of related series
# What other columns than the domain's may be: dimensions, features, metadata.
_OTHERS = {
    "target": ("string", "geolocation"),
    "related": ("string", "geolocation", "float", "integer"),
    "metadata": ("string",),
}

INFER = "infer"  # instead of a dataset's columns: they stand in the first row of its files

_STATISTICS = ("zero", "value", "median", "mean", "min", "max")
_AGGREGATIONS = ("sum", "avg", "first", "min", "max")
TARGET_FILLING = {
    "frontfill": ("none",),
    "middlefill": ("nan", *_STATISTICS),
    "backfill": ("nan", *_STATISTICS),
    "aggregation": _AGGREGATIONS,
}
RELATED_FILLING = {"middlefill": _STATISTICS, "backfill": _STATISTICS, "futurefill": _STATISTICS}

MOST_FORECASTS = 10  # of an account by default (docs/aws-sources.md#forecast-limits)
ALGORITHMS = ("AutoPredictor", "ARIMA", "CNN-QR", "Deep_AR_Plus", "ETS", "NPTS", "Prophet")
# Of engine: storecast, what AutoPredictor is made of (storecast_engines.forecasting.algorithms), and what the engines'
# bundle for Glue lacks, by the extra that would install it (infra/bundle.py).
MODELS = ("ARIMA", "ETS", "LightGBM", "MSTL", "NPTS", "SeasonalNaive")
NOT_IN_THE_BUNDLE = {"Prophet": "prophet", "CNN-QR": "neural", "Deep_AR_Plus": "neural"}
# Of Spark jobs in every region: not Standard (before Glue 2.0), G.025X (streaming), Z.2X (Ray); of the API CreateJob,
# WorkerType.
WORKER_TYPES = ("G.1X", "G.2X", "G.4X", "G.8X")
# TimeAlignmentBoundary sets the unit below that of the frequency (docs/aws-sources.md#forecast-data-aggregation)
_BOUNDARIES = {"Y": ("Month", "DayOfMonth"), "M": ("DayOfMonth",), "W": ("DayOfWeek",), "D": ("Hour",)}
_BOUNDARY_NUMBERS = {"DayOfMonth": range(1, 29), "Hour": range(24)}


def quantile_problems(types: Sequence[str]) -> list[str]:
    """Forecast types are quantiles 0.01 to 0.99 by 0.01, or mean; at most 5 of them
    (docs/aws-sources.md#forecast-limits)."""
    found = [
        f"{value!r}: allowed are 0.01 to 0.99 in steps of 0.01, and mean"
        for value in types
        if value != "mean" and not re.fullmatch(r"0\.(0[1-9]|[1-9][0-9]?)", value)
    ]
    if not 1 <= len(types) <= 5:
        found.append(f"{len(types)} types: allowed are 1 to 5")
    canonical = [value if value == "mean" else value.ljust(4, "0") for value in types]
    return found + [f"{value} is there twice" for value in sorted({v for v in canonical if canonical.count(v) > 1})]


def model_problems(names: Sequence[str]) -> list[str]:
    """Algorithms of engine: storecast: AutoPredictor, which combines all models, or those to combine."""
    found = []
    for name in names:
        if extra := NOT_IN_THE_BUNDLE.get(name):
            found.append(
                f"{name!r} needs the extra {extra} of the engines, which the bundle for Glue does not have; allowed: "
                f"{', '.join(('AutoPredictor', *MODELS))}"
            )
        else:
            found += not_one_of(name, ("AutoPredictor", *MODELS))
    if "AutoPredictor" in names and len(names) > 1:
        found.append(
            "AutoPredictor combines all models of engine: storecast; name it alone, or leave it out and name the "
            "models to combine"
        )
    return found


def forecast_schema_problems(domain: str, kind: str, columns: Mapping[str, str]) -> list[str]:
    if kind not in FORECAST_DATASETS:
        return not_one_of(kind, list(FORECAST_DATASETS))
    item_key, target = FORECAST_DOMAINS[domain]
    if domain == "EC2_CAPACITY" and kind == "metadata":
        return ["metadata: the EC2_CAPACITY domain has no item metadata"]
    required: dict[str, Sequence[str]] = {item_key: ("string",)}
    if kind != "metadata":
        required["timestamp"] = ("timestamp",)
    if kind == "target":
        required[target] = ("float", "integer")
    found = [
        f"{kind}: {name} is missing; the {domain} domain needs it, of type {' or '.join(types)}"
        for name, types in required.items()
        if name not in columns
    ]
    found += [
        f"{kind}.{name}: Forecast reserves this name ("
        "https://docs.aws.amazon.com/forecast/latest/dg/reserved-field-names.html); rename the column"
        for name in columns
        if name not in required and is_reserved(name)
    ]
    for name, attribute_type in columns.items():
        allowed = required.get(name, _OTHERS[kind])
        found += [f"{kind}.{name}: type {problem}" for problem in not_one_of(attribute_type, allowed)]
        found += name_problems(kind, name)
    found += [
        f"{kind}: {first} and {name} differ only in case, which headers may change; rename one"
        for first, name in itertools.combinations(columns, 2)
        if first.lower() == name.lower()
    ]
    if kind == "related" and target in columns:
        found.append(f"related.{target}: the target belongs to the target dataset only")
    numbers = [name for name, type_ in columns.items() if type_ in ("float", "integer")]
    if kind == "related" and not 1 <= len(numbers) <= MOST_FEATURES:
        found.append(
            f"related: {len(numbers)} columns of type float or integer to learn from; allowed: 1 to {MOST_FEATURES}"
        )
    most = FORECAST_DATASETS[kind][1]
    return found + ([f"{kind}: {len(columns)} columns; at most {most}"] if len(columns) > most else [])


def related_problems(domain: str, columns: Mapping[str, str], dimensions: Sequence[str]) -> list[str]:
    """Related series are numbers; the service refuses to train on others (InvalidInputException of CreatePredictor)."""
    keys = (FORECAST_DOMAINS[domain][0], "timestamp", *dimensions)
    return [
        f"related.{name}: type {kind!r}, but a related series must be float or integer; make it a number, remove the "
        "column, or add it to dimensions (the target needs it then, too)"
        for name, kind in columns.items()
        if name not in keys and kind not in ("float", "integer")
    ]


def splitting_problems(
    domain: str, columns: Mapping[str, str], dimensions: Sequence[str], summed_over: Sequence[str]
) -> list[str]:
    """A text column of the target that is no dimension splits nothing: Forecast sums the rows over its values."""
    item, target = FORECAST_DOMAINS[domain]
    texts = [name for name, kind in columns.items() if kind in ("string", "geolocation")]
    others = [name for name in texts if name not in (item, target)]
    found = [
        f"target.{name}: text that is no dimension, so the rows of one {item} are summed over all its values; for a "
        f"series of each, write dimensions: [{', '.join([*dimensions, name])}]; if sums are what you want, write "
        f"summed_over: [{', '.join([*summed_over, name])}]; otherwise remove the column"
        for name in others
        if name not in (*dimensions, *summed_over)
    ]
    twice = set(dimensions) & set(summed_over)
    found += [f"summed_over: {name} is a dimension, too; leave out one of them" for name in sorted(twice)]
    unknown = [name for name in summed_over if name not in others and name not in twice]
    return found + [f"summed_over {line}" for name in unknown for line in not_one_of(name, others)]


def boundary_problems(frequency: str, boundary: Mapping[str, str | int]) -> list[str]:
    allowed = _BOUNDARIES.get(frequency[-1], ())
    found = []
    for unit, value in boundary.items():
        if unit not in allowed:
            found.append(f"{unit}: not for frequency {frequency}; allowed: {', '.join(allowed) or 'nothing'}")
        elif unit not in _BOUNDARY_NUMBERS:
            found += [f"{unit}: {problem}" for problem in not_one_of(str(value), enum("forecast", unit))]
        elif value not in (numbers := _BOUNDARY_NUMBERS[unit]):
            found.append(f"{unit}: {value!r}; allowed: {numbers[0]} to {numbers[-1]}")
    return found


def filling_problems(
    domain: str, datasets: Mapping[str, Mapping[str, str]], filling: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """Filling and aggregation per attribute (docs/aws-sources.md#forecast-howitworks-missing-values); the target's
    rules are its own."""
    target = FORECAST_DOMAINS[domain][1]
    related = [name for name, kind in datasets.get("related", {}).items() if kind in ("float", "integer")]
    found = []
    for attribute, rules in filling.items():
        if attribute not in (target, *related):
            found.append(f"{attribute}: not the target nor a related series; allowed: {', '.join([target, *related])}")
            continue
        allowed = TARGET_FILLING if attribute == target else RELATED_FILLING
        for rule, value in rules.items():
            base = rule.removesuffix("_value")
            if base not in allowed:
                found.append(f"{attribute}.{rule}: not a rule for it; allowed: {', '.join(allowed)}")
            elif rule != base:
                if rules.get(base) != "value":
                    found.append(f"{attribute}.{rule}: only beside {base}: value")
            else:
                found += [f"{attribute}.{rule}: {problem}" for problem in not_one_of(value, allowed[rule])]
                if value == "value" and f"{rule}_value" not in rules:
                    found.append(f"{attribute}.{rule}: value needs {rule}_value, the number")
    return found
