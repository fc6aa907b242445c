"""What Personalize accepts in schemas and filters, as the service documents it; problems come in words.

Sources: Personalize guide ECOMMERCE-datasets-and-schemas.md, VIDEO-ON-DEMAND-datasets-and-schemas.md, limits.md,
domain-use-cases.md, filter-expressions.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.schemas import name_problems

CUSTOM_RECIPES = (
    "aws-user-personalization",
    "aws-personalized-ranking",
    "aws-similar-items",
    "aws-popularity-count",
    "aws-trending-now",
)
# What shows young items too (use-case features page).
EXPLORING = ("recommended-for-you", "top-picks-for-you", "aws-user-personalization")

Fields = Mapping[str, tuple[str, str]]  # by name: Avro type, and mark if there must be one
_STRING, _CATEGORY, _TEXT, _LONG, _FLOAT = (
    ("string", ""),
    ("string", "categorical"),
    ("string", "textual"),
    ("long", ""),
    ("float", ""),
)
_EVENTS = {"USER_ID": _STRING, "ITEM_ID": _STRING, "TIMESTAMP": _LONG}
_OF_EVENTS = {
    "EVENT_VALUE": _FLOAT,
    "IMPRESSION": _STRING,
    "RECOMMENDATION_ID": _STRING,
    "EVENT_ATTRIBUTION_SOURCE": _STRING,
}


@dataclass(frozen=True)
class Domain:
    """Recipes by use case; by kind of dataset, the columns that a domain needs and those that it knows."""

    recipes: Mapping[str, str]
    required: Mapping[str, Fields]
    reserved: Mapping[str, Fields]


DOMAINS = {
    "ECOMMERCE": Domain(
        recipes={
            "most-viewed": "aws-ecomm-popular-items-by-views",
            "best-sellers": "aws-ecomm-popular-items-by-purchases",
            "frequently-bought-together": "aws-ecomm-frequently-bought-together",
            "also-viewed": "aws-ecomm-customers-who-viewed-x-also-viewed",
            "recommended-for-you": "aws-ecomm-recommended-for-you",
        },
        required={
            "interactions": {**_EVENTS, "EVENT_TYPE": _STRING},
            "items": {"ITEM_ID": _STRING, "PRICE": _FLOAT, "CATEGORY_L1": _CATEGORY},
            "users": {"USER_ID": _STRING},
        },
        reserved={
            "interactions": _OF_EVENTS,
            "items": {
                "CATEGORY_L2": _CATEGORY,
                "CATEGORY_L3": _CATEGORY,
                "PRODUCT_DESCRIPTION": _TEXT,
                "CREATION_TIMESTAMP": _LONG,
                "AGE_GROUP": _CATEGORY,
                "ADULT": _CATEGORY,
                "GENDER": _CATEGORY,
            },
            "users": {},
        },
    ),
    "VIDEO_ON_DEMAND": Domain(
        recipes={
            "because-you-watched": "aws-vod-because-you-watched-x",
            "more-like-this": "aws-vod-more-like-x",
            "most-popular": "aws-vod-most-popular",
            "trending-now": "aws-vod-trending-now",
            "top-picks-for-you": "aws-vod-top-picks",
        },
        required={
            "interactions": {**_EVENTS, "EVENT_TYPE": _STRING},
            "items": {"ITEM_ID": _STRING, "GENRES": _CATEGORY, "CREATION_TIMESTAMP": _LONG},
            "users": {"USER_ID": _STRING},
        },
        reserved={
            "interactions": _OF_EVENTS,
            "items": {
                "PRICE": _FLOAT,
                "DURATION": _FLOAT,
                "GENRE_L2": _CATEGORY,
                "GENRE_L3": _CATEGORY,
                "AVERAGE_RATING": _FLOAT,
                "PRODUCT_DESCRIPTION": _TEXT,
                "CONTENT_OWNER": _CATEGORY,
                "CONTENT_CLASSIFICATION": _CATEGORY,
            },
            "users": {"SUBSCRIPTION_MODEL": _CATEGORY},
        },
    ),
    # A dataset group without a domain: custom solutions alone (custom-datasets-and-schemas.md).
    "CUSTOM": Domain(
        recipes={},
        required={"interactions": _EVENTS, "items": {"ITEM_ID": _STRING}, "users": {"USER_ID": _STRING}},
        reserved={
            "interactions": {"EVENT_TYPE": _STRING, **_OF_EVENTS},
            "items": {"CREATION_TIMESTAMP": _LONG},
            "users": {},
        },
    ),
}
_MOST_OWN = {"interactions": 5, "items": 100, "users": 25}
_LEAST = {"interactions": 3, "items": 2, "users": 2}  # columns in all


def rules(domain: str, kind: str) -> dict[str, Any]:
    """What a schema that is inferred from a file must keep to."""
    required, reserved = DOMAINS[domain].required[kind], DOMAINS[domain].reserved[kind]
    fields = {
        name: {"type": avro, "categorical": mark == "categorical", "textual": mark == "textual", "nullable": nullable}
        for table, nullable in ((reserved, True), (required, False))
        for name, (avro, mark) in table.items()
    }
    return {"fields": fields, "required": list(required), "most": _MOST_OWN[kind], "least": _LEAST[kind]}


def schema_problems(domain: str, kind: str, columns: Mapping[str, Mapping[str, Any]]) -> list[str]:
    required, reserved = DOMAINS[domain].required[kind], DOMAINS[domain].reserved[kind]
    ruled = {**required, **reserved}
    found = [
        f"{kind}: {name} is missing; the {domain} domain needs it, of type {avro}"
        for name, (avro, _) in required.items()
        if name not in columns
    ]
    for name, column in columns.items():
        found += name_problems(kind, name)
        marks = [mark for mark in ("categorical", "textual") if column[mark]]
        if name in ruled:
            avro, mark = ruled[name]
            if column["type"] != avro:
                found.append(f"{kind}.{name}: type {column['type']!r}; the {domain} domain needs {avro}")
            if marks != [mark] * bool(mark):
                found.append(f"{kind}.{name}: the {domain} domain needs it {mark or 'neither categorical nor textual'}")
        if name in required and column["nullable"]:
            found.append(f"{kind}.{name}: a required column cannot be nullable")
        if marks and column["type"] != "string":
            found.append(f"{kind}.{name}: only a string can be categorical or textual")
        if len(marks) > 1:
            found.append(f"{kind}.{name}: either categorical or textual, not both")
    if sum(column["textual"] for column in columns.values()) > 1:
        found.append(f"{kind}: more than one textual column; at most 1")
    own = set(columns) - set(required) - set(reserved)
    if len(columns) < _LEAST[kind]:
        found.append(f"{kind}: no column beside {next(iter(required))}; at least one is needed")
    if len(own) > _MOST_OWN[kind]:
        found.append(f"{kind}: {len(own)} metadata columns; at most {_MOST_OWN[kind]}")
    return found + _clashes(kind, columns)


def filter_problems(name: str, expression: str) -> list[str]:
    """What is wrong at a glance; CreateFilter knows the rest (filter-expressions.md, limits.md)."""
    found = (
        []
        if re.match(r"\s*(INCLUDE|EXCLUDE)\s+ItemID\s+WHERE\s", expression, re.IGNORECASE)
        else [f"{name}: {expression!r}: allowed is INCLUDE ItemID WHERE ..., or EXCLUDE ItemID WHERE ..."]
    )
    if len(expression) > 2500:
        found.append(f"{name}: {len(expression)} characters; at most 2500")
    return found + short_name_problems(name)


def short_name_problems(name: str, most: int = 20) -> list[str]:
    """Names from the config become parts of names of at most 63 characters."""
    if re.fullmatch(r"[a-z][a-z0-9-]*", name) and len(name) <= most:
        return []
    return [f"name {name!r}: allowed are 1-{most} of a-z, 0-9 and -, a letter first"]


def _clashes(kind: str, names: Iterable[str]) -> list[str]:
    """Personalize tells names apart without regard to underscores (data-prep-formatting.md)."""
    seen: dict[str, str] = {}
    found = []
    for name in names:
        other = seen.setdefault(name.replace("_", "").upper(), name)
        if other != name:
            found.append(f"{kind}: {other} and {name} differ only in underscores or case, which Personalize ignores")
    return found
