"""Answers of a trained model to one request: what real-time requests and the lines of a batch job have in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from localaws.errors import invalid
from localaws.services.personalize.filters import Situation, Table, allowed
from localaws.services.personalize.records import Records
from storecast_engines import recommending
from storecast_engines.filters import FilterError, parse, parse_values

DEFAULT_RESULTS, MOST_RESULTS = 25, 500  # docs/aws-sources.md#personalize-API_RS_GetRecommendations


@dataclass(frozen=True, eq=False)
class Served:
    """A trained model with the histories of the users it was trained on."""

    model: recommending.Model
    events: recommending.Events


@lru_cache(maxsize=32)
def served(folder: Path) -> Served:
    with np.load(folder / "events.npz", allow_pickle=False) as file:
        events = recommending.Events(**dict(file))
    return Served(recommending.load((folder / "model.npz").read_bytes()), events)


@lru_cache(maxsize=32)
def _items_table(served: Served, items: Records) -> Table:
    return Table.of(served.model["item_ids"], items.by_id)


@dataclass(frozen=True)
class Deployed:
    """What answers: a recipe, its trained model, and the settings of the recommender, campaign or batch job.

    `records` gives the records of a dataset type, ITEMS or USERS, where a filter or a user without events needs them.
    """

    recipe: recommending.Recipe
    served: Served
    settings: recommending.Settings
    records: Callable[[str], Records]

    def asked(
        self, params: Mapping, put: list[tuple[str, str, int]], context: Mapping[str, str] | None = None
    ) -> "Asked":
        """A request with `userId` and `itemId` as its recipe needs them; `put`: the user's events since training.

        Personal recipes go by the context, too, and by the record of a user without events.
        Raises InvalidInputException naming what is missing.
        """
        for member, needed in (("userId", self.recipe.needs_user), ("itemId", self.recipe.needs_item)):
            if needed and member not in params:
                raise invalid(f"{member} is required by recipe {self.recipe.name}.")
        item = _code(self.served.model["item_ids"], params["itemId"]) if self.recipe.needs_item else None
        user = params.get("userId")
        history = self._history(user, put)
        return Asked(self, history, user, item, self._lift(user, history, context or {}))

    def _lift(self, user: str | None, history: recommending.History, context: Mapping[str, str]) -> np.ndarray | None:
        if not recommending.uses_features(self.recipe):
            return None
        record = self.records("USERS").by_id.get(user or "", {}) if not len(history.items) else {}
        features = {f"USERS.{name}": value for name, value in record.items() if isinstance(value, str)}
        return recommending.log_lift(self.served.model, {**features, **context})

    def _history(self, user: str | None, put: list[tuple[str, str, int]]) -> recommending.History:
        """What training knew of the user or session, and what came in since, oldest first."""
        if user is None:
            return recommending.NO_HISTORY
        events = self.served.events
        code = _code(events.user_ids, user)
        return recommending.extended(events, events.rows_of(code) if code >= 0 else slice(0, 0), put)


def _code(vocabulary: np.ndarray, name: str | None) -> int:
    """The code of an id, -1 for one that the model does not know."""
    return int(recommending.codes_of(vocabulary, [name or ""])[0])


@dataclass(frozen=True)
class Asked:
    """One request: what answers it, for which user, about which item; `lift` (N,) adds its features to logits."""

    by: Deployed
    history: recommending.History
    user: str | None
    item: int | None
    lift: np.ndarray | None

    @cached_property
    def situation(self) -> Situation:
        """What filters look at; built for requests with a filter alone."""
        users = self.by.records("USERS")
        user = Table.of(np.array([self.user]), users.by_id) if self.user in users.by_id else None
        return Situation(_items_table(self.by.served, self.by.records("ITEMS")), self.history, user, self.item)

    def allowed(self, expression: str, values: Mapping[str, str]) -> np.ndarray:
        """(N,) bool: the items that a filter allows to this request. values: filterValues as sent."""
        if self.user is None and _uses(expression, "CurrentUser"):
            raise invalid("userId is required: the filter asks for the CurrentUser.")
        if not self.by.recipe.needs_item and _uses(expression, "CurrentItem"):
            raise invalid(f"The filter asks for the CurrentItem, which {self.by.recipe.name} does not have.")
        try:
            parsed = {name: parse_values(name, text) for name, text in values.items()}
            return allowed(parse(expression), self.situation, parsed)
        except FilterError as error:
            raise invalid(str(error)) from None

    def ranking(self, k: int, allowed: np.ndarray | None) -> recommending.Ranking:
        by = self.by
        if self.lift is not None:
            return recommending.recommend_with_features(
                by.recipe,
                by.served.model,
                self.lift,
                k=k,
                history=self.history,
                allowed=allowed,
                settings=by.settings,
            )
        return recommending.recommend(
            by.recipe,
            by.served.model,
            k=k,
            history=self.history,
            item=self.item,
            allowed=allowed,
            settings=by.settings,
        )

    def ranked(self, wanted: list[str], allowed: np.ndarray | None) -> list[dict]:
        """The wanted items in the user's order; items without interactions come last and have no score."""
        wanted = list(dict.fromkeys(wanted))
        codes = recommending.codes_of(self.by.served.model["item_ids"], wanted)
        ranking = recommending.rank(self.by.served.model, self.history, codes, allowed, self.by.settings)
        ranked = self.listed(ranking if self.lift is None else recommending.rank_with_features(ranking, self.lift))
        scored = {each["itemId"] for each in ranked}
        return ranked + [
            {"itemId": name}
            for name, code in zip(wanted, codes.tolist(), strict=True)
            if name not in scored and (allowed is None or (code >= 0 and allowed[code]))
        ]

    def listed(self, ranking: recommending.Ranking, **more: str) -> list[dict]:
        """A ranking as answers show it: item by item, with the score where the recipe has one, and with `more`."""
        items = [{"itemId": each} | more for each in self.by.served.model["item_ids"][ranking.items].tolist()]
        if ranking.scores is None:
            return items
        return [item | {"score": round(float(score), 7)} for item, score in zip(items, ranking.scores, strict=True)]


def check_results(results: int) -> int:
    """Raises InvalidInputException for more than the service gives."""
    if results > MOST_RESULTS:
        raise invalid(f"numResults is {results}; it may be at most {MOST_RESULTS}.")
    return results


def _uses(expression: str, dataset: str) -> bool:
    """Does the expression ask for fields of `dataset` (such as CurrentUser)?"""
    return any(field.dataset == dataset for each in parse(expression) for field in each.fields())
