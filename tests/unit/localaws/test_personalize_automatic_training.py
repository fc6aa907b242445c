"""When a solution is trained automatically (docs/aws-sources.md#personalize-API_CreateSolution,
performAutoTraining)."""

import pytest

from localaws.services.personalize.api.automatic_training import DAY, FIRST_AFTER, is_due

MADE = 1_000_000.0
EVERY_3_DAYS = {"autoTrainingConfig": {"schedulingExpression": "rate(3 days)"}}


@pytest.mark.parametrize(
    ("record", "trained", "now", "due"),
    [
        ({"performAutoTraining": False}, [], MADE + 100 * DAY, False),
        ({"performAutoTraining": True}, [], MADE, False),
        ({"performAutoTraining": True}, [], MADE + FIRST_AFTER, True),
        ({"performAutoTraining": True}, [MADE + 1], MADE + FIRST_AFTER, False),
        ({"performAutoTraining": True}, [MADE - DAY], MADE + FIRST_AFTER, True),
        ({"performAutoTraining": True}, [MADE + 1], MADE + 7 * DAY, False),
        ({"performAutoTraining": True}, [MADE + 1], MADE + 7 * DAY + 1, True),
        ({"performAutoTraining": True, "solutionConfig": EVERY_3_DAYS}, [MADE + 1], MADE + 3 * DAY + 1, True),
    ],
    ids=["off", "just made", "first", "trained by hand", "turned on later", "not yet", "a week later", "own schedule"],
)
def test_when_a_solution_is_due(record: dict, trained: list[float], now: float, due: bool) -> None:
    assert is_due(record, MADE, trained, now) is due
