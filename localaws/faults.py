"""The fault switch: which calls and jobs of the embedded AWS fail or wait, by the rules in its state folder.

A test or a person writes rules (`python -m localaws fault ...`); the emulator asks about every call, the jobs about
every job. Rules hold until they are cleared; what they have counted is forgotten when they change or the process ends.
"""

import fnmatch
import json
import random
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from localaws import files


@dataclass(frozen=True)
class Fault:
    """`operation` is a glob over `service:Operation` as IAM spells it (`personalize:Create*`, `s3:GetObject`), or over
    `job:service:Type` (`job:forecast:Predictor`); `containing` must be in the call's address, body or ARN.

    A hit waits `delay` seconds, then fails with `error` and `message` if there is an error: as HTTP status `status`, or
    as the failed job's reason. With `after` the call goes through first and only its answer is lost. Of the calls that
    match, each is hit with the chance `chance` (drawn from `seed`), `times` of them at most.
    """

    operation: str
    containing: str = ""
    error: str = ""
    message: str = "Injected by the fault switch."
    status: int = 400
    delay: float = 0.0
    after: bool = False
    times: int | None = None
    chance: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.chance <= 1:
            raise ValueError(f"chance = {self.chance}: allowed is 0 to 1")
        if self.delay < 0 or (self.times is not None and self.times < 1):
            raise ValueError(f"delay = {self.delay}, times = {self.times}: delay must be >= 0, times at least 1")
        if not self.error and not self.delay:
            raise ValueError("a fault needs an error, a delay, or both")


@dataclass
class _Rule:
    fault: Fault
    hits: int = 0
    draw: random.Random = field(default_factory=random.Random)


class Switch:
    """The rules in the file at `path`, followed as it changes. Safe to use from several threads."""

    def __init__(self, path: Path):
        self._path = path
        self._lock = threading.Lock()
        self._version: tuple[int, int] | None = None
        self._rules: list[_Rule] = []

    @property
    def on(self) -> bool:
        """Whether there is any rule."""
        with self._lock:
            self._follow()
            return bool(self._rules)

    def hits(self, operation: str, text: str = "") -> list[Fault]:
        """The faults that this call or job meets, each counted as met."""
        with self._lock:
            self._follow()
            met = [rule for rule in self._rules if _matches(rule, operation, text)]
            for rule in met:
                rule.hits += 1
        return [rule.fault for rule in met]

    def _follow(self) -> None:
        try:
            there = self._path.stat()
            version = (there.st_mtime_ns, there.st_ino)  # files written in one moment differ in their place
        except FileNotFoundError:
            version = None
        if version != self._version:
            self._version = version
            self._rules = [_Rule(fault, draw=random.Random(fault.seed)) for fault in read(self._path)]


def _matches(rule: _Rule, operation: str, text: str) -> bool:
    fault = rule.fault
    return (
        fnmatch.fnmatchcase(operation, fault.operation)
        and fault.containing in text
        and (fault.times is None or rule.hits < fault.times)
        and rule.draw.random() < fault.chance
    )


def read(path: Path) -> list[Fault]:
    return [Fault(**fault) for fault in json.loads(path.read_text())] if path.exists() else []


def write(path: Path, faults: Iterable[Fault]) -> None:
    """The rules of the file are these and no others; it is replaced as a whole, so no reader sees half of it."""
    files.replace(path, json.dumps([asdict(fault) for fault in faults], indent=1))
