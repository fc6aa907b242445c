"""What of the imported data trains a model: event type and value, columns, users by the length of their history."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from localaws.registration import Context
from localaws.services.personalize.api.datasets import fields_of
from localaws.services.personalize.domains import KEYS
from localaws.services.personalize.resource_types import children, invalid

PERCENTILES = ("min_user_history_length_percentile", "max_user_history_length_percentile")


@dataclass(frozen=True)
class Selection:
    """`excluded`: columns by dataset type. `percentiles`: of history lengths, the shortest and longest that train."""

    event_type: str | None = None
    event_value_threshold: float | None = None
    excluded: Mapping[str, list[str]] = field(default_factory=dict)
    percentiles: tuple[float, float] = (0.0, 1.0)


def excluded_columns(context: Context, group_arn: str, config: Mapping) -> dict[str, list[str]]:
    """Of a trainingDataConfig, by dataset type (API_TrainingDataConfig.md). Raises InvalidInputException."""
    metadata = {
        dataset.record["datasetType"]: [
            each.name for each in fields_of(context, dataset) if each.name not in (*KEYS, "EVENT_TYPE")
        ]
        for dataset in children(context, "Dataset", "datasetGroupArn", group_arn)
    }
    excluded: dict[str, list[str]] = {}
    for member in ("excludedDatasetColumns", "includedDatasetColumns"):
        for kind, names in config.get("trainingDataConfig", {}).get(member, {}).items():
            known = metadata.get(kind.upper())
            if known is None:
                raise invalid(f"trainingDataConfig: {kind} is not one of the datasets {', '.join(sorted(metadata))}.")
            if unknown := [name for name in names if name not in (*known, *KEYS, "EVENT_TYPE")]:
                raise invalid(f"trainingDataConfig: {kind} has {', '.join(known)}, not {', '.join(unknown)}.")
            if member == "includedDatasetColumns":
                names = [name for name in known if name not in names]
            elif needed := [name for name in names if name not in known]:
                raise invalid(f"trainingDataConfig: {', '.join(needed)} of {kind} is needed in every training.")
            excluded[kind.upper()] = [*excluded.get(kind.upper(), []), *names]
    return excluded


def percentiles(parameters: Mapping[str, str]) -> tuple[float, float]:
    """The lowest and the highest percentile of featureTransformationParameters. Raises InvalidInputException."""
    found = []
    for name, default in zip(PERCENTILES, ("0.0", "1.0"), strict=True):
        text = parameters.get(name, default)
        try:
            found.append(float(text))
        except ValueError:
            raise invalid(f"{name} is {text!r}; it must be a number from 0.0 to 1.0.") from None
    low, high = found
    if not 0 <= low < high <= 1:
        raise invalid(f"{PERCENTILES[0]} is {low}, {PERCENTILES[1]} {high}: they must rise within 0.0 and 1.0.")
    return low, high


def threshold(config: Mapping) -> float | None:
    """eventValueThreshold. Raises InvalidInputException."""
    text = config.get("eventValueThreshold")
    try:
        return None if text is None else float(text)
    except ValueError:
        raise invalid(f"eventValueThreshold is {text!r}; it must be a number.") from None
