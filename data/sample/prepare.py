"""The sample dataset: demand with known drivers, and baskets with planted complements. Entirely synthetic."""

from pathlib import Path

import numpy as np
import pandas as pd

from data.sample import shop
from data.summary import Summary, build_key, finished_build, write_build

DAYS, HORIZON = 200, 14
START = pd.Timestamp("2024-01-01")
USERS = 120
BASKETS_PER_USER = 8
COMPLEMENT_SHARE = 0.75  # of the baskets with the first item of a pair, those that get the second one
BROWSED_PER_BASKET = 1.0  # Poisson mean of the items viewed and not bought


def prepare(out: Path, *, full: bool = False, seed: int = 0) -> Summary:
    """Write the dataset below `out` and return its summary; if `out` holds this very build already, only return it.

    There is only one size: `full` is taken so that every dataset is built by the same call.
    """
    code = [*Path(__file__).parent.glob("*.py"), Path(__file__).parents[1] / "summary.py"]
    build = build_key({"dataset": "sample", "full": full, "seed": seed, "numpy": np.__version__}, code)
    if done := finished_build(out, build):
        return done
    rng = np.random.default_rng(seed)
    demand, related = series(rng)
    events = interactions(rng)
    target_end = START + pd.Timedelta(days=DAYS - 1)
    history = demand.timestamp <= f"{target_end:%Y-%m-%d}"
    return write_build(
        out,
        {
            "forecasting/sample/target/target.csv": (demand[history], False),
            "forecasting/sample/related/related.csv": (related, False),
            "forecasting/sample/metadata/metadata.csv": (metadata(), False),
            "actuals.csv": (demand[~history], True),
            "recommending/sample/interactions/interactions.csv": (events, True),
            "recommending/sample/items/items.csv": (items(), True),
            "recommending/sample/users/users.csv": (users(), True),
        },
        dataset="sample",
        key=build,
        seed=seed,
        full=full,
        licence="Apache-2.0, as Storecast itself",
        origin="made up by data/sample/prepare.py",
        period={"target_start": f"{START:%Y-%m-%d}", "target_end": f"{target_end:%Y-%m-%d}",
                "related_end": related.timestamp.max()},
        simulated="Everything here is synthetic.",
        rules={
            "demand": "Poisson around level x weekday x trend x (price/usual price)^-2",
            "complements": "; ".join(f"{first} -> {second}" for first, second in shop.COMPLEMENTS),
        },
        figures={"series": len(shop.SERIES), "time_steps": DAYS, "horizon": HORIZON, "items": len(items()),
                 "users": USERS, "events": len(events),
                 **{f"{kind} events": int(n) for kind, n in events.EVENT_TYPE.value_counts().items()}},
    )  # fmt: skip


def series(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Demand (item_id, timestamp, demand) and price (item_id, timestamp, price), both for 200 + 14 days."""
    days = pd.date_range(START, periods=DAYS + HORIZON)
    usual = np.array([price for _, price, _ in shop.SERIES.values()])[:, None]
    level = np.array([units for units, _, _ in shop.SERIES.values()])[:, None]
    weekday = np.array([0.8, 0.8, 0.9, 1.0, 1.2, 1.4, 0.9])[days.dayofweek]
    trend = 1 + np.linspace(-0.1, 0.3, len(days)) * rng.uniform(-1, 1, (len(level), 1))
    on_offer = np.repeat(rng.random((len(level), len(days) // 7 + 1)) < 0.2, 7, axis=1)[:, : len(days)]
    price = np.where(on_offer, usual * 0.8, usual).round(2)
    units = rng.poisson(level * weekday * trend * (price / usual) ** -2)
    item_ids, timestamps = list(shop.SERIES), days.strftime("%Y-%m-%d")
    index = {"item_id": np.repeat(item_ids, len(days)), "timestamp": np.tile(timestamps, len(item_ids))}
    return pd.DataFrame({**index, "demand": units.ravel()}), pd.DataFrame({**index, "price": price.ravel()})


def metadata() -> pd.DataFrame:
    """item_id, category, brand."""
    rows = [(name, category, "house" if price < 3 else "branded") for name, (_, price, category) in shop.SERIES.items()]
    return pd.DataFrame(rows, columns=["item_id", "category", "brand"])


def items() -> pd.DataFrame:
    """ITEM_ID i01..i60, PRICE, CATEGORY_L1 and PRODUCT_NAME."""
    rows = [(category, name) for category, names in shop.SHELVES.items() for name in names]
    return pd.DataFrame(
        {
            "ITEM_ID": [shop.item_id(name) for _, name in rows],
            "PRICE": [round(1 + 0.35 * (number % 17), 2) for number in range(len(rows))],
            "CATEGORY_L1": [category for category, _ in rows],
            "PRODUCT_NAME": [name for _, name in rows],
        }
    )


def users() -> pd.DataFrame:
    """USER_ID u001..u120 and AGE."""
    ages = ["18-34", "35-54", "55+", "unknown"]
    rows = [(f"u{number + 1:03d}", ages[number % 4]) for number in range(USERS)]
    return pd.DataFrame(rows, columns=["USER_ID", "AGE"])


def interactions(rng: np.random.Generator) -> pd.DataFrame:
    """View and Purchase events: USER_ID, ITEM_ID, TIMESTAMP (epoch seconds), EVENT_TYPE.

    Each basket starts from one item of the two shelves its user likes; the second item of a planted pair joins the
    first in most baskets and is otherwise no more likely than others. Everything bought was viewed minutes before.
    """
    shelves = list(shop.SHELVES.values())
    names = [name for shelf in shelves for name in shelf]
    partner = dict(shop.COMPLEMENTS)
    rows = []
    for user in users().USER_ID:
        liked = [name for shelf in rng.choice(len(shelves), 2, replace=False) for name in shelves[shelf]]
        days = rng.choice(DAYS, BASKETS_PER_USER, replace=False)
        for day in np.sort(days):
            bought = [str(rng.choice(liked))]
            if bought[0] in partner and rng.random() < COMPLEMENT_SHARE:
                bought.append(partner[bought[0]])
            extra = str(rng.choice(names))
            if rng.random() < 0.4 and extra not in bought:
                bought.append(extra)
            browsed = [str(rng.choice(names)) for _ in range(rng.poisson(BROWSED_PER_BASKET))]
            paid = int(START.timestamp()) + int(day) * 86_400 + int(rng.integers(9 * 3_600, 20 * 3_600))
            looks = bought + browsed
            rows += [(user, name, paid - 60 * (len(looks) - n), "View") for n, name in enumerate(looks)]
            rows += [(user, name, paid, "Purchase") for name in bought]
    events = pd.DataFrame(rows, columns=["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE"])
    events["ITEM_ID"] = events.ITEM_ID.map(shop.item_id)
    return events.sort_values(["TIMESTAMP", "USER_ID", "EVENT_TYPE", "ITEM_ID"])
