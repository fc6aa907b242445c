"""Recommendations: what can be asked, for whom, and the answers with the items' names; events sent back."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from storecast.client import datasets, files, results
from storecast.client.aws import Aws, NotThere, Unclear, alike
from storecast.client.model import Dataset, Item, Recommendation, Recommended, UseCase

_NEEDS: Mapping[str, Literal["everybody", "item", "user", "ranking"]] = {
    "most-viewed": "everybody",
    "best-sellers": "everybody",
    "frequently-bought-together": "item",
    "also-viewed": "item",
    "recommended-for-you": "user",
    "because-you-watched": "item",
    "more-like-this": "item",
    "most-popular": "everybody",
    "trending-now": "everybody",
    "top-picks-for-you": "user",
    "aws-user-personalization": "user",
    "aws-personalized-ranking": "ranking",
    "aws-similar-items": "item",
    "aws-popularity-count": "everybody",
    "aws-trending-now": "everybody",
}
POPULAR = ("best-sellers", "most-viewed", "most-popular")  # plain popularity, to compare with


def use_cases(aws: Aws, dataset: Dataset) -> list[UseCase]:
    """What can be asked: recommenders, then campaigns."""
    published = results.needed(aws, dataset, "recommending")
    found = [
        UseCase(each["useCase"], "recommender", each["recommenderArn"], _NEEDS[each["useCase"]], each["metrics"])
        for each in published["recommenders"]
    ]
    found += [
        UseCase(each["name"], "campaign", each["campaignArn"], _NEEDS[each["recipe"]], each["metrics"])
        for each in published["solutions"]
        if "campaignArn" in each
    ]
    return found


def filters(aws: Aws, dataset: Dataset) -> dict[str, str]:
    """The expressions of the deployed filters by name; one with $ takes values with each request."""
    config = datasets.settings(aws, dataset, "recommending")["config"]
    found: dict[str, str] = config["filters"]
    return found


def recommend(
    aws: Aws,
    dataset: Dataset,
    use_case: str,
    *,
    user: str = "",
    item: str = "",
    filter: str = "",
    values: Mapping[str, str] | None = None,
    among: tuple[str, ...] = (),
    results_: int = 10,
) -> Recommended:
    """What a recommender or campaign answers. `item` may be an id or a name; `among` are the items to rank, the most
    popular ones by default; `values` are the filter's placeholders without $, as people write them.

    Raises NotThere for a use case, filter or item that there isn't, and Unclear where the use case needs a user or an
    item and none is given.
    """
    asked = _asked(use_cases(aws, dataset), use_case)
    names = _names(aws, dataset)
    about = _item(aws, dataset, names, item) if item else None
    request: dict[str, Any] = {f"{asked.kind}Arn": asked.arn}
    if asked.needs == "item" and about is None:
        raise Unclear(f"{asked.name} needs an item", "say --item ID, an id or a name")
    if asked.needs in ("user", "ranking") and not user:
        raise Unclear(f"{asked.name} needs a user", f"say --user ID, such as {_anybody(aws, dataset)}")
    if about is not None:
        request["itemId"] = about.id
    request["userId"] = user or _anybody(aws, dataset)  # several use cases ask for one, whatever it is
    if filter:
        request |= {"filterArn": _filter(aws, dataset, filter)}
        if values:
            request["filterValues"] = {name: _listed(value) for name, value in values.items()}
    runtime = aws.client("personalize-runtime")
    if asked.needs == "ranking":
        request.pop("itemId", None)
        request["inputList"] = list(among) or _popular(aws, dataset)
        answer = runtime.get_personalized_ranking(**request)["personalizedRanking"]
    else:
        answer = runtime.get_recommendations(**request, numResults=results_)["itemList"]
    items_ = tuple(
        Recommendation(rank, names.get(each["itemId"], Item(each["itemId"], each["itemId"])), each.get("score"))
        for rank, each in enumerate(answer[:results_] if asked.needs == "ranking" else answer, 1)
    )
    return Recommended(asked, user, about, filter, items_)


def items(aws: Aws, dataset: Dataset, search: str = "", most: int = 50) -> list[Item]:
    """Items whose id, name or other column contains the text, in any case; by name."""
    wanted = search.lower()
    found = (
        each
        for each in _names(aws, dataset).values()
        if not wanted or any(wanted in text.lower() for text in (each.id, each.name, *each.about.values()))
    )
    return sorted(found, key=lambda item: (item.name.lower(), item.id))[:most]


def users(aws: Aws, dataset: Dataset, search: str = "", most: int = 50) -> list[str]:
    """Users whose id contains the text: first those that the newest run published lists for, then others."""
    wanted, found = search.lower(), dict[str, None]()
    for user in (*_published_users(aws, dataset), *_delivered_users(aws, dataset, search)):
        if wanted in user.lower():
            found[user] = None
        if len(found) >= most:
            break
    return list(found)


def send_event(aws: Aws, dataset: Dataset, *, user: str, item: str, event: str, session: str = "storecast") -> None:
    """Send an event, such as View or Purchase, as an application does. Raises NotThere without an event tracker."""
    published = results.needed(aws, dataset, "recommending")
    if "trackingId" not in published:
        raise NotThere(f"{dataset.name} has no event tracker", "set recommending.event_tracker: true and deploy again")
    aws.client("personalize-events").put_events(
        trackingId=published["trackingId"],
        userId=user,
        sessionId=session,
        eventList=[{"eventType": event, "itemId": item, "sentAt": int(time.time())}],
    )


def _asked(known: list[UseCase], name: str) -> UseCase:
    found = next((each for each in known if each.name == name), None)
    if found is None:
        names = ", ".join(each.name for each in known)
        raise NotThere(f"{name}: no such use case or solution", f"choose one of these: {names}")
    return found


def _item(aws: Aws, dataset: Dataset, names: Mapping[str, Item], given: str) -> Item:
    """The item of that id, or else of that name, in any case; of an id that only interactions have, no more is known.

    For an item that it doesn't know the service answers with what is popular, which would hide a mistyped one.
    """
    if given in names:
        return names[given]
    named = [each for each in names.values() if given.lower() in (each.name.lower(), each.id.lower())]
    if len(named) > 1:
        raise Unclear(
            f"{given}: {len(named)} items have this name", f"say its id: {', '.join(i.id for i in named[:5])}"
        )
    if named:
        return named[0]
    if any(record.get("ITEM_ID") == given for record in _delivered(aws, dataset, "interactions", given)):
        return Item(given, given)
    raise NotThere(
        f"{given}: no such item, neither in the items' files nor in the interactions",
        f"choose one, such as {', '.join(alike(given, [each.name for each in names.values()]))}",
    )


def _filter(aws: Aws, dataset: Dataset, name: str) -> str:
    known: dict[str, str] = results.needed(aws, dataset, "recommending")["filters"]
    if name not in known:
        raise NotThere(f"{name}: no such filter", f"choose one of these: {', '.join(known) or 'none is deployed'}")
    return known[name]


def _listed(value: str) -> str:
    """A filter's value as the service takes it: each of several in quotes, numbers as well."""
    return ",".join(f'"{each.strip()}"' for each in value.split(","))


