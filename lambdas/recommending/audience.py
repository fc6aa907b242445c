"""For whom recommendations are published: the items most people deal with, and a sample of users."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from common.store import csv_files, records


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
    known = [user for user in _by_count(users) if users[user] >= 2]
    spacing = max(1, len(known) / sample_users)
    sample = [known[int(i * spacing)] for i in range(min(sample_users, len(known)))]
    return Audience(_by_count(items)[:head_items], sample, _names(bucket, folder, name_column))


def ranked(bucket: str, folder: str, column: str) -> list[str]:
    """The ids in a column of the interactions, those with the most interactions first."""
    return _by_count(Counter(record[column] for record in records(bucket, f"{folder}interactions/")))


def _by_count(counts: Counter[str]) -> list[str]:
    return sorted(counts, key=lambda name: (-counts[name], name))


def _names(bucket: str, folder: str, column: str | None) -> dict[str, str]:
    if column is None or not csv_files(bucket, f"{folder}items/"):
        return {}
    return {record["ITEM_ID"]: record[column] for record in records(bucket, f"{folder}items/") if record.get(column)}
