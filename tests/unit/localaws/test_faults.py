"""The rules of the fault switch: which calls they hit, and how often."""

import json
from pathlib import Path

import pytest

from localaws.faults import Fault, Switch, read, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "faults.json"


def errors(switch: Switch, operation: str, text: str = "") -> list[str]:
    return [fault.error for fault in switch.hits(operation, text)]


def test_a_rule_hits_what_its_glob_and_its_text_say(path: Path) -> None:
    write(path, [Fault("forecast:Create*", containing="shop_7", error="ThrottlingException")])
    switch = Switch(path)
    assert errors(switch, "forecast:CreateDataset", '{"DatasetName": "shop_7"}') == ["ThrottlingException"]
    assert errors(switch, "forecast:CreateDataset", '{"DatasetName": "shop_8"}') == []
    assert errors(switch, "forecast:DescribeDataset", "shop_7") == []


def test_a_rule_ends_after_its_times(path: Path) -> None:
    write(path, [Fault("s3:*", error="SlowDown", times=2)])
    switch = Switch(path)
    assert [errors(switch, "s3:GetObject") for _ in range(4)] == [["SlowDown"], ["SlowDown"], [], []]


def test_a_chance_is_drawn_from_its_seed(path: Path) -> None:
    def drawn(seed: int) -> list[bool]:
        write(path, [Fault("*", error="X", chance=0.3, seed=seed)])
        switch = Switch(path)
        return [bool(errors(switch, "a:B")) for _ in range(400)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 80 < sum(drawn(1)) < 160


def test_rules_are_followed_as_they_change(path: Path) -> None:
    switch = Switch(path)
    assert not switch.on
    write(path, [Fault("*", error="X", times=1)])
    assert errors(switch, "a:B") == ["X"] and errors(switch, "a:B") == []
    write(path, [*read(path), Fault("a:*", delay=0.5)])
    assert [fault.delay for fault in switch.hits("a:B")] == [0, 0.5]
    write(path, [])
    assert not switch.on and switch.hits("a:B") == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "needs an error"),
        ({"error": "X", "chance": 1.5}, "chance = 1.5"),
        ({"error": "X", "times": 0}, "times = 0"),
        ({"delay": -1}, "delay = -1"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(given: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Fault("a:*", **given)


def test_the_file_is_plain_json(path: Path) -> None:
    write(path, [Fault("a:*", error="X")])
    assert json.loads(path.read_text())[0]["operation"] == "a:*"
