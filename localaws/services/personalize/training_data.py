"""What of the imported data trains a model: event type and value, columns, users by the length of their history."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from localaws.errors import JobFailed, invalid
from localaws.registration import Context
from localaws.services.personalize import streams
from localaws.services.personalize.datasets import fields_of, group_datasets
from localaws.services.personalize.domains import KEYS
from storecast_engines import recommending

PERCENTILES = ("min_user_history_length_percentile", "max_user_history_length_percentile")


@dataclass(frozen=True)
class Selection:
    """`excluded`: columns by dataset type. `percentiles`: of history lengths, the shortest and longest that train.
    `thresholds`: by event type, the least event value that trains; where there are any, other types do not train."""

    event_type: str | None = None
    event_value_threshold: float | None = None
    excluded: Mapping[str, list[str]] = field(default_factory=dict)
    percentiles: tuple[float, float] = (0.0, 1.0)
    thresholds: Mapping[str, float | None] = field(default_factory=dict)


def excluded_columns(context: Context, group_arn: str, config: Mapping) -> dict[str, list[str]]:
    """Of a trainingDataConfig, by dataset type (docs/aws-sources.md#personalize-API_TrainingDataConfig). Raises
    InvalidInputException."""
    metadata = {
        kind: [each.name for each in fields_of(context, dataset) if each.name not in (*KEYS, "EVENT_TYPE")]
        for kind, dataset in group_datasets(context, group_arn).items()
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


def training_frames(
    files: dict[str, list[str]], selection: Selection
) -> tuple[pd.DataFrame, pd.DataFrame | None, pd.DataFrame | None]:
    """Interactions, items and users (None without any) that train. A custom schema may lack EVENT_TYPE; all its events
    are of one type then."""
    interactions = frame_of(files["INTERACTIONS"])
    if selection.event_value_threshold is not None:
        if "EVENT_VALUE" not in interactions.columns:
            raise JobFailed("eventValueThreshold needs the field EVENT_VALUE in the Interactions dataset.")
        interactions = interactions[interactions["EVENT_VALUE"].astype("float64") >= selection.event_value_threshold]
    if selection.thresholds:
        interactions = interactions[_wanted(interactions, selection.thresholds)]
    types = interactions["EVENT_TYPE"].fillna("") if "EVENT_TYPE" in interactions.columns else ""
    interactions = interactions.assign(EVENT_TYPE=types).drop(columns=selection.excluded.get("INTERACTIONS", []))
    items, users = (
        frame_of(files[kind], key).drop(columns=selection.excluded.get(kind, [])) if kind in files else None
        for kind, key in (("ITEMS", "ITEM_ID"), ("USERS", "USER_ID"))
    )
    return interactions, items, users


def _wanted(interactions: pd.DataFrame, thresholds: Mapping[str, float | None]) -> pd.Series:
    """Whether each event is of a type that trains, with a value that reaches the type's threshold."""
    wanted = interactions["EVENT_TYPE"].isin(list(thresholds))
    for event_type, least in thresholds.items():
        if least is not None:
            low = ~(interactions["EVENT_VALUE"].astype("float64") >= least)
            wanted &= ~((interactions["EVENT_TYPE"] == event_type) & low)
    return wanted


def read_file(file: Path) -> pd.DataFrame:
    if file.name != streams.FILE:
        return pd.read_parquet(file)
    records = streams.read(file)
    if "SESSION_ID" not in records[0]:
        return pd.DataFrame(records)
    events = streams.read_attributed(file)
    return pd.DataFrame(events, columns=list(events[0]) if events else list(recommending.REQUIRED))


def frame_of(files: list[str], key: str | None = None) -> pd.DataFrame:
    """Newer files come later; a record with the same key takes the place of the older one."""
    frame = pd.concat([read_file(Path(file)) for file in files], ignore_index=True)
    return frame.drop_duplicates(key, keep="last", ignore_index=True) if key else frame
