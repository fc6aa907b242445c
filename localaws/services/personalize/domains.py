"""What each domain asks of its schemas: required fields and reserved keywords, with their types.

The table is lambdas/recommending/domains.toml, which also names its sources. It is data that the pipeline and the
embedded AWS share; neither imports the other.
"""

import tomllib
from pathlib import Path

CUSTOM = None
ECOMMERCE, VIDEO_ON_DEMAND = "ECOMMERCE", "VIDEO_ON_DEMAND"
NAMES = (ECOMMERCE, VIDEO_ON_DEMAND)

_FILE = Path(__file__).parents[3] / "lambdas" / "recommending" / "domains.toml"
_TABLE = tomllib.loads(_FILE.read_text(encoding="utf-8"))


def _by_type(columns: dict) -> dict:
    """By dataset type as it is written in a schema: Interactions, Items, Users."""
    return {kind.capitalize(): fields for kind, fields in columns.items()}


_DOMAINS = {name: _TABLE["domains"][name or "CUSTOM"] for name in (CUSTOM, *NAMES)}
REQUIRED = {name: _by_type(domain["required"]) for name, domain in _DOMAINS.items()}
RESERVED = {name: _by_type(domain["reserved"]) for name, domain in _DOMAINS.items()}
MOST_METADATA = _by_type(_TABLE["most_metadata_columns"])

# Fields that say who, what and when: never null, and no metadata.
KEYS = ("USER_ID", "ITEM_ID", "TIMESTAMP")
NO_METADATA_OF_EVENTS = (*KEYS, *RESERVED[CUSTOM]["Interactions"])
