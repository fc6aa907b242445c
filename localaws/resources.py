"""The resources of our services and their states: one SQLite table, so that no crash or restart loses one.

A resource is its ARN, its type (AWS's word: DatasetGroup, Predictor, ...), its status, and a record: the members that
Describe and List answer with, by AWS's names. What no API shows (where a model's file lies) is under `private`.
"""

import base64
import contextlib
import json
import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from localaws import files
from localaws.errors import ServiceError

logger = logging.getLogger("storecast.resources")

_RETRY_SECONDS = 1


class CannotStore(ServiceError):
    """The disk takes nothing more; nothing has changed."""

    def __init__(self, error: Exception):
        super().__init__("ServiceUnavailable", f"The state cannot be written: {error}", 503)


@dataclass(frozen=True)
class Resource:
    arn: str
    type: str
    name: str
    status: str
    record: dict[str, Any]
    private: Any = field(default_factory=dict)  # as the type's TypedDict declares it
    created: float = 0.0
    modified: float = 0.0

    @property
    def service(self) -> str:
        return self.arn.split(":")[2]


_SCHEMA = """
create table if not exists resources (
    arn text primary key, kind text not null, name text not null, status text not null,
    record text not null, private text not null, created real not null, modified real not null,
    position integer not null
);
create table if not exists tags (arn text not null, key text not null, value text not null, primary key (arn, key));
"""
# The column `kind` holds the type; it keeps its name so that older state folders can be read.
_COLUMNS = "arn, kind, name, status, record, private, created, modified"
_UPDATE = "update resources set status = ?, record = ?, private = ?, modified = ? where arn = ?"


