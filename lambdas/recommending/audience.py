"""For whom recommendations are published: the items most people deal with, and a sample of users."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from common.store import csv_keys, records


@dataclass(frozen=True)
class Audience:
    """Item ids by falling popularity, user ids, and the names of items as far as they have one."""

    head_items: list[str]
    sample_users: list[str]
    names: dict[str, str]


def audience(bucket: str, folder: str, *, head_items: int, sample_users: int, name_column: str | None) -> Audience:
    """Reads the interactions and items CSVs under `folder` of the bucket.

    The sample runs evenly through the users with at least two interactions, ordered by how many they have: from the
    busiest to the least busy, the same ones for the same data.
    """
    items: Counter[str] = Counter()
    users: Counter[str] = Counter()
    for record in records(bucket, f"{folder}interactions/"):
        items[record["ITEM_ID"]] += 1
        users[record["USER_ID"]] += 1
    known = sorted((user for user, count in users.items() if count >= 2), key=lambda user: (-users[user], user))
    spacing = max(1, len(known) / sample_users)
    sample = [known[int(i * spacing)] for i in range(min(sample_users, len(known)))]
    head = sorted(items, key=lambda item: (-items[item], item))[:head_items]
    return Audience(head, sample, _names(bucket, folder, name_column))


def _names(bucket: str, folder: str, column: str | None) -> dict[str, str]:
    if column is None or not csv_keys(bucket, f"{folder}items/"):
        return {}
    return {record["ITEM_ID"]: record[column] for record in records(bucket, f"{folder}items/") if record.get(column)}
