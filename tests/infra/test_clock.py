"""How often an expression of EventBridge Scheduler starts something in a month."""

from __future__ import annotations

import pytest

from infra.config.clock import starts_of_a_month

_DAYS = 1461 / 48  # of a month, on the average of four years


@pytest.mark.parametrize(
    ("expression", "starts"),
    [
        ("rate(1 day)", 730 / 24),
        ("rate(5 minutes)", 730 * 12),
        ("cron(17 3 * * ? *)", _DAYS),
        ("cron(0 5 ? * MON *)", _DAYS / 7),
        ("cron(0 5 ? * 2 *)", _DAYS / 7),
        ("cron(0/15 8-17 ? * MON-FRI *)", 4 * 10 * _DAYS * 5 / 7),
        ("cron(0,30 */6 ? * SAT-MON *)", 2 * 4 * _DAYS * 3 / 7),
        ("cron(0 5 1,15 * ? *)", 2),
        ("cron(0 5 1 JAN-MAR/2 ? 2027)", 2 / 12),  # January and March
        ("cron(0 5 31 * ? *)", 7 / 12),
        ("cron(0 5 L * ? *)", 1),
        ("cron(0 5 15W,LW * ? *)", 2),
        ("cron(0 5 ? * L *)", _DAYS / 7),
        ("cron(0 5 ? * 6L *)", 1),
        ("cron(0 5 ? * fri#2 *)", 1),
    ],
)
def test_starts_of_a_month(expression: str, starts: float) -> None:
    assert starts_of_a_month(expression) == pytest.approx(starts, rel=0.005)


def test_what_is_no_expression_is_refused() -> None:
    with pytest.raises(ValueError, match=r"allowed: rate\(N minutes"):
        starts_of_a_month("at(2026-01-01T00:00:00)")
