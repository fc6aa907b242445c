"""Asking for recommendations as an application would (GetRecommendations, GetPersonalizedRanking)."""

from __future__ import annotations

from typing import Any

from common.clients import client
from recommending.audience import Audience

# use case or recipe: what its lists are made for; an item list also needs a user where the service filters by one
EVERYBODY, PER_ITEM, PER_USER, RANKING = "everybody", "item", "user", "a user's ranking"
SUBJECTS = {
    "most-viewed": EVERYBODY,
    "best-sellers": EVERYBODY,
    "frequently-bought-together": PER_ITEM,
    "also-viewed": PER_ITEM,
    "recommended-for-you": PER_USER,
    "because-you-watched": PER_ITEM,
    "more-like-this": PER_ITEM,
    "most-popular": EVERYBODY,
    "trending-now": EVERYBODY,
    "top-picks-for-you": PER_USER,
    "aws-user-personalization": PER_USER,
    "aws-personalized-ranking": RANKING,
    "aws-similar-items": PER_ITEM,
    "aws-popularity-count": EVERYBODY,
    "aws-trending-now": EVERYBODY,
}


def subject(made: dict[str, Any]) -> str:
    """For what a recommender (with `useCase`) or a campaign (with `recipe`) makes its lists."""
    return SUBJECTS[made["useCase"] if "useCase" in made else made["recipe"]]


def lists(made: dict[str, Any], people: Audience, results: int) -> list[dict[str, Any]]:
    """The lists of a recommender or campaign: `[{"for": {...}, "items": [{"itemId", "name", "score"?}]}]`."""
    return [
        {"for": about, "items": recommendations(made, people, results, request)}
        for about, request in asked(made, people)
    ]


def asked(made: dict[str, Any], people: Audience) -> list[tuple[dict[str, str], dict[str, Any]]]:
    """Whom or what each list is about, and the request for it."""
    anybody = people.sample_users[0]
    match subject(made):
        case "everybody":
            return [({}, {"userId": anybody})]
        case "item":
            return [
                ({"itemId": item, "name": people.names.get(item, item)}, {"itemId": item, "userId": anybody})
                for item in people.head_items
            ]
        case "a user's ranking":
            return [
                ({"userId": user}, {"userId": user, "inputList": people.head_items}) for user in people.sample_users
            ]
    return [({"userId": user}, {"userId": user}) for user in people.sample_users]


def recommendations(
    made: dict[str, Any], people: Audience, results: int, request: dict[str, Any]
) -> list[dict[str, Any]]:
    runtime, key = client("personalize-runtime"), "recommenderArn" if "recommenderArn" in made else "campaignArn"
    if subject(made) == RANKING:
        items = runtime.get_personalized_ranking(campaignArn=made[key], **request)["personalizedRanking"]
    else:
        items = runtime.get_recommendations(**{key: made[key]}, numResults=results, **request)["itemList"]
    return [
        {
            "itemId": item["itemId"],
            "name": people.names.get(item["itemId"], item["itemId"]),
            **({"score": item["score"]} if "score" in item else {}),
        }
        for item in items
    ]
