"""How pages write moments, durations, sizes and metrics."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

USE_CASES = {
    "most-viewed": "Most viewed",
    "best-sellers": "Best sellers",
    "frequently-bought-together": "Frequently bought together",
    "also-viewed": "Customers who viewed X also viewed",
    "recommended-for-you": "Recommended for you",
    "because-you-watched": "Because you watched X",
    "more-like-this": "More like X",
    "most-popular": "Most popular",
    "trending-now": "Trending now",
    "top-picks-for-you": "Top picks for you",
}
METRICS = {
    "AverageWeightedQuantileLoss": "average wQL",
    "mean_reciprocal_rank_at_25": "MRR@25",
    "normalized_discounted_cumulative_gain_at_5": "NDCG@5",
    "normalized_discounted_cumulative_gain_at_10": "NDCG@10",
    "normalized_discounted_cumulative_gain_at_25": "NDCG@25",
    "precision_at_5": "precision@5",
    "precision_at_10": "precision@10",
    "precision_at_25": "precision@25",
}
MAIN = ("AverageWeightedQuantileLoss", "normalized_discounted_cumulative_gain_at_10")  # the metric to show alone


def moment(when: datetime | None) -> str:
    return "–" if when is None else f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def ago(when: datetime | None, now: datetime | None = None) -> str:
    """Such as "5 min ago" or "in 3 h"."""
    if when is None:
        return "–"
    passed = (now or datetime.now(UTC)) - when
    long = _rough(abs(passed))
    return "now" if long == "0 s" else f"{long} ago" if passed >= timedelta() else f"in {long}"


def _rough(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def lasted(started: datetime, stopped: datetime | None) -> str:
    """Such as 1:05 or 2:00:00."""
    seconds = int(((stopped or datetime.now(UTC)) - started).total_seconds())
    minutes, hours = seconds // 60, seconds // 3_600
    return f"{hours}:{minutes % 60:02d}:{seconds % 60:02d}" if hours else f"{minutes}:{seconds % 60:02d}"


def size(count: float) -> str:
    for unit in ("B", "KB", "MB"):
        if count < 1_000:
            return f"{count:,.0f} {unit}"
        count /= 1_000
    return f"{count:,.1f} GB"


def metric(name: str) -> str:
    return METRICS.get(name, name)


def status(name: str) -> str:
    """Step Functions' status of a run, such as TIMED_OUT."""
    return "stopped" if name == "ABORTED" else name.lower().replace("_", " ")


def title(use_case: str) -> str:
    return USE_CASES.get(use_case, use_case)