class Store:
    """All resources of one embedded AWS. Safe to use from several threads.

    A change is on disk when a method returns; where the disk takes nothing more it raises CannotStore.
    """

    def __init__(self, directory: Path):
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / "resources.sqlite"
        self._insisted: dict[str, Resource] = {}  # what was to be written in any case and is not yet
        self._closed = False
        self.artifacts = directory / "artifacts"
        self.on_status: Callable[[Resource], None] = lambda resource: None
        self._lock = threading.RLock()
        self._db = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=normal")
        self._db.executescript(_SCHEMA)
        self._latest = self._db.execute("select coalesce(max(modified), 0) from resources").fetchone()[0]

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._db.close()

    def keep_copy(self) -> None:
        """The database as it is now, beside it, for the case that it gets damaged."""
        copy = files.previous(self._path)
        scratch = copy.with_name(f"{copy.name}.part")
        scratch.unlink(missing_ok=True)
        try:
            with self._lock:
                self._db.execute("vacuum into ?", (str(scratch),))
            scratch.replace(copy)
        except (OSError, sqlite3.OperationalError) as error:
            logger.error("no copy of %s was made: %s", self._path, error)

    @contextlib.contextmanager
    def _writing(self, how: str = "begin") -> Iterator[sqlite3.Connection]:
        """A transaction. Raises CannotStore."""
        try:
            with self._lock:
                with self._db:
                    self._db.execute(how)
                    self._db.executemany(_UPDATE, map(_values, self._insisted.values()))
                    yield self._db
                self._insisted.clear()
        except sqlite3.OperationalError as error:
            raise CannotStore(error) from error

    def add(
        self, arn: str, type_name: str, name: str, status: str, record: dict, tags: Iterable[tuple[str, str]] = ()
    ) -> Resource:
        """A new resource. Raises ServiceError ResourceAlreadyExistsException when the ARN is taken."""
        try:
            with self._writing() as database:
                now = self._now()
                database.execute(
                    f"insert into resources ({_COLUMNS}, position) values "
                    "(?, ?, ?, ?, ?, '{}', ?, ?, (select coalesce(max(position), 0) + 1 from resources))",
                    (arn, type_name, name, status, json.dumps(record), now, now),
                )
                database.executemany("insert into tags values (?, ?, ?)", [(arn, key, value) for key, value in tags])
        except sqlite3.IntegrityError:
            raise ServiceError("ResourceAlreadyExistsException", f"A resource already exists with arn: {arn}") from None
        return self.get(arn)

    def find(self, arn: str) -> Resource | None:
        with self._lock:
            if arn in self._insisted:
                return self._insisted[arn]
            row = self._db.execute(f"select {_COLUMNS} from resources where arn = ?", (arn,)).fetchone()
        return _resource(row) if row else None

    def get(self, arn: str, type_name: str | None = None) -> Resource:
        """Raises ServiceError ResourceNotFoundException when there is none of that ARN (and type)."""
        resource = self.find(arn)
        if resource is None or (type_name and resource.type != type_name):
            raise ServiceError("ResourceNotFoundException", f"No {type_name or 'resource'} found with arn: {arn}")
        return resource

    def update(
        self, arn: str, status: str | None = None, private: Mapping[str, Any] | None = None, **record: Any
    ) -> Resource:
        """Changes the status and merges members into the record (and into what is private); calls `on_status`."""
        with self._writing("begin immediate") as database:
            old = self.get(arn)
            new = self._changed(old, status, private, record)
            database.execute(_UPDATE, _values(new))
        if new.status != old.status:
            self.on_status(new)
        return new

    def insist(self, arn: str, status: str, **record: Any) -> None:
        """Like `update`, for a status that a resource must come to: it has it now, and on disk as soon as that takes
        it."""
        try:
            self.update(arn, status, **record)
        except CannotStore as error:
            logger.error("%s is %s, which is not on disk yet: %s", arn, status, error)
            with self._lock:
                self._insisted[arn] = new = self._changed(self.get(arn), status, None, record)
            threading.Thread(target=self._catch_up, daemon=True).start()
            self.on_status(new)

    def _catch_up(self) -> None:
        while self._insisted and not self._closed:
            time.sleep(_RETRY_SECONDS)
            with contextlib.suppress(CannotStore, sqlite3.ProgrammingError), self._writing():
                pass  # each transaction begins with what was insisted on

    def _changed(self, old: Resource, status: str | None, private: Mapping[str, Any] | None, record: dict) -> Resource:
        return replace(
            old,
            status=status or old.status,
            record=old.record | record,
            private={**old.private, **(private or {})},
            modified=self._now(),
        )

    def _now(self) -> float:
        """A service's clock never goes back, even if that of the machine is set back."""
        self._latest = max(time.time(), self._latest + 1e-6)
        return self._latest

    def remove(self, arn: str) -> None:
        """The resource, its tags and its files are gone; nothing happens when it is gone already."""
        with self._writing() as database:
            self._insisted.pop(arn, None)
            database.execute("delete from resources where arn = ?", (arn,))
            database.execute("delete from tags where arn = ?", (arn,))
        shutil.rmtree(self.folder(arn), ignore_errors=True)

    def all(
        self, type_name: str, service: str, where: Callable[[Resource], bool] = lambda resource: True
    ) -> list[Resource]:
        """Resources of a type, oldest first."""
        with self._lock:
            rows = self._db.execute(
                f"select {_COLUMNS} from resources where kind = ? and arn like ? order by position",
                (type_name, f"arn:%:{service}:%"),
            ).fetchall()
        return [resource for resource in map(self._newest, rows) if where(resource)]

    def everything(self) -> list[Resource]:
        with self._lock:
            rows = self._db.execute(f"select {_COLUMNS} from resources order by position").fetchall()
        return [self._newest(row) for row in rows]

    def _newest(self, row: tuple) -> Resource:
        return self._insisted.get(row[0]) or _resource(row)

    def folder(self, arn: str) -> Path:
        """Where the files of a resource lie; ARNs are ours alone, so no caller chooses a path."""
        return self.artifacts / base64.urlsafe_b64encode(arn.encode()).decode()

    def tags(self, arn: str) -> dict[str, str]:
        with self._lock:
            return dict(self._db.execute("select key, value from tags where arn = ? order by key", (arn,)).fetchall())

    def tag(self, arn: str, tags: dict[str, str]) -> None:
        with self._writing() as database:
            database.executemany("insert or replace into tags values (?, ?, ?)", [(arn, *tag) for tag in tags.items()])

    def untag(self, arn: str, keys: Iterable[str]) -> None:
        with self._writing() as database:
            database.executemany("delete from tags where arn = ? and key = ?", [(arn, key) for key in keys])


def _values(resource: Resource) -> tuple:
    """Of _UPDATE."""
    record, private = json.dumps(resource.record), json.dumps(resource.private)
    return resource.status, record, private, resource.modified, resource.arn


def _resource(row: tuple) -> Resource:
    arn, type_name, name, status, record, private, created, modified = row
    return Resource(arn, type_name, name, status, json.loads(record), json.loads(private), created, modified)


def page(items: list, token: str | None, size: int | None) -> tuple[list, str | None]:
    """One page of a listing and the token of the next. Raises ServiceError InvalidNextTokenException."""
    size = size or 100
    try:
        start = int(base64.b64decode(token, validate=True)) if token else 0
        if start < 0:
            raise ValueError(start)
    except ValueError:
        raise ServiceError("InvalidNextTokenException", f"The token {token!r} is not one of this listing.") from None
    following = base64.b64encode(str(start + size).encode()).decode() if start + size < len(items) else None
    return items[start : start + size], following
