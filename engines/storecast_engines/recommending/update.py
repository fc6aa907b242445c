"""An update of a User-Personalization model: new items and events come in, what was learnt of the others stays.

native-recipe-new-item-USER_PERSONALIZATION.md: an update is no retraining; it lets new items be explored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .events import Events, codes_of
from .recipes import Model
from .user_personalization import age_days

if TYPE_CHECKING:
    import pandas as pd


def update(model: Model, events: Events, items: pd.DataFrame | None) -> Model:
    """The model over the items of `events`, those without a weight of their own yet among them."""
    codes = codes_of(events.item_ids, model["item_ids"])[model["columns"]]
    known = codes >= 0
    renewed = {"item_ids": events.item_ids, "columns": codes[known], "counts": events.item_counts()}
    if "ease" in model:
        renewed["ease"] = model["ease"][np.ix_(known, known)]
    else:
        factors = model["factors"][known]
        renewed |= {"factors": factors, "gram": factors.T @ factors}
    return model | renewed | {"age_days": age_days(events, items)}
