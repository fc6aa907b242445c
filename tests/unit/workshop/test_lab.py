"""What the notebooks share: bad settings, calls that run again, waiting for a place, and failures in words."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from botocore.exceptions import ClientError
from IPython.display import HTML

from workshop.execute import NOTEBOOKS

SETTINGS = {
    "DATA_BUCKET": "data",
    "RESULTS_BUCKET": "results",
    "DATASET": "grocery",
    "LEARNER": "ana",
    "FORECAST_ROLE_ARN": "arn:f",
    "PERSONALIZE_ROLE_ARN": "arn:p",
}


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """notebooks/lab.py with a folder of its own and no pauses; nothing is written beside it."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec = importlib.util.spec_from_file_location("workshop_lab", NOTEBOOKS / "lab.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "workshop_lab", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "HOME", tmp_path)
    monkeypatch.setattr(module, "FIRST_PAUSE", 0)
    monkeypatch.setattr(module, "display", Shown)
    return module


class Shown:
    """A notebook's output area: `pages` are what it showed, one in place of the other."""

    all: list["Shown"] = []

    def __init__(self, first: HTML, display_id: bool):
        self.pages = []
        Shown.all = [self] if display_id else []

    def update(self, page: HTML) -> None:
        self.pages.append(page.data)


class Personalize:
    """Answers list_recommenders with one page after the other: the states of successive looks."""

    def __init__(self, *looks: dict[str, str]):
        self._looks = iter(looks)

    def get_paginator(self, operation: str) -> "Personalize":
        assert operation == "list_recommenders"
        return self

    def paginate(self) -> list[dict]:
        found = [
            {"name": name, "recommenderArn": f"arn:{name}", "datasetGroupArn": "arn:group", "status": status}
            for name, status in next(self._looks).items()
        ]
        return [{"recommenders": found, "ResponseMetadata": {}}]

    def describe_recommender(self, recommenderArn: str) -> dict:
        return {"recommender": {"failureReason": f"too little data for {recommenderArn}"}}


def failing(code: str, times: int, name: str = "create_predictor"):
    """A create call that fails `times` times and then succeeds; it counts its calls."""

    def call(**arguments: str) -> dict:
        call.made += 1
        if call.made <= times:
            raise ClientError({"Error": {"Code": code, "Message": "so it is"}}, "Create")
        return arguments

    call.made, call.__name__ = 0, name
    return call


def write(lab: ModuleType, **changed: str) -> None:
    lines = [f"{key}={value}" for key, value in (SETTINGS | changed).items()]
    (lab.HOME / "storecast.env").write_text("\n".join(lines))


def test_settings_name_what_a_learner_makes(lab: ModuleType):
    write(lab)
    me = lab.settings()
    assert (me.name, me.prefix, me.personalize_role_arn) == ("lab_ana", "workshop/ana", "arn:p")


def test_settings_say_what_is_wrong(lab: ModuleType):
    with pytest.raises(FileNotFoundError, match=r"storecast\.env is not there"):
        lab.settings()
    write(lab, DATA_BUCKET="")
    with pytest.raises(ValueError, match="lacks DATA_BUCKET"):
        lab.settings()
    write(lab, LEARNER="Ana-B")
    with pytest.raises(ValueError, match="'Ana-B'; allowed are small letters and digits"):
        lab.settings()


def test_a_missing_file_says_what_to_run(lab: ModuleType):
    with pytest.raises(LookupError, match="Run 1.1_x first"):
        lab.file("a.csv", made_in="1.1_x")


def test_what_exists_is_mine(lab: ModuleType, capsys: pytest.CaptureFixture):
    lab.create(failing("ResourceAlreadyExistsException", 1), PredictorName="a")
    assert "exists already" in capsys.readouterr().out


class Forecast:
    """Has one AutoPredictor called ana_auto, and makes another one of any name, as AWS may do."""

    def __init__(self, status: str):
        self.made, self._page = 0, {"PredictorName": "ana_auto", "PredictorArn": "arn:p", "Status": status}

    def get_paginator(self, operation: str) -> "Forecast":
        assert operation == "list_predictors"
        return self

    def paginate(self) -> list[dict]:
        return [{"Predictors": [self._page]}]

    def create_auto_predictor(self, PredictorName: str) -> None:  # as boto3 has it
        self.made += 1


@pytest.mark.parametrize(
    ("name", "status", "made"),
    [
        ("ana_auto", "ACTIVE", 0),
        ("ana_auto", "CREATE_IN_PROGRESS", 0),
        ("ana_auto", "CREATE_FAILED", 1),
        ("ana", "ACTIVE", 1),
    ],
)
def test_an_auto_predictor_is_not_trained_twice(lab: ModuleType, name: str, status: str, made: int):
    forecast = Forecast(status)
    lab.create(forecast.create_auto_predictor, PredictorName=name)
    assert forecast.made == made


def test_a_job_waits_for_a_place_and_nothing_else_does(lab: ModuleType):
    job = failing("LimitExceededException", 3)
    lab.create(job, PredictorName="a")
    assert job.made == 4
    assert all(page.endswith("so it is") for page in Shown.all[0].pages)
    for call in (failing("LimitExceededException", 1, "create_dataset_group"), failing("InvalidInputException", 1)):
        with pytest.raises(ClientError):
            lab.create(call)
        assert call.made == 1


def test_waiting_shows_states_in_place_until_all_are_active(lab: ModuleType):
    busy, half, done = "CREATE IN_PROGRESS", {"a": "ACTIVE", "b": "CREATE IN_PROGRESS"}, {"a": "ACTIVE", "b": "ACTIVE"}
    client = Personalize({"a": busy, "b": busy}, half, done | {"c": busy})
    lab.wait(client, "recommender", "a", "b")
    assert [page.count("✅") for page in Shown.all[0].pages] == [0, 1, 2]


def test_a_failure_comes_with_the_services_reason(lab: ModuleType, capsys: pytest.CaptureFixture):
    with pytest.raises(RuntimeError, match="b: too little data for arn:b .*9.1"):
        lab.wait(Personalize({"a": "ACTIVE", "b": "CREATE FAILED"}), "recommender", "a", "b")
    lab.wait(Personalize({"b": "CREATE FAILED"}), "recommender", "b", may_fail=True)
    assert capsys.readouterr().out.endswith("b: too little data for arn:b\n")


def test_find_and_wait_name_what_is_missing(lab: ModuleType):
    with pytest.raises(LookupError, match="no recommender a yet. Run 3.1_x first"):
        lab.find(Personalize({"ab": "ACTIVE"}), "recommender", "a", made_in="3.1_x")
    with pytest.raises(LookupError, match="no recommender a. Run the cell that creates it first"):
        lab.wait(Personalize({}), "recommender", "a")


def test_gone_is_gone(lab: ModuleType):
    lab.wait_until_gone(Personalize({"a": "DELETE PENDING", "b": "ACTIVE"}, {"b": "ACTIVE"}), "recommender", "a")
    assert Shown.all[0].pages[-1].startswith("All gone")


def test_predictions_by_day_whatever_the_quantiles_are_called(lab: ModuleType):
    points = [{"Timestamp": "2017-12-04T00:00:00", "Value": 1.5}]
    for low in ("p5", "p05"):
        table = lab.by_day({low: points, "p50": points})
        assert table.columns.tolist() == ["p05", "p50"]
        assert table.index[0].day == 4
