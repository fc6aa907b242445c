"""Names that no attribute of a schema may have (docs/aws-sources.md#forecast-reserved-field-names): the list that the
pipeline reads too."""

from pathlib import Path

_FILE = Path(__file__).parents[3] / "lambdas" / "forecasting" / "reserved.txt"
_LINES = _FILE.read_text(encoding="utf-8").splitlines()
NAMES = frozenset(name for line in _LINES if not line.startswith("#") for name in line.split())
