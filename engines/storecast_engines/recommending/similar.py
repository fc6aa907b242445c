"""Similar-Items: co-occurrence in user histories, and metadata for items with few users.

    score(i, j) = w cos(i, j) + (1 - w) meta(i, j),    w = n_i / (n_i + COLD)
cos is the cosine of the two items' users, for pairs that at least min_cointeraction_count users share; meta is the
cosine of their categories, each weighted by log(items / items of the category); n_i is the number of i's users.
The guide (https://docs.aws.amazon.com/personalize/latest/dg/native-recipe-similar-items.html) calls an item with fewer
than five interactions cold; AWS does not publish its model (of hidden dimensions). Numbers, and categories of a single
item, are not used. Unknown items get popular ones; popularity also fills a list up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from storecast_engines.recommending.also_viewed import companions
from storecast_engines.recommending.events import Events, History, codes_of
from storecast_engines.recommending.ranking import Ranking, best
from storecast_engines.recommending.settings import Settings

if TYPE_CHECKING:  # answering requests must not load pandas
    import pandas as pd

COLD = 5.0
FILL = 1e-6  # below any similarity that counts


def train(events: Events, items: pd.DataFrame | None, settings: Settings) -> dict[str, np.ndarray]:
    """Model: `share` (N,) of the users, `weight` (N,) w; companions by cosine as in association.companions;
    categories both ways: `item_start` (N+1,), `item_categories`, `item_weights`, `category_start`, `category_items`,
    `category_weights`."""
    related = companions(events, settings)
    users = related["share"] * max(len(events.user_ids), 1)
    return {
        **related,
        "weight": users / (users + COLD),
        **_categories(events.item_ids, items),
    }


def _categories(item_ids: np.ndarray, items: pd.DataFrame | None) -> dict[str, np.ndarray]:
    """Each item's categories with unit length, by item and by category."""
    found: set[tuple[int, str]] = set()
    if items is not None:
        codes = codes_of(item_ids, items["ITEM_ID"].astype(str).to_numpy(dtype=np.str_)).tolist()
        for name in items.columns.drop("ITEM_ID"):
            values = items[name].tolist()
            texts = [(code, value) for code, value in zip(codes, values, strict=True) if isinstance(value, str)]
            found.update((code, f"{name}={each}") for code, value in texts for each in value.split("|") if each)
    pairs = sorted(found)  # the order of a set of strings changes from process to process
    _, category = np.unique(np.array([name for _, name in pairs], dtype=np.str_), return_inverse=True)
    item = np.array([code for code, _ in pairs], dtype=np.int64)
    sizes = np.bincount(category)
    shared = sizes[category] > 1
    item, category = item[shared], category[shared]
    weight = np.log(len(item_ids) / sizes[category])
    length = np.sqrt(np.bincount(item, weights=weight**2, minlength=len(item_ids)))
    weight = weight / np.maximum(length[item], FILL)
    by_item, by_category = np.lexsort((category, item)), np.lexsort((item, category))
    return {
        "item_start": np.searchsorted(item[by_item], np.arange(len(item_ids) + 1)),
        "item_categories": category[by_item],
        "item_weights": weight[by_item],
        "category_start": np.searchsorted(category[by_category], np.arange(len(sizes) + 1)),
        "category_items": item[by_category],
        "category_weights": weight[by_category],
    }


def recommend(
    model: dict[str, np.ndarray], history: History, item: int | None, k: int, allowed: np.ndarray, settings: Settings
) -> Ranking:
    """The k allowed items most similar to `item`; no scores, as on AWS."""
    scores = FILL * model["share"]
    if item is not None and item >= 0:
        row, weight = slice(model["start"][item], model["start"][item + 1]), model["weight"][item]
        scores[model["companions"][row]] += weight * model["scores"][row]
        own = slice(model["item_start"][item], model["item_start"][item + 1])
        for category, mine in zip(model["item_categories"][own], model["item_weights"][own], strict=True):
            members = slice(model["category_start"][category], model["category_start"][category + 1])
            scores[model["category_items"][members]] += (1 - weight) * mine * model["category_weights"][members]
    return Ranking(best(scores, k, allowed & (scores > 0)).items)
