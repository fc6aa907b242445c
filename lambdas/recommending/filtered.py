"""What a filter does to a list: the same request with it and without it."""

from __future__ import annotations

from typing import Any

from recommending.audience import Audience
from recommending.lists import EVERYBODY, PER_ITEM, PER_USER, asked, recommendations, subject


def filtered(
    filters: list[dict[str, Any]], serving: list[dict[str, Any]], people: Audience, results: int
) -> list[dict[str, Any]]:
    """Each filter with its expression, and where it can be shown, `by`, `for`, `items` and the items `leftOut`.

    A filter with placeholders gets its values from the application alone; it is not shown.
    """
    return [
        {"name": one["name"], "expression": one["request"]["filterExpression"], **_shown(one, serving, people, results)}
        for one in filters
    ]


def _shown(one: dict[str, Any], serving: list[dict[str, Any]], people: Audience, results: int) -> dict[str, Any]:
    expression = one["request"]["filterExpression"]
    wanted = (PER_ITEM,) if "currentitem." in expression.lower() else (PER_USER, EVERYBODY, PER_ITEM)
    fitting = [made for kind in wanted for made in serving if subject(made) == kind]
    if "$" in expression or not fitting:
        return {}
    about, request = asked(fitting[0], people)[0]
    whole = recommendations(fitting[0], people, results, request)
    items = recommendations(fitting[0], people, results, {**request, "filterArn": one["filterArn"]})
    stayed = {item["itemId"] for item in items}
    return {
        "by": fitting[0].get("useCase") or fitting[0]["name"],
        "for": about,
        "items": items,
        "leftOut": [item for item in whole if item["itemId"] not in stayed],
    }
