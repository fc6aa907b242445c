"""Recommender as an estimator: frames of interactions, items and users in, frames of recommendations out."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from storecast_engines.recommending import recipes, segments, user_personalization
from storecast_engines.recommending.evaluate import evaluate
from storecast_engines.recommending.events import NO_HISTORY, Events, History, codes_of, encode
from storecast_engines.recommending.features import (
    log_lift,
    rank_with_features,
    recommend_with_features,
    train_features,
    uses_features,
)
from storecast_engines.recommending.ranking import Ranking
from storecast_engines.recommending.recipes import Model, Recipe
from storecast_engines.recommending.settings import Settings

if TYPE_CHECKING:  # importing the package must not load pandas
    import pandas as pd

_ALL = recipes.RECIPES | recipes.VIDEO_RECIPES | recipes.CUSTOM_RECIPES


@dataclass
class Recommender:
    """Recommendations by one of the recipes of Amazon Personalize.

    recipe    a name in RECIPES (ECOMMERCE), VIDEO_RECIPES or CUSTOM_RECIPES
    settings  of training and recommending

    Column names count in any case. All random seeds are fixed: the same input gives the same recommendations.

    >>> import pandas as pd
    >>> baskets = [["tent", "pegs"], ["milk", "bread"]] * 250
    >>> events = [(f"user{n}", item, n) for n, basket in enumerate(baskets) for item in basket]
    >>> interactions = pd.DataFrame(events, columns=["user_id", "item_id", "timestamp"])
    >>> recommender = Recommender("aws-similar-items").fit(interactions)
    >>> recommender.recommend(item="tent", k=1)
      item_id
    0    pegs
    """

    recipe: str = recipes.USER_PERSONALIZATION
    settings: Settings = Settings()
    _model: Model | None = field(default=None, init=False, repr=False)
    _events: Events | None = field(default=None, init=False, repr=False)
    _items: pd.DataFrame | None = field(default=None, init=False, repr=False)
    _users: pd.DataFrame | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.recipe not in _ALL:
            raise ValueError(f"unknown recipe {self.recipe!r}, allowed are {', '.join(_ALL)}")

    def fit(
        self, interactions: pd.DataFrame, items: pd.DataFrame | None = None, users: pd.DataFrame | None = None
    ) -> Recommender:
        """Train on all interactions.

        interactions  user_id, item_id, timestamp (datetimes or epoch seconds), event_type if the recipe needs one
                      (View, Purchase, Watch); text columns besides these are context, such as a device
        items         item_id and metadata; creation_timestamp (epoch seconds) says how new an item is
        users         user_id and metadata; text columns are features of users without interactions

        Raises InsufficientData (a ValueError) for fewer than 1,000 interactions or 25 users with two of them;
        ValueError for a missing column or value.
        """
        log = _timed(interactions.rename(columns=str.upper))
        if "EVENT_TYPE" not in log.columns:
            log = log.assign(EVENT_TYPE="")
        self._items = None if items is None else items.rename(columns=str.upper)
        self._users = None if users is None else users.rename(columns=str.upper)
        self._events = encode(log, self._items)
        self._model = recipes.train(self._recipe, self._events, self._items, self.settings)
        if uses_features(self._recipe):
            self._model |= train_features(self._events, log, self._users)
        return self

    def recommend(
        self,
        user: str | None = None,
        item: str | None = None,
        k: int = 25,
        *,
        context: Mapping[str, str] | None = None,
        candidates: Collection[str] | None = None,
    ) -> pd.DataFrame:
        """At most k items, best first: item_id, and the score of recipes that have one (a probability).

        user        whose history counts; None or a user without interactions gets popular items
        item        what the recommendations relate to, for recipes that need it
        context     context of the request, such as {"DEVICE": "phone"}
        candidates  the items to choose from; default: all
        """
        model = self._fitted()
        if self._recipe.segments:
            raise ValueError(f"{self.recipe} answers with users: call segment")
        code = None
        if self._recipe.needs_item:
            if item is None:
                raise ValueError(f"{self.recipe} recommends items related to another: pass item=")
            code = int(codes_of(model["item_ids"], [item])[0])
        history = self._history(user)
        allowed = None if candidates is None else np.isin(model["item_ids"], np.array(list(candidates), dtype=np.str_))
        lift = self._lift(user, history, context)
        if lift is None:
            found = recipes.recommend(
                self._recipe, model, k=k, history=history, item=code, allowed=allowed, settings=self.settings
            )
        else:
            found = recommend_with_features(
                self._recipe, model, lift, k=k, history=history, allowed=allowed, settings=self.settings
            )
        return self._frame(found)

    def rank(
        self, items: Sequence[str], user: str | None = None, *, context: Mapping[str, str] | None = None
    ) -> pd.DataFrame:
        """The given items, best first for the user, with scores that sum to 1; items without interactions are left out.

        For aws-personalized-ranking and aws-user-personalization.
        """
        model = self._fitted()
        if not uses_features(self._recipe):
            raise ValueError(f"{self.recipe} does not rank a list: use {recipes.PERSONALIZED_RANKING}")
        history = self._history(user)
        found = user_personalization.rank(model, history, codes_of(model["item_ids"], list(items)), None, self.settings)
        lift = self._lift(user, history, context)
        return self._frame(found if lift is None else rank_with_features(found, lift))

    def segment(
        self, item: str | None = None, k: int = 25, *, attributes: Mapping[str, str] | None = None
    ) -> pd.DataFrame:
        """At most k users, the likeliest first, who will interact with an item, or with the items that have all
        attributes, such as {"CATEGORY": "tea"}: user_id. For aws-item-affinity and aws-item-attribute-affinity.

        Raises ValueError for an item or an attribute that training did not know.
        """
        import pandas as pd

        model = self._fitted()
        if not self._recipe.segments:
            raise ValueError(f"{self.recipe} does not find users: use {recipes.ITEM_AFFINITY}")
        assert self._events is not None
        wanted = np.ones(len(model["item_ids"]), dtype=bool) if item is None else model["item_ids"] == item
        known = {} if self._items is None else segments.attributes(model["item_ids"], self._items)
        for name, value in (attributes or {}).items():
            wanted &= segments.having(len(wanted), known.get((name.upper(), value), []))
        if not wanted.any() or (item is None and not attributes):
            raise ValueError(f"no item is {item!r} with {attributes or {}}: pass item= or attributes= of the catalogue")
        affinity = segments.affinities(model, segments.histories(self._events, self.settings), wanted)
        return pd.DataFrame({"user_id": self._events.user_ids[segments.segment(self._events, affinity, k)]})

    def evaluate(self, folds: int = 1) -> pd.DataFrame:
        """Personalize's offline metrics of this recipe and, but for user segments, of plain popularity, higher is
        better; see evaluate.py.

        The recipe is trained again on nine tenths of the users and tested on the others, `folds` (1 to 10) times. The
        numbers of requests and of test users are in the frame's `attrs`. Raises ValueError if there is no request.
        """
        import pandas as pd

        self._fitted()
        assert self._events is not None
        found = evaluate(self._recipe, self._events, self._items, self.settings, folds)
        if not found.requests:
            raise ValueError(
                f"nothing to evaluate: none of {found.test_users} test users has newer events for the recipe to predict"
            )
        columns = {"recipe": found.metrics} | ({"popularity": found.popularity} if found.popularity else {})
        table = pd.DataFrame(columns).rename_axis("metric")
        table.attrs |= {"requests": found.requests, "test_users": found.test_users}
        return table

    def save(self, folder: str | Path) -> None:
        """Write a fitted recommender to a folder, as JSON, numpy arrays and Parquet (no pickle)."""
        folder, model = Path(folder), self._fitted()
        assert self._events is not None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "recommender.json").write_text(json.dumps({"recipe": self.recipe, "settings": asdict(self.settings)}))
        (folder / "model.npz").write_bytes(recipes.save(model))
        np.savez(
            folder / "events.npz",
            allow_pickle=False,
            **{each.name: getattr(self._events, each.name) for each in fields(Events)},
        )
        for name, frame in (("items", self._items), ("users", self._users)):
            if frame is not None:
                frame.to_parquet(folder / f"{name}.parquet")

    @classmethod
    def load(cls, folder: str | Path) -> Recommender:
        """The recommender that `save` wrote."""
        import pandas as pd

        folder = Path(folder)
        document = json.loads((folder / "recommender.json").read_text())
        self = cls(document["recipe"], Settings(**document["settings"]))
        self._model = recipes.load((folder / "model.npz").read_bytes())
        with np.load(folder / "events.npz", allow_pickle=False) as file:
            self._events = Events(**dict(file))
        self._items, self._users = (
            pd.read_parquet(folder / f"{name}.parquet") if (folder / f"{name}.parquet").exists() else None
            for name in ("items", "users")
        )
        return self

    @property
    def _recipe(self) -> Recipe:
        return _ALL[self.recipe]

    def _fitted(self) -> Model:
        if self._model is None:
            raise ValueError("the Recommender is not fitted: call fit first")
        return self._model

    def _history(self, user: str | None) -> History:
        assert self._events is not None
        code = -1 if user is None else int(codes_of(self._events.user_ids, [user])[0])
        return NO_HISTORY if code < 0 else self._events.history(self._events.rows_of(code))

    def _lift(self, user: str | None, history: History, context: Mapping[str, str] | None) -> np.ndarray | None:
        """What context, and the metadata of a user without history, add to the items' logits."""
        if not uses_features(self._recipe):
            return None
        features = dict(context or {})
        if user is not None and self._users is not None and not len(history.items):
            rows = self._users[self._users["USER_ID"].astype(str) == user]
            record = rows.iloc[-1].to_dict() if len(rows) else {}
            features |= {f"USERS.{name}": value for name, value in record.items() if isinstance(value, str)}
        return log_lift(self._fitted(), features)

    def _frame(self, ranking: Ranking) -> pd.DataFrame:
        import pandas as pd

        frame = pd.DataFrame({"item_id": self._fitted()["item_ids"][ranking.items]})
        return frame if ranking.scores is None else frame.assign(score=ranking.scores)


def _timed(log: pd.DataFrame) -> pd.DataFrame:
    """The log with datetimes (UTC, if they have no time zone) as epoch seconds."""
    import pandas as pd

    if "TIMESTAMP" not in log.columns or log["TIMESTAMP"].dtype.kind != "M":
        return log
    seconds = pd.to_datetime(log["TIMESTAMP"], utc=True).dt.tz_localize(None).astype("datetime64[s]").astype("int64")
    return log.assign(TIMESTAMP=seconds)
