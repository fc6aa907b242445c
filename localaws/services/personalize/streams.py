"""Records put one by one (PutEvents, PutItems, PutUsers): a file of JSON lines per dataset, so that a restart keeps
them and training reads them, and the same records in memory for the next answer.

Anonymous events carry a session and no user. They count for the session, which may be asked for in place of a user, and
are the user's own from the session's first event with a userId on (docs/aws-sources.md#personalize-recording-events,
anonymous users).
"""

import json
import threading
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = "put.jsonl"
Record = dict[str, Any]


class Attribution:
    """Whose events they are, kept up as events come in."""

    def __init__(self) -> None:
        self._user_of: dict[str, str] = {}
        self._of_user: dict[str, list[Record]] = {}
        self._of_session: dict[str, list[Record]] = {}

    def add(self, record: Record) -> None:
        session, user = record["SESSION_ID"], record["USER_ID"]
        if user is not None:
            self._user_of[session] = user
            joined = self._of_session.pop(session, [])
            self._of_user.setdefault(user, []).extend([*joined, record])
        elif session in self._user_of:
            self._of_user[self._user_of[session]].append(record)
        else:
            self._of_session.setdefault(session, []).append(record)

    def of(self, name: str) -> list[Record]:
        """The events of a user, or of a session that no user has joined."""
        return self._of_user.get(name, []) + self._of_session.get(name, [])

    def attributed(self) -> list[Record]:
        """All events with the user, else the session, as USER_ID."""
        return [
            record | {"USER_ID": name}
            for events in (self._of_user, self._of_session)
            for name, records in events.items()
            for record in records
        ]


class Stream:
    """The records put into one dataset, oldest first; `by_user` holds those of an Interactions dataset."""

    def __init__(self, path: Path):
        self._path, self._lock = path, threading.Lock()
        self._known: set[str] = set()
        self.records: list[Record] = []
        self.by_user = Attribution()
        self.changes = 0
        if path.exists():
            _drop_torn_line(path)
            self._take(read(path))

    def append(self, records: Iterable[Record]) -> None:
        """Keeps what is new: a second event of the same EVENT_ID, or the same in everything, is dropped."""
        with self._lock:
            new = self._take(records)
            if new:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("a", encoding="utf-8") as file:
                    file.write("".join(json.dumps(record) + "\n" for record in new))

    def remove_users(self, users: set[str]) -> int:
        """Removes the records of users, those of their sessions before they were known included; answers how many."""
        with self._lock:
            events = (each for each in self.records if "SESSION_ID" in each)
            theirs = {each["SESSION_ID"] for each in events if each["USER_ID"] in users}
            kept = [each for each in self.records if not _is_of(each, users, theirs)]
            removed = len(self.records) - len(kept)
            if removed:
                temporary = self._path.with_suffix(".new")
                temporary.write_text("".join(json.dumps(record) + "\n" for record in kept), encoding="utf-8")
                temporary.replace(self._path)
                self._known, self.records, self.by_user = set(), [], Attribution()
                self._take(kept)
            return removed

    def _take(self, records: Iterable[Record]) -> list[Record]:
        new = []
        for record in records:
            if "SESSION_ID" in record:
                identity = str(record.get("EVENT_ID") or json.dumps(record, sort_keys=True))
                if identity in self._known:
                    continue
                self._known.add(identity)
                self.by_user.add(record)
            new.append(record)
        self.records.extend(new)
        self.changes += 1
        return new


def _is_of(record: Record, users: set[str], sessions: set[str]) -> bool:
    return record.get("USER_ID") in users or (record.get("USER_ID", "") is None and record["SESSION_ID"] in sessions)


def read(path: Path) -> list[Record]:
    """The whole lines of a file; one that is being written is left out."""
    *lines, _ = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines]


def read_attributed(path: Path) -> list[Record]:
    """Events as training takes them: with a user and an item, without what only tells events apart."""
    attribution = Attribution()
    for record in read(path):
        attribution.add(record)
    return [
        {name: value for name, value in record.items() if name not in ("SESSION_ID", "EVENT_ID")}
        for record in attribution.attributed()
        if record["ITEM_ID"] is not None
    ]


def _drop_torn_line(path: Path) -> None:
    """A crash while writing leaves a line without its end."""
    body = path.read_bytes()
    if not body.endswith(b"\n"):
        path.write_bytes(body[: body.rfind(b"\n") + 1])


@lru_cache(maxsize=64)
def stream(path: Path, created: float) -> Stream:
    """The stream of a dataset, by its file and the time the dataset was made (a later one may take its name)."""
    return Stream(path)
