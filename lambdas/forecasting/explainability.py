"""What the explainability of the serving predictor says, read from its export."""

from __future__ import annotations

from common.store import records
from forecasting.payload import Publishing
from forecasting.summary import Impact

_SCORE = "-normalizedimpactscore"


def impact(event: Publishing) -> list[Impact]:
    """Each attribute's normalised impact score on the predictor, the strongest first
    (docs/aws-sources.md#forecast-predictor-explainability)."""
    if not event.get("explained") or "unexplained" in event:
        return []
    row = next(iter(records(event["resultsBucket"], event["explainability"]["folder"])), {})
    scores: list[Impact] = [
        {"attribute": column[: -len(_SCORE)], "score": float(value)}
        for column, value in row.items()
        if column.lower().endswith(_SCORE) and value
    ]
    return sorted(scores, key=lambda each: -abs(each["score"]))
