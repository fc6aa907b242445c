"""`storecast init`: what files look like becomes a pipeline.yaml that is valid, and guesses are said."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from infra.config import load
from storecast.cli import draft, sniff
from storecast.client.aws import Problem

DAYS = [f"{datetime(2026, 1, 1) + timedelta(days=day):%Y-%m-%d}" for day in range(40)]
TARGET = "item_id,timestamp,demand\n" + "".join(f"milk,{day},{n}\nbread,{day},{n}\n" for n, day in enumerate(DAYS))
EVENTS = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\nu1,i1,1700000000,View\nu2,i1,1700000001,Purchase\n"
ITEMS = "ITEM_ID,PRICE,CATEGORY_L1,PRODUCT_NAME\ni1,1.5,tea,Green\ni2,2,tea,Black\n"


def _made(tmp_path: Path, horizon: int | None = None, **texts: str) -> tuple[draft.Draft, Path]:
    given = []
    for name, text in texts.items():
        path = tmp_path / f"{name}.csv"
        path.write_text(text)
        given.append(path)
    made = draft.draft("my-shop", given, None, horizon)
    return made, draft.save(made, tmp_path / "data", force=False)


def test_everything_is_found_in_headers_and_first_rows(tmp_path: Path) -> None:
    made, path = _made(tmp_path, sales=TARGET, events=EVENTS, things=ITEMS, people="USER_ID,AGE\nu1,18-34\nu2,18-34\n")
    assert path == tmp_path / "data" / "my_shop" / "pipeline.yaml"
    config = load(path)
    assert config.forecasting and config.recommending
    assert (config.forecasting.frequency, config.forecasting.horizon) == ("D", 10)  # a quarter of 40 days
    assert list(config.recommending.datasets) == ["interactions", "items", "users"]
    assert config.recommending.publish.name_column == "PRODUCT_NAME"
    assert "PRODUCT_NAME" not in config.recommending.datasets["items"]
    assert set(config.recommending.use_cases) >= {"most-viewed", "best-sellers", "recommended-for-you"}
    assert path.read_text().splitlines()[0] == draft.SCHEMA_LINE
    assert any("events: Purchase, View" in guess for guess in made.guesses)


def test_a_header_in_other_words_is_said_with_the_command_that_corrects_it(tmp_path: Path) -> None:
    made, path = _made(tmp_path, s="sku,store,day,qty,price\n" + "".join(f"a,x,{day},3,1.5\n" for day in DAYS))
    config = load(path)
    assert config.forecasting and config.forecasting.dimensions == ("store",)
    assert config.forecasting.datasets["target"] == {
        "item_id": "string",
        "store": "string",
        "timestamp": "timestamp",
        "demand": "float",
    }
    said = "\n".join(made.guesses)
    assert f"sed -i '1s/.*/item_id,store,timestamp,demand,price/' {tmp_path / 's.csv'}" in said
    assert "column price holds numbers beside the target" in said


def test_files_without_a_header_go_by_what_they_hold(tmp_path: Path) -> None:
    _, path = _made(
        tmp_path, target="".join(f"milk,{day},{n}\n" for n, day in enumerate(DAYS)), metadata="milk,dairy\n"
    )
    config = load(path)
    assert config.forecasting and list(config.forecasting.datasets["target"]) == ["item_id", "timestamp", "demand"]
    assert list(config.forecasting.datasets["metadata"]) == ["item_id", "column_2"]


def test_without_files_there_is_an_example_that_is_valid(tmp_path: Path) -> None:
    made, path = _made(tmp_path)
    assert load(path).forecasting and made.guesses == ["no files: an example to change"]


def test_events_without_types_make_a_domain_of_its_own(tmp_path: Path) -> None:
    _, path = _made(tmp_path, events="USER_ID,ITEM_ID,TIMESTAMP\nu1,i1,1700000000\n")
    config = load(path)
    assert config.recommending and config.recommending.domain == "CUSTOM" and config.recommending.solutions


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"a": "x;y\n1;2\n"}, "separate values by commas"),
        ({"a": ""}, "name a file with data"),
        ({"a": "colour,shape\nred,round\n"}, "say --kind"),
        ({"items": ITEMS}, "name the file of what is to be forecast"),
        ({"interactions": "u1,i1,1700000000\n"}, "write one: USER_ID, ITEM_ID, TIMESTAMP"),
    ],
)
def test_files_that_say_too_little_are_refused_with_the_next_step(
    tmp_path: Path, texts: dict[str, str], said: str
) -> None:
    with pytest.raises(Problem) as caught:
        _made(tmp_path, **texts)
    assert said in caught.value.next_step


def test_a_config_that_is_there_stays(tmp_path: Path) -> None:
    made, path = _made(tmp_path, sales=TARGET)
    before = path.read_text()
    with pytest.raises(Problem, match="exists"):
        draft.save(made, tmp_path / "data", force=False)
    assert path.read_text() == before
    assert draft.save(made, tmp_path / "data", force=True) == path


@pytest.mark.parametrize("name", ["x", "9lives", "a b", "much-too-long-a-name-for-it"])
def test_a_name_that_no_dataset_may_have_is_refused(name: str) -> None:
    with pytest.raises(Problem, match="not a name for a dataset"):
        draft.draft(name, [], None, None)


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        (timedelta(days=1), "D"),
        (timedelta(days=7), "W"),
        (timedelta(days=14), "2W"),
        (timedelta(hours=1), "H"),
        (timedelta(hours=6), "6H"),
        (timedelta(minutes=15), "15min"),
    ],
)
def test_the_frequency_is_what_times_are_apart_by(step: timedelta, wanted: str) -> None:
    """Some steps may be missing."""
    times = [datetime(2026, 1, 5) + step * number for number in range(30) if number not in (3, 4, 17)]
    assert sniff.frequency(times) == wanted


@pytest.mark.parametrize(("months", "wanted"), [(1, "M"), (3, "3M"), (12, "Y")])
def test_months_and_years_are_not_mistaken_for_days(months: int, wanted: str) -> None:
    times = [datetime(2020 + at // 12, at % 12 + 1, 1) for at in range(0, 60, months)]
    assert sniff.frequency(times) == wanted


def test_files_are_sorted_as_a_run_does_and_else_by_their_columns(tmp_path: Path) -> None:
    (tmp_path / "items").mkdir()
    for name, text in (("sales.csv", TARGET), ("items/x.csv", ITEMS), ("interactions_2.csv", EVENTS)):
        (tmp_path / name).write_text(text)
    paths = [tmp_path / "sales.csv", tmp_path / "items", tmp_path / "interactions_2.csv"]
    found = sniff.by_kind(paths, sniff.KINDS, None)
    assert {kind: [each.name for each in of] for kind, of in found.items()} == {
        "target": ["sales.csv"],
        "items": ["x.csv"],
        "interactions": ["interactions_2.csv"],
    }
    with pytest.raises(Problem, match="target, which the dataset has not"):
        sniff.by_kind(paths[:1], ["items"], None)
