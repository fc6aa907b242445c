"""What Amazon Personalize's domains ask of datasets: the table in domains.toml, with its limits."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

Fields = Mapping[str, str]  # by name: an Avro type, `categorical` or `textual`


@dataclass(frozen=True)
class Domain:
    """Recipes by use case; by dataset kind, the columns that the domain requires and those that it reserves."""

    recipes: Mapping[str, str]
    required: Mapping[str, Fields]
    reserved: Mapping[str, Fields]

    def fields(self, kind: str) -> Fields:
        """Every column that the domain knows by name."""
        return {**self.reserved[kind], **self.required[kind]}


_TABLE = tomllib.loads(Path(__file__).with_name("domains.toml").read_text(encoding="utf-8"))

DOMAINS = {name: Domain(**domain) for name, domain in _TABLE["domains"].items()}
MOST_METADATA_COLUMNS: Mapping[str, int] = _TABLE["most_metadata_columns"]
LEAST_COLUMNS = {"interactions": 3, "items": 2, "users": 2}  # in all: the keys, and for items and users one more
