"""The panel that all jobs start from: what the engines read, made of a dataset group's imported files."""

from dataclasses import replace

import pandas as pd

from localaws.errors import JobFailed
from localaws.services.forecast import schema
from localaws.services.forecast.private import Datasets, Settings
from storecast_engines.forecasting.panel import Panel, build_panel


def panel_of(datasets: Datasets, settings: Settings) -> Panel:
    """The panel of a dataset group's imported files. Raises JobFailed with what is wrong with them."""
    domain = schema.DOMAINS[datasets[schema.TARGET]["domain"]]
    frames = {kind: _frame(about["files"]) for kind, about in datasets.items()}
    try:
        panel = build_panel(
            frames[schema.TARGET],
            frames.get(schema.RELATED),
            frames.get(schema.METADATA),
            item_key=domain.item_key,
            dimensions=settings["dimensions"],
            target_name=domain.target,
            freq=settings["frequency"],
            horizon=settings["horizon"],
            transformations=settings["transformations"],
            boundary=settings["boundary"],
        )
    except ValueError as error:
        raise JobFailed(str(error)) from None
    return replace(panel, country=settings.get("country"))


def _frame(files: list[str]) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
