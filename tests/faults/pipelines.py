"""What stories are told about: the two pipelines, each over a small config, with small files for it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

DATASET = "sample"
POISON = "poison"
_RECIPE = "aws-popularity-count"
_ITEMS = 20


@dataclass(frozen=True)
class Pipeline:
    """`kinds` of files, the one that is needed first; `text` draws one, by kind and whether a value of it is poison.
    `calls` are those that meet faults, `small` cuts the payload of Plan down.

    In each line of a file, below `header` lines, the last column is a number that an import keeps.
    """

    name: str
    service: str
    kinds: tuple[str, str]
    calls: tuple[str, ...]
    steps: tuple[str, ...]
    jobs: tuple[str, ...]
    header: int
    text: Callable[..., str]
    small: Callable[[dict[str, Any]], None]
    engine: str = ""  # of forecasting, if it is not Amazon's

    @property
    def key(self) -> str:
        """The name of its state machine's file."""
        return self.engine or self.name

    @property
    def folder(self) -> str:
        return f"{self.name}/{DATASET}/"

    @property
    def files(self) -> tuple[str, ...]:
        """The names under which files arrive."""
        needed, optional = self.kinds
        return f"{needed}/a.csv", f"{needed}/b.csv", f"{optional}/a.csv"

    def values(self, text: str) -> list[float]:
        """Of the last column."""
        cells = [line.rpartition(",")[2] for line in text.split()[self.header :]]
        return [math.nan if cell == POISON else float(cell) for cell in cells]


def series(chance: random.Random, kind: str, poison: bool = False) -> str:
    """Daily values of two items; related ones reach over the horizon."""
    days = 16 if kind == "related" else chance.randint(8, 14)
    lines = [
        f"{item},2025-01-{day:02d},{chance.randrange(100)}" for item in ("milk", "bread") for day in range(1, days)
    ]
    if poison:
        lines[chance.randrange(len(lines))] = f"milk,2025-01-{chance.randint(1, 9):02d},{POISON}"
    return "\n".join(lines) + "\n"


def shop(chance: random.Random, kind: str, poison: bool = False) -> str:
    """Items with prices, or events, most of them about one item that this file likes best."""
    if kind == "items":
        lines = ["ITEM_ID,CATEGORY_L1,PRICE", *(f"i{n},food,{chance.randint(1, 9)}" for n in range(_ITEMS))]
    else:
        best, begun = chance.randrange(_ITEMS), chance.randrange(10**9, 17 * 10**8)
        items = [best if n % 2 else chance.randrange(_ITEMS) for n in range(1100)]
        events = [f"u{n % 30},i{item},{'View' if n % 20 else 'Purchase'},{begun + n}" for n, item in enumerate(items)]
        lines = ["USER_ID,ITEM_ID,EVENT_TYPE,TIMESTAMP", *events]
    if poison:
        at = chance.randrange(1, len(lines))
        lines[at] = lines[at].rpartition(",")[0] + f",{POISON}"
    return "\n".join(lines) + "\n"


def _small_forecasting(payload: dict[str, Any]) -> None:
    config = payload["config"]
    config["datasets"] = {kind: config["datasets"][kind] for kind in FORECASTING.kinds}
    config |= {"algorithms": ["NPTS"], "what_if": {}, "explainability": False, "horizon": 2, "keep": 2}
    config["overlap"] = "sum"  # the files of a story are about the same days: each row counts


def _small_recommending(payload: dict[str, Any]) -> None:
    config = payload["config"]
    payload["recipes"][_RECIPE] = f"arn:aws:personalize:::recipe/{_RECIPE}"
    config["datasets"] = {kind: config["datasets"][kind] for kind in RECOMMENDING.kinds}
    config["use_cases"] = {"most-viewed": config["use_cases"]["most-viewed"]}
    config["solutions"] = {"popular": {**config["solutions"]["similar"], "recipe": _RECIPE}}
    config["filters"] = {"not-bought": config["filters"]["not-bought"]}
    config |= {"batch": {}, "event_tracker": True}


FORECASTING = Pipeline(
    name="forecasting",
    service="forecast",
    kinds=("target", "related"),
    calls=("forecast:Create*", "forecast:Describe*", "forecast:List*", "forecast:Delete*", "forecast:*", "glue:*"),
    steps=("plan", "ensure", "load", "train", "compare", "forecast", "export", "publish"),
    jobs=("DatasetImportJob", "Predictor", "PredictorBacktestExportJob", "Forecast", "ForecastExportJob"),
    header=0,
    text=series,
    small=_small_forecasting,
)
RECOMMENDING = Pipeline(
    name="recommending",
    service="personalize",
    kinds=("interactions", "items"),
    calls=("personalize:Create*", "personalize:Describe*", "personalize:List*", "personalize:Update*", "personalize:*"),
    steps=("plan", "ensure", "load", "recommend", "evaluate", "publish"),
    jobs=("DatasetImportJob", "Recommender", "SolutionVersion"),
    header=1,
    text=shop,
    small=_small_recommending,
)
PIPELINES = (FORECASTING, RECOMMENDING)
STORECAST = replace(FORECASTING, engine="storecast", service="glue", jobs=("JobRun",))
