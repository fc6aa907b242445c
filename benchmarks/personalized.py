"""Recommended for you beside implicit's ALS and plain popularity on public ratings, by Personalize's own protocol.

90% of the users train; of each other user the oldest 90% of the events are the input and the newest 10% the truth. Here
every user is asked once, in ten folds. Seen items are neither answered nor part of the truth. All models get the same
requests; implicit's solves the user's factors again from the input (recalculate_user).

The data is others' and does not come with Storecast: name the folder that holds it by --shared or by STORECAST_SHARED.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse

from storecast_engines.recommending import RECIPES, Events, History, Settings, encode, train
from storecast_engines.recommending.association import incidence
from storecast_engines.recommending.evaluate import requests, split_users
from storecast_engines.recommending.metrics import LONGEST, summarize

PLACE = Path("data/movielens")
FOR_YOU = RECIPES["aws-ecomm-recommended-for-you"]
FOLDS = 10
Answer = Callable[[History, np.ndarray], np.ndarray]  # the history and what is allowed -> ranked codes


def ml_100k(folder: Path) -> pd.DataFrame:
    """MovieLens 100k as RecBole packs it: 943 users, 1,682 films, every rating an event."""
    columns = ["USER_ID", "ITEM_ID", "RATING", "TIMESTAMP"]
    return pd.read_csv(folder / "ml-100k.inter", sep="\t", names=columns, skiprows=1).assign(EVENT_TYPE="Rating")


def ml_latest_small(folder: Path) -> pd.DataFrame:
    """MovieLens latest-small as AWS's samples prepare it for Personalize: click above 1 star, watch above 3."""
    return pd.read_csv(folder / "ml-latest-small.csv")


DATA = {"ml-100k": ml_100k, "ml-latest-small": ml_latest_small}


def ours(**settings: Any) -> Callable[[Events], Answer]:
    def trained(events: Events) -> Answer:
        chosen = Settings(**settings)
        model = train(FOR_YOU, events, None, chosen, minimums=False)
        return lambda history, allowed: FOR_YOU.recommend(model, history, None, LONGEST, allowed, chosen).items

    return trained


def implicit_als(events: Events) -> Answer:
    matrix = incidence(events.users, events.items, len(events.item_ids))
    als = AlternatingLeastSquares(factors=64, iterations=15, random_state=0, num_threads=1)
    als.fit(matrix, show_progress=False)

    def answer(history: History, allowed: np.ndarray) -> np.ndarray:
        counts = np.bincount(history.items, minlength=len(allowed)).astype(np.float32)
        row = sparse.csr_matrix(counts)
        wanted = {"recalculate_user": True, "filter_already_liked_items": False}
        found, _ = als.recommend(0, row, LONGEST, filter_items=np.flatnonzero(~allowed), **wanted)
        return found

    return answer


def popularity(events: Events) -> Answer:
    order = np.argsort(-events.item_counts(), kind="stable")
    return lambda history, allowed: order[allowed[order]][:LONGEST]


MODELS = {
    "popularity": popularity,
    "implicit ALS": implicit_als,
    "recommended for you (EASE)": ours(),
    "same, order of events ignored": ours(recency_decay=1.0),
    "recommended for you (ALS)": ours(ease_max_items=0),
}


def measure(events: Events, model: Callable[[Events], Answer]) -> dict[str, float]:
    n_items = len(events.item_ids)
    folds = []
    for fold in range(FOLDS):
        training, test = split_users(events, fold)
        answer = model(training)
        folds.append(summarize(_answers(answer, test, n_items), n_items, all_relevant=True))
    return {name: float(np.mean([fold[name] for fold in folds])) for name in folds[0]}


def _answers(answer: Answer, test: Events, n_items: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for request in requests(replace(FOR_YOU, excludes=None), test, Settings()):
        allowed = np.ones(n_items, dtype=bool)
        allowed[request.history.items] = False
        truth = request.truth[allowed[request.truth]]
        if len(truth):
            yield answer(request.history, allowed), truth


def row(name: str, metrics: dict[str, float]) -> str:
    coverage, reciprocal_rank, *others = (f"{value:.3f}".lstrip("0") for value in metrics.values())
    return f"| {name} | {coverage} | {reciprocal_rank} | {'/'.join(others[:3])} | {'/'.join(others[3:])} |"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.personalized", description=__doc__)
    parser.add_argument("--shared", default=os.environ.get("STORECAST_SHARED"), metavar="DIR")
    parser.add_argument("--only", nargs="+", choices=MODELS, default=list(MODELS), metavar="MODEL")
    given = parser.parse_args(arguments)
    if given.shared is None or not (Path(given.shared) / PLACE).exists():
        where = f"in {given.shared}" if given.shared else "because neither --shared nor STORECAST_SHARED names a folder"
        print(f"Skipped: there is no {PLACE} {where}.")
        return
    for title, read in DATA.items():
        events = encode(read(Path(given.shared) / PLACE))
        print(f"\n{title}: {len(events)} events, {len(events.user_ids)} users, {len(events.item_ids)} items\n")
        print("| model | coverage | MRR@25 | NDCG@5/10/25 | precision@5/10/25 |\n| --- | ---: | ---: | --- | --- |")
        for name in given.only:
            print(row(name, measure(events, MODELS[name])), flush=True)


if __name__ == "__main__":
    main()