def _names(aws: Aws, dataset: Dataset) -> dict[str, Item]:
    """All items of the files that the newest run worked on, by id."""
    config = datasets.settings(aws, dataset, "recommending")["config"]
    named = config["publish"].get("name_column", "")
    found = {}
    for record in _delivered(aws, dataset, "items"):
        if id_ := record.pop("ITEM_ID", ""):
            name = record.pop(named, "") or id_
            found[id_] = Item(id_, name, about=record)
    return found


def _delivered(aws: Aws, dataset: Dataset, kind: str, containing: str = "") -> Iterator[dict[str, str]]:
    published = results.needed(aws, dataset, "recommending")
    folder = dataset.folder("recommending")
    data = files.json_of(aws, dataset.results_bucket, f"{folder}runs/{published['run']}/data.json") or {}
    planned = data.get(kind, {"files": {}})
    return files.delivered(aws, dataset.data_bucket, planned, list(planned.get("columns", ())), containing)


def lists(aws: Aws, dataset: Dataset) -> dict[str, Any]:
    """recommendations.json: the lists that the newest run published."""
    published = results.needed(aws, dataset, "recommending")
    found: dict[str, Any] = files.json_of(aws, *files.parts(published["recommendations"])) or {}
    return found


def _published_users(aws: Aws, dataset: Dataset) -> list[str]:
    found = lists(aws, dataset)
    made = [*found.get("useCases", ()), *found.get("solutions", ())]
    users_ = [one["for"]["userId"] for each in made for one in each["lists"] if "userId" in one["for"]]
    return list(dict.fromkeys(users_))


def _delivered_users(aws: Aws, dataset: Dataset, search: str) -> Iterator[str]:
    """From the users' files, or from the interactions where there are none."""
    there = False
    for kind in ("users", "interactions"):
        for record in _delivered(aws, dataset, kind, search):
            there = True
            if user := record.get("USER_ID", ""):
                yield user
        if there:
            return


def _anybody(aws: Aws, dataset: Dataset) -> str:
    """A user that is known, for requests that need one and whose answer doesn't depend on which."""
    return next(iter(_published_users(aws, dataset)), None) or next(_delivered_users(aws, dataset, ""), "anybody")


def _popular(aws: Aws, dataset: Dataset) -> list[str]:
    """The items of the most popular lists that the run published."""
    for made in lists(aws, dataset).get("useCases", ()):
        if made["useCase"] in POPULAR and made["lists"]:
            return [each["itemId"] for each in made["lists"][0]["items"]]
    return [each.id for each in items(aws, dataset, most=25)]
