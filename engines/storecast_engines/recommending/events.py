"""The interactions as arrays: recipes train on them, the evaluation splits them, serving takes histories from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # answering requests must not load pandas
    import pandas as pd

REQUIRED = ("USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE")  # of an ECOMMERCE Interactions dataset
PURCHASE = "Purchase"
VIEW = "View"
WATCH = "Watch"
FILTER_REACH = 100  # filters see at most this many interactions per user and event type (the guide's quotas)


class InsufficientData(ValueError):
    """The log is too small for the recipe; the message is the service's own, with what was found behind it."""


@dataclass(frozen=True)
class History:
    """One user's events, oldest first: `items` (m,) codes of the model's item_ids (-1: not in the model),
    `event_types` (m,) strings."""

    items: np.ndarray
    event_types: np.ndarray

    def newest(self, event_type: str) -> np.ndarray:
        """Codes of the items in the user's newest 100 events of a type: what an automatic filter leaves out."""
        found = self.items[self.event_types == event_type][-FILTER_REACH:]
        return found[found >= 0]


NO_HISTORY = History(np.empty(0, dtype=np.int64), np.empty(0, dtype="<U1"))


@dataclass(frozen=True)
class Events:
    """E events sorted by user, then time. Codes are positions in the sorted vocabularies.

    users, items, types: (E,) int codes; timestamps: (E,) int64 epoch seconds
    user_ids (U,), item_ids (N,), event_types (T,): sorted unicode vocabularies; item_ids also holds the items of the
    Items dataset without events.
    """

    users: np.ndarray
    items: np.ndarray
    timestamps: np.ndarray
    types: np.ndarray
    user_ids: np.ndarray
    item_ids: np.ndarray
    event_types: np.ndarray

    def __len__(self) -> int:
        return len(self.users)

    @cached_property
    def user_start(self) -> np.ndarray:
        """(U+1,) row pointers: user u's events are rows user_start[u] to user_start[u+1], oldest first."""
        return np.searchsorted(self.users, np.arange(len(self.user_ids) + 1))

    def rows_of(self, user: int) -> slice:
        """Rows of one user code."""
        return slice(self.user_start[user], self.user_start[user + 1])

    def take(self, rows: np.ndarray) -> Events:
        """The events of some rows (mask or ascending positions), under the same vocabularies."""
        return replace(
            self,
            users=self.users[rows],
            items=self.items[rows],
            timestamps=self.timestamps[rows],
            types=self.types[rows],
        )

    def of_type(self, event_type: str | None) -> Events:
        """The events of one type; all of them for None."""
        return self if event_type is None else self.take(self.event_types[self.types] == event_type)

    def within_history_lengths(self, low: float, high: float) -> Events:
        """The events of the users whose number of events lies between two percentiles, 0..1, of all users' numbers."""
        lengths = np.diff(self.user_start)
        least, most = np.quantile(lengths[lengths > 0], [low, high]) if len(self) else (0, 0)
        return self.take(((lengths >= least) & (lengths <= most))[self.users])

    def counts(self) -> dict[str, int]:
        """Number of events per event type."""
        numbers = np.bincount(self.types, minlength=len(self.event_types))
        return {str(name): int(n) for name, n in zip(self.event_types, numbers, strict=True) if n}

    def item_counts(self) -> np.ndarray:
        """(N,) number of events per item."""
        return np.bincount(self.items, minlength=len(self.item_ids))

    def history(self, rows: slice | np.ndarray) -> History:
        """The History in some rows of one user."""
        return History(self.items[rows], self.event_types[self.types[rows]])


