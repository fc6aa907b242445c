"""A clock that nobody waits for: who sleeps lets the time pass at once, and what is due meanwhile happens in its sleep.

Everything runs in one thread, one thing after the other, so that a seed tells the same story each time. An execution
that starts while another sleeps runs inside that sleep, until it ends or sleeps itself.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from datetime import UTC, datetime

BEGIN = datetime(2026, 1, 5, 8, tzinfo=UTC).timestamp()
_DAY = 86400.0


class Clock:
    """Seconds since 1970, as `time.time` gives them: what has passed, and what somebody has set the clock by."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.set_by = 0.0
        self._due: list[tuple[float, int, Callable[[], None], bool]] = []
        self._numbers = itertools.count()

    def time(self) -> float:
        return self.now + self.set_by

    def set(self, seconds: float) -> None:
        """Forwards or back; what is due stays due after the same wait."""
        self.set_by += seconds

    def iso(self) -> str:
        return datetime.fromtimestamp(self.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    def at(self, seconds: float, action: Callable[[], None], *, outside: bool = False) -> None:
        """`action` happens so many seconds from now; one from `outside` does even if the process is killed before."""
        heapq.heappush(self._due, (self.now + seconds, next(self._numbers), action, outside))

    def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        while self._due and self._due[0][0] <= until:
            when, _, action, _ = heapq.heappop(self._due)
            self.now = max(self.now, when)
            action()
        self.now = max(self.now, until)

    def run(self) -> None:
        """Until nothing is left to happen."""
        while self._due:
            self.sleep(max(0.0, self._due[0][0] - self.now))

    def next_morning(self) -> None:
        """The same time of day for whatever begins, and never a day twice."""
        self.now = BEGIN + _DAY * math.ceil((max(self.now, self.time()) - BEGIN) / _DAY + 1)
        self.set_by = 0.0

    def forget(self) -> None:
        """What was to happen inside will not."""
        self._due = [due for due in self._due if due[3]]
        heapq.heapify(self._due)
