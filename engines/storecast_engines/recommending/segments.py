"""User segments: the users who are likeliest to interact with an item (Item-Affinity), or with the items that have an
attribute (Item-Attribute-Affinity).

A user's affinity is the sum of the user model's scores (user_personalization.py) for the wanted items. Users with the
same affinity, such as all for an item that the model does not know, come by their number of events. AWS publishes no
formula (https://docs.aws.amazon.com/personalize/latest/dg/user-segmentation-recipes.html).

Evaluation by the guide ("Evaluating a solution version with metrics"): the oldest 80% of each user's events train, of
the items or attributes in the newest 20% each asks for 1% of the users. hits_at_1_percent is the mean number of those
who did interact, recall_at_1_percent their mean share of all who did; coverage the share of the users in any segment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from storecast_engines.recommending import als, user_personalization
from storecast_engines.recommending.events import Events, codes_of
from storecast_engines.recommending.settings import Settings

if TYPE_CHECKING:
    import pandas as pd
    from scipy import sparse

TRAINED_SHARE = 0.8
MOST_QUERIES = 1000  # of an evaluation, evenly chosen among all
METRICS = ("coverage", "hits_at_1_percent", "recall_at_1_percent")


def train(events: Events, items: pd.DataFrame | None, settings: Settings) -> dict[str, np.ndarray]:
    """Model: as in user_personalization.py."""
    return user_personalization.train(events, items, settings)


def histories(events: Events, settings: Settings) -> sparse.csr_matrix:
    """(U, N) each user's items with the weights of user_personalization.weighted_history."""
    from scipy import sparse  # here and not above: answering requests must not load it

    n_users, n_items = len(events.user_ids), len(events.item_ids)
    pairs, newest, counts = np.unique(
        (events.users.astype(np.int64) * n_items + events.items)[::-1], return_index=True, return_counts=True
    )
    users, items = np.divmod(pairs, n_items)
    order = np.lexsort((newest, users))  # `newest` counts from the last event: small is recent
    users, items, counts = users[order], items[order], counts[order]
    place = np.arange(len(users)) - np.searchsorted(users, users)
    kept = place < settings.history_reach
    weights = np.log2(1.0 + counts) * settings.recency_decay**place
    return sparse.csr_matrix((weights[kept], (users[kept], items[kept])), shape=(n_users, n_items))


def affinities(model: dict[str, np.ndarray], matrix: sparse.csr_matrix, wanted: np.ndarray) -> np.ndarray:
    """(U,) affinity of each user. matrix: `histories`; wanted: (N,) bool, the items."""
    target = wanted[model["columns"]].astype(np.float32)
    known = matrix[:, model["columns"]]
    if "ease" in model:
        return np.asarray(known @ (model["ease"] @ target))
    items = model["factors"].T @ target
    found = np.zeros(matrix.shape[0])
    for user in np.flatnonzero(np.diff(known.indptr)).tolist() if target.any() else ():
        row = slice(known.indptr[user], known.indptr[user + 1])
        found[user] = als.user_factors(model, known.indices[row], known.data[row]) @ items
    return found


def segment(events: Events, affinity: np.ndarray, k: int, allowed: np.ndarray | None = None) -> np.ndarray:
    """The k users with events who have the highest affinity, best first, as codes; ties by their number of events."""
    numbers = np.diff(events.user_start)
    active = np.flatnonzero((numbers > 0) if allowed is None else (numbers > 0) & allowed)
    order = np.lexsort((active, -numbers[active], -np.round(affinity[active], 9)))
    return active[order[:k]]


def attributes(item_ids: np.ndarray, items: pd.DataFrame) -> dict[tuple[str, str], list[int]]:
    """By column and value, the codes of the items that have it. A text holds several values with | between them; names
    of columns are in upper case."""
    codes = codes_of(item_ids, items["ITEM_ID"].astype(str).to_numpy(dtype=np.str_)).tolist()
    found: dict[tuple[str, str], list[int]] = {}
    for name in items.columns.drop("ITEM_ID"):
        for code, value in zip(codes, items[name].tolist(), strict=True):
            for each in _values(value):
                if code >= 0 and each:
                    found.setdefault((name.upper(), each), []).append(code)
    return found


def _values(value: object) -> list[str]:
    if isinstance(value, str):
        return value.split("|")
    return [f"{value:g}"] if isinstance(value, int | float) and value == value else []


def having(n_items: int, codes: list[int]) -> np.ndarray:
    """(n_items,) bool, the items of some codes."""
    wanted = np.zeros(n_items, dtype=bool)
    wanted[codes] = True
    return wanted


def evaluate(
    events: Events, items: pd.DataFrame | None, settings: Settings, by_attribute: bool
) -> tuple[dict[str, float], int]:
    """The metrics, and the number of queries that they are means of; 0 where nobody has newer events to predict."""
    places = np.arange(len(events)) - events.user_start[events.users]
    old = places < np.ceil(TRAINED_SHARE * np.diff(events.user_start))[events.users]
    training, test = events.take(old), events.take(~old)
    model = train(training, items, settings)
    matrix = histories(training, settings)
    k = max(round(0.01 * np.count_nonzero(np.diff(training.user_start))), 1)
    shown, hits, recalls = [np.empty(0, dtype=np.int64)], [], []
    for codes in _queries(test, items, by_attribute):
        wanted = having(len(events.item_ids), codes)
        actual = np.unique(test.users[wanted[test.items]])
        if not len(actual):
            continue
        found = segment(training, affinities(model, matrix, wanted), k)
        shown.append(found)
        hits.append(len(np.intersect1d(found, actual)))
        recalls.append(hits[-1] / len(actual))
    coverage = len(np.unique(np.concatenate(shown))) / max(len(events.user_ids), 1)
    means = [float(np.mean(each)) if each else 0.0 for each in (hits, recalls)]
    return dict(zip(METRICS, [coverage, *means], strict=True)), len(hits)


def _queries(test: Events, items: pd.DataFrame | None, by_attribute: bool) -> list[list[int]]:
    """Codes of items, of each query."""
    if by_attribute and items is not None:
        queries = list(attributes(test.item_ids, items).values())
    else:
        queries = [[item] for item in np.unique(test.items).tolist()]
    chosen = min(len(queries), MOST_QUERIES)
    return [queries[at * len(queries) // chosen] for at in range(chosen)]
