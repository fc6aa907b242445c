"""Recommendations from trained models: GetRecommendations with its filter and its promotion, GetPersonalizedRanking."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from localaws.gateway import Context
from localaws.jobs import PERSONALIZE as STATES
from localaws.personalize import engine, filtering, metadata
from localaws.personalize.datasets import stream_of
from localaws.personalize.filters import Situation, Table
from localaws.personalize.kinds import children, get, invalid
from localaws.personalize.recipes import RECIPE_PREFIX, settings_of
from localaws.personalize.records import Records, records

DEFAULT_RESULTS, MOST_RESULTS = 25, 500  # API_RS_GetRecommendations.md


@dataclass(frozen=True, eq=False)
class Served:
    """A trained model with the histories of the users it was trained on."""

    model: engine.Model
    events: engine.Events


@lru_cache(maxsize=32)
def _served(folder: Path) -> Served:
    with np.load(folder / "events.npz", allow_pickle=False) as file:
        events = engine.Events(**dict(file))
    return Served(engine.load((folder / "model.npz").read_bytes()), events)


@lru_cache(maxsize=32)
def _items_table(served: Served, items: Records) -> Table:
    return Table.of(served.model["item_ids"], items.by_id)


@dataclass(frozen=True)
class Deployed:
    """What answers requests: the recipe of a recommender or campaign, its trained model and its configuration."""

    group_arn: str
    recipe: engine.Recipe
    served: Served
    config: dict


@dataclass(frozen=True)
class Asked:
    """One request: what answers it, for which user, about which item."""

    context: Context
    by: Deployed
    history: engine.History
    user: str | None
    item: int | None

    @cached_property
    def situation(self) -> Situation:
        """What filters look at; built for requests with a filter alone."""
        users = records(self.context, self.by.group_arn, "USERS")
        user = Table.of(np.array([self.user]), users.by_id) if self.user in users.by_id else None
        items = _items_table(self.by.served, records(self.context, self.by.group_arn, "ITEMS"))
        return Situation(items, self.history, user, self.item)

    def allowed(self, arn: str, values: Mapping[str, str]) -> np.ndarray:
        """(N,) bool: the items that a filter allows to this request."""
        found = filtering.usable(self.context, arn, self.by.group_arn)
        if self.user is None and filtering.uses(found, "CurrentUser"):
            raise invalid(f"userId is required: filter {arn} asks for the CurrentUser.")
        if not self.by.recipe.needs_item and filtering.uses(found, "CurrentItem"):
            raise invalid(f"Filter {arn} asks for the CurrentItem, which {self.by.recipe.name} does not have.")
        return filtering.apply(found, self.situation, values)

    def ranking(self, k: int, allowed: np.ndarray | None) -> engine.Ranking:
        return engine.recommend(
            self.by.recipe,
            self.by.served.model,
            k=k,
            history=self.history,
            item=self.item,
            allowed=allowed,
            settings=settings_of(self.by.config),
        )


def get_recommendations(context: Context, params: dict) -> dict:
    by = _deployed(context, params)
    if by.recipe.name == engine.PERSONALIZED_RANKING:
        raise invalid(f"A campaign of {by.recipe.name} is asked by GetPersonalizedRanking.")
    asked = _asked(context, by, params)
    results = params.get("numResults", DEFAULT_RESULTS)
    if results > MOST_RESULTS:
        raise invalid(f"numResults is {results}; it may be at most {MOST_RESULTS}.")
    columns = metadata.check(context, by.group_arn, by.config.get("enableMetadataWithRecommendations", False), params)
    allowed = asked.allowed(params["filterArn"], params.get("filterValues", {})) if "filterArn" in params else None
    if params.get("promotions"):
        items = _with_promotion(asked, results, allowed, params["promotions"][0])
    else:
        items = _listed(asked, asked.ranking(results, allowed))
    items = metadata.attach(context, by.group_arn, items, columns)
    return {"itemList": items, "recommendationId": f"RID-{uuid.uuid4()}"}


def get_personalized_ranking(context: Context, params: dict) -> dict:
    """The input list in the user's order; items without interactions come last and have no score (rankings.md)."""
    if len(params["inputList"]) > MOST_RESULTS:
        raise invalid(f"inputList has {len(params['inputList'])} items; it may have at most {MOST_RESULTS}.")
    by = _deployed(context, params)
    if by.recipe.name != engine.PERSONALIZED_RANKING:
        raise invalid(f"The campaign is one of {by.recipe.name}; only {engine.PERSONALIZED_RANKING} ranks a list.")
    columns = metadata.check(context, by.group_arn, by.config.get("enableMetadataWithRecommendations", False), params)
    asked = _asked(context, by, params)
    wanted = list(dict.fromkeys(params["inputList"]))
    codes = engine.codes_of(by.served.model["item_ids"], wanted)
    allowed = asked.allowed(params["filterArn"], params.get("filterValues", {})) if "filterArn" in params else None
    ranked = _listed(asked, engine.rank(by.served.model, asked.history, codes, allowed))
    scored = {each["itemId"] for each in ranked}
    rest = [
        {"itemId": name}
        for name, code in zip(wanted, codes.tolist(), strict=True)
        if name not in scored and (allowed is None or (code >= 0 and allowed[code]))
    ]
    items = metadata.attach(context, by.group_arn, ranked + rest, columns)
    return {"personalizedRanking": items, "recommendationId": f"RID-{uuid.uuid4()}"}


