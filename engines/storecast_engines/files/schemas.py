"""What a file must hold: the layout of time series files, the fields of interactions, items and users."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DEFAULT_TIMESTAMP_FORMAT = "yyyy-MM-dd HH:mm:ss"
TIMESTAMP_FORMATS = {  # ours -> strptime's
    "yyyy-MM-dd": "%Y-%m-%d",
    DEFAULT_TIMESTAMP_FORMAT: "%Y-%m-%d %H:%M:%S",
    "yyyy-MM-dd hh:mm:ss": "%Y-%m-%d %H:%M:%S",  # as recorded: imports read 23:00:00 with it
}
GEOLOCATION_FORMATS = ("LAT_LONG", "CC_POSTALCODE")

LATEST = 1e11  # epoch seconds beyond the year 5000: they were meant as milliseconds
AHEAD = 86_400  # seconds by which an event may lie in the future: clocks and time zones differ


@dataclass(frozen=True)
class Layout:
    """The columns of a time series file in order, and how their values are written.

    columns             name -> string, timestamp, integer, float or geolocation
    timestamp_format    a key of TIMESTAMP_FORMATS
    keys                columns that must have a value in each row
    counted             the target, if it counts things and so is not expected below zero
    geolocation_format  one of GEOLOCATION_FORMATS; None: either
    """

    columns: Mapping[str, str]
    timestamp_format: str = DEFAULT_TIMESTAMP_FORMAT
    keys: Sequence[str] = ()
    counted: str | None = None
    geolocation_format: str | None = None


@dataclass(frozen=True)
class Field:
    """A column of interactions, items or users; `kind` is float, double, int, long, string or boolean.

    A string may be marked `categorical` (up to 1,000 characters) or `textual` (up to 20,000).
    """

    name: str
    kind: str
    nullable: bool
    categorical: bool = False
    textual: bool = False
