"""A made-up shop with known complements and co-views: do the recommenders of related items find what was planted?

Items sell by Zipf's law. Half of them come in pairs of complements: a basket with the one holds the other with the
chance `--chance`. Half of them (in other pairs) are viewed together: who viewed the one views the other on a later day,
with the same chance. An item is asked for its planted partner; what counts is whether that is among the first 10. An
item met by few baskets or users cannot show its partner, so results are by number of baskets (users) with both.
"""

import argparse
from dataclasses import dataclass

import numpy as np
import pandas as pd

from storecast_engines.recommending import Recommender

CHANCE, DAY, START = 0.15, 86_400, 1_600_000_000
RECIPES_OF = {
    "Purchase": "aws-ecomm-frequently-bought-together",
    "View": "aws-ecomm-customers-who-viewed-x-also-viewed",
}
BINS = {"3 to 4": (3, 5), "5 to 9": (5, 10), "10 or more": (10, np.inf)}


@dataclass(frozen=True)
class Shop:
    """`interactions` as the Interactions dataset; `pairs` by event type: (P, 2) planted items, and how many baskets
    (users) met `both` of each pair, (P,)."""

    interactions: pd.DataFrame
    pairs: dict[str, np.ndarray]
    both: dict[str, np.ndarray]


def shop(users: int, items: int, visits: int, together: float = CHANCE, seed: int = 0) -> Shop:
    """Each user visits on `visits` days: buys a basket of 1 + Poisson(1.5) items, views 1 + Poisson(2). An item brings
    its partner along with the chance `together`."""
    rng = np.random.default_rng(seed)
    names = np.array([f"item-{n:05d}" for n in range(items)])
    chance = rng.permutation(1.0 / np.arange(1, items + 1) ** 0.8)
    frames, pairs, both = [], {}, {}
    for kind, more, later in (("Purchase", 1.5, 0), ("View", 2.0, 1)):
        partner = _partners(rng, items)
        visit = np.repeat(np.arange(users * visits), 1 + rng.poisson(more, users * visits))
        item = rng.choice(items, len(visit), p=chance / chance.sum())
        brings = (partner[item] >= 0) & (rng.random(len(item)) < together)
        visit = np.concatenate([visit, visit[brings]])
        day = visit % visits + np.where(np.arange(len(visit)) < len(item), 0, later)
        item = np.concatenate([item, partner[item[brings]]])
        user = visit // visits
        times = START + day * DAY + rng.integers(0, 600, len(day))
        row = {"USER_ID": np.char.add("u", user.astype(str)), "ITEM_ID": names[item], "TIMESTAMP": times}
        frames.append(pd.DataFrame(row | {"EVENT_TYPE": kind}))
        left = np.flatnonzero(np.arange(items) < partner)
        pairs[kind] = np.stack([names[left], names[partner[left]]], axis=1)
        both[kind] = _met_both(visit if kind == "Purchase" else user, item, left, partner[left])
    return Shop(pd.concat(frames, ignore_index=True), pairs, both)


def _partners(rng: np.random.Generator, items: int) -> np.ndarray:
    """(items,) the partner of each item, -1 for the half that has none."""
    chosen = rng.permutation(items)[: items // 4 * 2].reshape(-1, 2)
    partner = np.full(items, -1)
    partner[chosen[:, 0]], partner[chosen[:, 1]] = chosen[:, 1], chosen[:, 0]
    return partner


def _met_both(groups: np.ndarray, items: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    of_item = pd.DataFrame({"item": items, "group": groups}).groupby("item")["group"].agg(set).to_dict()
    pairs = zip(left.tolist(), right.tolist(), strict=True)
    return np.array([len(of_item.get(one, set()) & of_item.get(other, set())) for one, other in pairs])


def found(made: Shop, kind: str) -> np.ndarray:
    """(P, 2) bool: is each of the pair among the first 10 of the other's answer?"""
    recommender = Recommender(RECIPES_OF[kind]).fit(made.interactions)

    def lists(item: str, partner: str) -> bool:
        return partner in recommender.recommend(item=item, k=10)["item_id"].tolist()

    return np.array([(lists(one, other), lists(other, one)) for one, other in made.pairs[kind].tolist()])


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted", description=__doc__)
    parser.add_argument("--users", type=int, default=4000)
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--visits", type=int, default=10)
    parser.add_argument("--chance", type=float, default=CHANCE)
    given = parser.parse_args(arguments)
    made = shop(given.users, given.items, given.visits, given.chance)
    print(f"{given.users} users, {given.items} items, {len(made.interactions)} events; hit@10 of planted partners\n")
    print("| event | both met by | pairs | hit@10 |\n| --- | --- | ---: | ---: |")
    for kind in RECIPES_OF:
        hits = found(made, kind)
        for name, (least, most) in BINS.items():
            among = (made.both[kind] >= least) & (made.both[kind] < most)
            print(f"| {kind} | {name} | {among.sum()} | {hits[among].mean() if among.any() else float('nan'):.3f} |")


if __name__ == "__main__":
    main()
