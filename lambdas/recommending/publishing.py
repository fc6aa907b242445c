"""What a run publishes: recommendations for the most popular items and a sample of users, as an application would get
them, and what filters do to them (GetRecommendations, GetPersonalizedRanking)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NotRequired, TypedDict

from common.clients import client
from common.deliveries import planned
from common.payload import AwsJson, PlannedRun
from recommending.payload import EnsuredFilter, MeasuredRecommender, MeasuredSolution, RecommenderResult, SolutionResult


class Subject(Enum):
    """What a list of recommendations is made for."""

    EVERYBODY = "everybody"
    ITEM = "item"  # also needs a user where the service filters by one
    USER = "user"
    RANKING = "ranking"  # given items in a user's order


# By use case or recipe.
SUBJECTS = {
    "most-viewed": Subject.EVERYBODY,
    "best-sellers": Subject.EVERYBODY,
    "frequently-bought-together": Subject.ITEM,
    "also-viewed": Subject.ITEM,
    "recommended-for-you": Subject.USER,
    "because-you-watched": Subject.ITEM,
    "more-like-this": Subject.ITEM,
    "most-popular": Subject.EVERYBODY,
    "trending-now": Subject.EVERYBODY,
    "top-picks-for-you": Subject.USER,
    "aws-user-personalization": Subject.USER,
    "aws-personalized-ranking": Subject.RANKING,
    "aws-similar-items": Subject.ITEM,
    "aws-popularity-count": Subject.EVERYBODY,
    "aws-trending-now": Subject.EVERYBODY,
}


class Item(TypedDict):
    """A recommended item."""

    itemId: str
    name: str
    score: NotRequired[float]


class About(TypedDict, total=False):
    """For which item or user a list is; empty for everybody."""

    itemId: str
    name: str
    userId: str


Recommendations = TypedDict("Recommendations", {"for": About, "items": list[Item]})
FilterEffect = TypedDict(
    "FilterEffect",
    {
        "name": str,
        "expression": str,
        "by": NotRequired[str],  # use case, or name of the solution
        "for": NotRequired[About],
        "items": NotRequired[list[Item]],
        "leftOut": NotRequired[list[Item]],
    },
)


class ListedRecommender(MeasuredRecommender):
    """A recommender and its lists."""

    lists: list[Recommendations]


class ListedSolution(MeasuredSolution):
    """A solution and the lists of its campaign."""

    lists: list[Recommendations]


@dataclass(frozen=True)
class Endpoint:
    """What answers requests: a recommender, or the campaign of a solution."""

    name: str
    subject: Subject
    arn: Mapping[str, str]  # as a member of the request


@dataclass(frozen=True)
class Audience:
    """Item ids by falling popularity, user ids, and the names of items as far as they have one."""

    head_items: list[str]
    sample_users: list[str]
    names: dict[str, str]


def recommender(made: RecommenderResult) -> Endpoint:
    return Endpoint(made["useCase"], SUBJECTS[made["useCase"]], {"recommenderArn": made["recommenderArn"]})


def campaign(made: SolutionResult) -> Endpoint:
    return Endpoint(made["name"], SUBJECTS[made["recipe"]], {"campaignArn": made["campaignArn"]})


def audience(
    event: PlannedRun, folder: str, *, head_items: int, sample_users: int, name_column: str | None
) -> Audience:
    """Whom the run publishes for, from the interactions and items that it works on; `folder` is the dataset's.

    The sample runs evenly through the users with at least two interactions, ordered by how many they have: from the
    busiest to the least busy, the same ones for the same data.
    """
    items, users = interactions(event, folder)
    known = [user for user in by_count(users) if users[user] >= 2]
    spacing = max(1, len(known) / sample_users)
    sample = [known[int(i * spacing)] for i in range(min(sample_users, len(known)))]
    return Audience(by_count(items)[:head_items], sample, _names(event, folder, name_column))


def interactions(event: PlannedRun, folder: str) -> tuple[Counter[str], Counter[str]]:
    """How many interactions each item and each user has. Raises ValueError for a file without the columns of both."""
    items: Counter[str] = Counter()
    users: Counter[str] = Counter()
    for place, record in planned(event, folder, "interactions").placed_records():
        if missing := [column for column in ("ITEM_ID", "USER_ID") if column not in record]:
            raise ValueError(f"{place}: the file has no column {missing[0]}, only {', '.join(record)}")
        items[record["ITEM_ID"]] += 1
        users[record["USER_ID"]] += 1
    return items, users


def by_count(counts: Counter[str]) -> list[str]:
    """Those with the highest count first."""
    return sorted(counts, key=lambda name: (-counts[name], name))


def _names(event: PlannedRun, folder: str, column: str | None) -> dict[str, str]:
    if column is None:
        return {}
    items = planned(event, folder, "items").records()
    return {record["ITEM_ID"]: record[column] for record in items if record.get(column) and "ITEM_ID" in record}


def lists(endpoint: Endpoint, people: Audience, results: int) -> list[Recommendations]:
    """The lists of a recommender or campaign, each of at most `results` items."""
    return [
        {"for": about, "items": _recommendations(endpoint, people, results, request)}
        for about, request in _requests(endpoint, people)
    ]


def filter_effects(
    filters: list[EnsuredFilter], endpoints: list[Endpoint], people: Audience, results: int
) -> list[FilterEffect]:
    """What each filter does to a list: the same request with it and without it.

    A filter with placeholders gets its values from the application alone; it is not tried.
    """
    return [_effect(one, endpoints, people, results) for one in filters]


def _effect(one: EnsuredFilter, endpoints: list[Endpoint], people: Audience, results: int) -> FilterEffect:
    expression = one["request"]["filterExpression"]
    effect: FilterEffect = {"name": one["name"], "expression": expression}
    about_item = "currentitem." in expression.lower()
    wanted = (Subject.ITEM,) if about_item else (Subject.USER, Subject.EVERYBODY, Subject.ITEM)
    fitting = [endpoint for subject in wanted for endpoint in endpoints if endpoint.subject is subject]
    if "$" in expression or not fitting:
        return effect
    about, request = _requests(fitting[0], people)[0]
    unfiltered = _recommendations(fitting[0], people, results, request)
    items = _recommendations(fitting[0], people, results, {**request, "filterArn": one["filterArn"]})
    stayed = {item["itemId"] for item in items}
    left_out = [item for item in unfiltered if item["itemId"] not in stayed]
    return {**effect, "by": fitting[0].name, "for": about, "items": items, "leftOut": left_out}


def _requests(endpoint: Endpoint, people: Audience) -> list[tuple[About, AwsJson]]:
    """For whom or what each list is, and the request for it."""
    anybody = people.sample_users[0]
    match endpoint.subject:
        case Subject.EVERYBODY:
            return [({}, {"userId": anybody})]
        case Subject.ITEM:
            return [
                ({"itemId": item, "name": people.names.get(item, item)}, {"itemId": item, "userId": anybody})
                for item in people.head_items
            ]
        case Subject.RANKING:
            return [
                ({"userId": user}, {"userId": user, "inputList": people.head_items}) for user in people.sample_users
            ]
        case Subject.USER:
            return [({"userId": user}, {"userId": user}) for user in people.sample_users]


def _recommendations(endpoint: Endpoint, people: Audience, results: int, request: AwsJson) -> list[Item]:
    runtime = client("personalize-runtime")
    if endpoint.subject is Subject.RANKING:
        answer = runtime.get_personalized_ranking(**endpoint.arn, **request)["personalizedRanking"]
    else:
        answer = runtime.get_recommendations(**endpoint.arn, numResults=results, **request)["itemList"]
    return [_item(item, people.names) for item in answer]


def _item(predicted: AwsJson, names: Mapping[str, str]) -> Item:
    item: Item = {"itemId": predicted["itemId"], "name": names.get(predicted["itemId"], predicted["itemId"])}
    return {**item, "score": predicted["score"]} if "score" in predicted else item
