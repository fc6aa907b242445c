"""Names that no column of a Forecast dataset may have (docs/aws-sources.md#forecast-reserved-field-names)."""

from __future__ import annotations

from pathlib import Path

_LINES = Path(__file__).with_name("reserved.txt").read_text(encoding="utf-8").splitlines()
_NAMES = frozenset(name for line in _LINES if not line.startswith("#") for name in line.split())


def is_reserved(name: str) -> bool:
    """In any case: they are SQL's words, and the guide does not say whether their case matters."""
    return name.upper() in _NAMES