def extended(events: Events, rows: slice, more: list[tuple[str, str, int]]) -> History:
    """The History of one user's rows and of `more` events (item id, event type, epoch seconds), oldest first. An
    event that is already in the rows counts once."""
    history = events.history(rows)
    if not more:
        return history
    times = events.timestamps[rows]
    known = set(zip(events.item_ids[history.items].tolist(), history.event_types.tolist(), times.tolist(), strict=True))
    new = [event for event in more if event not in known]
    items = np.concatenate([history.items, codes_of(events.item_ids, [item for item, _, _ in new])])
    types = np.concatenate([history.event_types, np.array([kind for _, kind, _ in new], dtype=np.str_)])
    order = np.argsort(np.concatenate([times, np.array([time for *_, time in new], dtype=np.int64)]), kind="stable")
    return History(items[order].astype(np.int64), types[order])


def encode(interactions: pd.DataFrame, items: pd.DataFrame | None = None) -> Events:
    """Encode an Interactions frame (columns REQUIRED, others allowed) and optionally the Items frame's ITEM_ID.

    Records that match in all columns count once (Personalize guide, "Exporting a dataset"). TIMESTAMP is epoch seconds.
    Raises ValueError naming the column if one is missing or holds nulls.

    >>> import pandas as pd
    >>> log = [("ann", "tent", 20, "View"), ("ann", "pegs", 10, "View"), ("bob", "tent", 30, "Purchase")]
    >>> events = encode(pd.DataFrame(log, columns=["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE"]))
    >>> events.item_ids[events.history(events.rows_of(0)).items].tolist()
    ['pegs', 'tent']
    """
    import pandas as pd  # here and not above: answering requests must not load it

    missing = [name for name in REQUIRED if name not in interactions.columns]
    if missing:
        raise ValueError(f"Input CSV is missing the following columns:[{', '.join(missing)}]")
    for name in REQUIRED:
        nulls = interactions[name].isna()
        if nulls.any():
            raise ValueError(f"{name} is null in row {int(np.argmax(nulls)) + 1} of the interactions: it needs a value")
    log = interactions.drop_duplicates()
    user_ids, users = _coded(log["USER_ID"])
    item_ids, codes = _coded(log["ITEM_ID"] if items is None else pd.concat([log["ITEM_ID"], items["ITEM_ID"]]))
    event_types, types = _coded(log["EVENT_TYPE"])
    timestamps = log["TIMESTAMP"].to_numpy(dtype=np.int64)
    order = np.lexsort((timestamps, users))  # stable: events of one second keep the file's order
    return Events(
        users[order], codes[: len(log)][order], timestamps[order], types[order], user_ids, item_ids, event_types
    )


def codes_of(vocabulary: np.ndarray, ids: np.ndarray | list[str]) -> np.ndarray:
    """Codes of ids in a sorted vocabulary, -1 for those that are not in it."""
    ids = np.asarray(ids, dtype=np.str_)
    if not len(vocabulary):
        return np.full(ids.shape, -1)
    found = np.minimum(np.searchsorted(vocabulary, ids), len(vocabulary) - 1)
    return np.where(vocabulary[found] == ids, found, -1)


def check_minimums(events: Events, event_type: str | None) -> None:
    """Raise InsufficientData unless there are 1000 interactions, 1000 of `event_type` (None: any) and 25 users with 2
    interactions each (the guide's ECOMMERCE use cases; the messages are the service's)."""
    counts = events.counts()
    if len(events) < 1000:
        raise InsufficientData(f"Dataset has fewer than 1000 interactions (found {len(events)})")
    if event_type is not None and counts.get(event_type, 0) < 1000:
        found = ", ".join(f"{name or 'without an event type'} {number}" for name, number in counts.items())
        if set(counts) == {""}:
            found += "; the interactions need a column EVENT_TYPE with values"
        raise InsufficientData(
            f"Dataset has fewer than 1000 interactions after filtering by event type: {event_type} (found: {found})"
        )
    active = int((np.diff(events.user_start) >= 2).sum())
    if active < 25:
        raise InsufficientData(
            f"Create failed. Dataset has fewer than 25 users with at least 2 interactions each. (found {active})"
        )


def _coded(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """The sorted vocabulary of a column and each row's code in it."""
    codes, names = column.astype(str).factorize(sort=True)
    return names.to_numpy(dtype=np.str_), codes
