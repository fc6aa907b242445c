"""What an optimization tries: a bounded grid over the ranges of hpoConfig; what is wrong is named."""

import pytest

from localaws.errors import ServiceError
from localaws.services.personalize.hyperparameters import candidates
from storecast_engines.recommending import Settings

PERSONAL = "aws-user-personalization"


def _ranges(integers: dict | None = None, choices: dict | None = None, **resources: str) -> dict:
    found = {
        "integerHyperParameterRanges": [
            {"name": name, "minValue": low, "maxValue": high} for name, (low, high) in (integers or {}).items()
        ],
        "categoricalHyperParameterRanges": [
            {"name": name, "values": values} for name, values in (choices or {}).items()
        ],
        "continuousHyperParameterRanges": [],
    }
    return {"hpoConfig": {"algorithmHyperParameterRanges": found, "hpoResourceConfig": resources}}


def test_without_optimization_the_given_values_train() -> None:
    config = {"algorithmHyperParameters": {"hidden_dimension": "55", "data.recency_mask": "False"}}
    [only] = candidates(PERSONAL, config | _ranges({"bptt": (2, 22)}), False, Settings(exploration_weight=0.1))
    assert only.settings == Settings(exploration_weight=0.1, factors=55, recency_decay=1.0)
    assert candidates("aws-similar-items", {}, False, Settings())[0].settings == Settings()


def test_the_grid_holds_ends_and_middles_and_what_is_fixed() -> None:
    config = {"algorithmHyperParameters": {"hidden_dimension": "55"}}
    config |= _ranges({"training.bptt": (2, 22)}, {"recency_mask": ["true", "false"]})
    tried = candidates(PERSONAL, config, True, Settings())
    assert [(each.settings.history_reach, each.settings.recency_decay) for each in tried] == [
        (reach, decay) for reach in (2, 12, 22) for decay in (Settings().recency_decay, 1.0)
    ]
    assert {each.settings.factors for each in tried} == {55}
    assert tried[1].parameters == {"hidden_dimension": "55", "bptt": "2", "recency_mask": "false"}


def test_the_grid_is_bounded() -> None:
    assert len(candidates(PERSONAL, {}, True, Settings())) == 10
    four = candidates(PERSONAL, _ranges({"bptt": (2, 22)}, maxNumberOfTrainingJobs="2"), True, Settings())
    assert [each.settings.history_reach for each in four] == [2, 12]
    assert len(candidates("aws-popularity-count", {}, True, Settings())) == 1


@pytest.mark.parametrize(
    ("recipe", "config", "words"),
    [
        (PERSONAL, {"algorithmHyperParameters": {"depth": "3"}}, ["hyperparameter that is used", PERSONAL]),
        (PERSONAL, {"algorithmHyperParameters": {"bptt": "33"}}, ["bptt", "'33'", "from 2 to 32"]),
        (PERSONAL, {"algorithmHyperParameters": {"recency_mask": "maybe"}}, ["'maybe'", "true, false"]),
        (PERSONAL, _ranges({"bptt": (1, 22)}), ["bptt", "'1'"]),
        (PERSONAL, _ranges({"bptt": (22, 2)}), ["bptt", "22", "no range"]),
        (PERSONAL, _ranges({}, {"bptt": ["2"]}), ["bptt", "no choice"]),
        (PERSONAL, _ranges(maxNumberOfTrainingJobs="41"), ["maxNumberOfTrainingJobs", "'41'", "1 to 40"]),
        (PERSONAL, _ranges(maxParallelTrainingJobs="many"), ["maxParallelTrainingJobs", "'many'"]),
        ("aws-similar-items", _ranges({"item_id_hidden_dim": (30, 50)}), ["algorithm/aws-similar-items"]),
        ("aws-popularity-count", {"algorithmHyperParameters": {"bptt": "2"}}, ["algorithm/aws-popularity-count"]),
    ],
)
def test_what_is_wrong_is_named(recipe: str, config: dict, words: list[str]) -> None:
    with pytest.raises(ServiceError) as raised:
        candidates(recipe, config, True, Settings())
    for word in words:
        assert word in raised.value.message, raised.value.message