def _deployed(context: Context, params: dict) -> Deployed:
    """What the request names. Raises InvalidInputException unless it names one recommender or campaign in service."""
    named = [member for member in ("recommenderArn", "campaignArn") if member in params]
    if len(named) != 1:
        raise invalid("A request needs either recommenderArn or campaignArn.")
    kind, recipes = {
        "recommenderArn": ("Recommender", engine.RECIPES),
        "campaignArn": ("Campaign", engine.CUSTOM_RECIPES),
    }[named[0]]
    found = get(context, kind, params[named[0]])
    if found.status != STATES.done:
        raise invalid(f"{kind} {found.arn} is {found.status}; only an ACTIVE one recommends.")
    trained = found
    if kind == "Campaign":
        trained = get(context, "SolutionVersion", found.record["solutionVersionArn"])
    return Deployed(
        trained.record["datasetGroupArn"],
        recipes[trained.record["recipeArn"].removeprefix(RECIPE_PREFIX)],
        _served(Path(trained.private["model"])),
        found.record["recommenderConfig" if kind == "Recommender" else "campaignConfig"],
    )


def _asked(context: Context, by: Deployed, params: dict) -> Asked:
    if by.recipe.needs_user and "userId" not in params:
        raise invalid(f"userId is required by recipe {by.recipe.name}.")
    if by.recipe.needs_item and "itemId" not in params:
        raise invalid(f"itemId is required by recipe {by.recipe.name}.")
    item = _code(by.served.model["item_ids"], params["itemId"]) if by.recipe.needs_item else None
    user = params.get("userId")
    return Asked(context, by, _history(context, by.group_arn, by.served.events, user), user, item)


def _code(vocabulary: np.ndarray, name: str | None) -> int:
    """The code of an id, -1 for one that the model does not know."""
    return int(engine.codes_of(vocabulary, [name or ""])[0])


def _history(context: Context, group_arn: str, events: engine.Events, user: str | None) -> engine.History:
    """What training knew of the user or session, and what came in since, oldest first."""
    if user is None:
        return engine.NO_HISTORY
    code = _code(events.user_ids, user)
    rows = events.rows_of(code) if code >= 0 else slice(0, 0)
    put = _put_since(context, group_arn, user)
    return engine.extended(events, rows, put)


def _put_since(context: Context, group_arn: str, user: str) -> list[tuple[str, str, int]]:
    """(item, event type, epoch seconds) of the user's events that were put, those of earlier trainings among them."""
    for dataset in children(context, "Dataset", "datasetGroupArn", group_arn):
        if dataset.record["datasetType"] == "INTERACTIONS":
            events = stream_of(context, dataset).by_user.of(user)
            return [(e["ITEM_ID"], e["EVENT_TYPE"], e["TIMESTAMP"]) for e in events if e["ITEM_ID"] is not None]
    return []


def _listed(asked: Asked, ranking: engine.Ranking, **more: str) -> list[dict]:
    items = [{"itemId": each} | more for each in asked.by.served.model["item_ids"][ranking.items].tolist()]
    if ranking.scores is None:
        return items
    return [item | {"score": float(score)} for item, score in zip(items, ranking.scores, strict=True)]


def _with_promotion(asked: Asked, results: int, allowed: np.ndarray | None, promotion: dict) -> list[dict]:
    """Promoted items at random places among the others, each kind in its own order; as many as there are.

    The promotion's filter alone decides on promoted items, the request's filter on the others (promoting-items.md).
    """
    missing = [member for member in ("name", "percentPromotedItems", "filterArn") if member not in promotion]
    if missing:
        raise invalid(f"A promotion needs {', '.join(missing)}.")
    wanted = asked.allowed(promotion["filterArn"], promotion.get("filterValues", {}))
    first = asked.ranking(round(results * promotion["percentPromotedItems"] / 100), wanted)
    promoted = _listed(asked, first, promotionName=promotion["name"])
    rest = np.ones(len(asked.by.served.model["item_ids"]), dtype=bool) if allowed is None else allowed.copy()
    rest[first.items] = False
    others = _listed(asked, asked.ranking(results - len(promoted), rest))
    size = len(promoted) + len(others)
    places = set(np.random.default_rng().choice(size, len(promoted), replace=False).tolist())
    return [promoted.pop(0) if place in places else others.pop(0) for place in range(size)]
