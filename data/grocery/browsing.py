"""SIMULATED page views and cart additions around real purchases: the Complete Journey has no browsing data.

Model. Before each basket its household visits the shop's site: one session minutes to hours before the basket, for some
baskets also one a few days earlier. Every bought item is viewed and put into the cart in one of them
(View -> AddToCart -> Purchase). Besides, detours: items viewed and not bought, mostly of the category of a bought
item, else from the whole shop, each drawn in proportion to how many baskets hold it; a few detours reach the cart and
stay there. Within a session items come in random order and each keeps the visitor for a while.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

DAY = 86_400


@dataclass(frozen=True)
class BrowsingModel:
    """Parameters of the simulation. Times in seconds."""

    detours_per_item: float = 0.8  # Poisson mean, per bought item
    similar_share: float = 0.7  # of the detours, those within the category of the bought item
    abandoned_share: float = 0.1  # of the detours, those that reach the cart
    early_basket_share: float = 0.3  # baskets with a second, earlier session
    early_item_share: float = 0.4  # of such a basket's items and detours, those viewed in the earlier session
    gap: tuple[int, int] = (300, 10_800)  # from the end of the session to the basket: 5 minutes to 3 hours
    early_gap: tuple[int, int] = (DAY, 3 * DAY)
    dwell_minimum: int = 4
    dwell_mean: float = 25.0  # on top of the minimum, exponential


def browse(lines: pd.DataFrame, category: pd.Series, model: BrowsingModel, rng: np.random.Generator) -> pd.DataFrame:
    """View and AddToCart events for the purchased lines: USER_ID, ITEM_ID, TIMESTAMP (epoch seconds), EVENT_TYPE.

    `lines` holds USER_ID, ITEM_ID, TIMESTAMP and basket_id of every purchase; `category` maps ITEM_ID to a category.
    """
    looks = pd.concat([lines.assign(to_cart=True), detours(lines, category, model, rng)], ignore_index=True)
    basket, first_row = np.unique(looks.basket_id.to_numpy(), return_inverse=True)
    two_sessions = rng.random(len(basket)) < model.early_basket_share
    early = two_sessions[first_row] & (rng.random(len(looks)) < model.early_item_share)
    session = first_row * 2 + early
    ends_before = np.stack([rng.integers(*model.gap, len(basket)), rng.integers(*model.early_gap, len(basket))], axis=1)

    order = np.lexsort((rng.random(len(looks)), session))
    looks, session = looks.iloc[order], session[order]
    dwell = model.dwell_minimum + rng.exponential(model.dwell_mean, len(looks)).astype(np.int64)
    clock = np.cumsum(dwell)
    last = np.searchsorted(session, session, side="right") - 1
    session_end = looks.TIMESTAMP.to_numpy() - ends_before.reshape(-1)[session]
    viewed = session_end - (clock[last] - clock + dwell)
    carted = viewed + dwell // 2  # while the page is open, so before the next View and before the session's end

    looks = looks[["USER_ID", "ITEM_ID", "to_cart"]]
    views = looks.assign(TIMESTAMP=viewed, EVENT_TYPE="View")
    carts = looks.assign(TIMESTAMP=carted, EVENT_TYPE="AddToCart")[looks.to_cart]
    return pd.concat([views, carts])[["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE"]].drop_duplicates()


def detours(lines: pd.DataFrame, category: pd.Series, model: BrowsingModel, rng: np.random.Generator) -> pd.DataFrame:
    """Items viewed and not bought in that basket: columns of `lines` and to_cart (reached the cart)."""
    near = lines.loc[lines.index.repeat(rng.poisson(model.detours_per_item, len(lines)))]
    counts = lines.ITEM_ID.value_counts().rename("baskets").to_frame()
    counts["category"] = category.loc[counts.index].to_numpy()
    counts = counts.sort_values("category", kind="stable")
    edge = counts.baskets.cumsum()
    # Items lie side by side on a line, each as long as its baskets, categories in one piece: a uniform point within a
    # category's piece (or the whole line) is a draw in proportion to popularity.
    stop = edge.groupby(counts.category).max()
    start = stop - counts.groupby("category").baskets.sum()
    near_category = category.loc[near.ITEM_ID].to_numpy()
    similar = rng.random(len(near)) < model.similar_share
    low = np.where(similar, start.loc[near_category], 0)
    high = np.where(similar, stop.loc[near_category], edge.iloc[-1])
    drawn = counts.index.to_numpy()[np.searchsorted(edge.to_numpy(), rng.integers(low, high), side="right")]
    seen = near.assign(ITEM_ID=drawn, to_cart=rng.random(len(near)) < model.abandoned_share)
    bought = pd.MultiIndex.from_frame(lines[["basket_id", "ITEM_ID"]])
    return seen[~pd.MultiIndex.from_frame(seen[["basket_id", "ITEM_ID"]]).isin(bought)]
