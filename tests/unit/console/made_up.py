"""A deployment that is made up: what `storecast.client` would answer of 10,000 items, for the pages of the console."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from storecast import connection
from storecast.client import datasets, files, forecasts, recommendations, results, runs, uploads
from storecast.client.aws import NotThere
from storecast.client.model import (
    Accuracy,
    Alarm,
    CostDriver,
    Dataset,
    Folder,
    Forecast,
    Item,
    ItemError,
    PipelineStatus,
    Point,
    Quantiles,
    Quarantined,
    Recommendation,
    Recommended,
    Run,
    RunDetail,
    Scored,
    Serving,
    Start,
    State,
    Status,
    Step,
    StepError,
    UseCase,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = datetime(2026, 11, 20)
REASON = "s3://data/forecasting/sample/target/bad.csv, row 7, demand: 'many' is no <b>number</b>"
ITEMS = 10_000


def _run(name: str, status: str, **more: Any) -> Run:
    return Run("forecasting", name, f"arn:{name}", status, NOW, NOW + timedelta(minutes=5), **more)


class MadeUp:
    """What the pages see, and what they did: `calls` has each call that would have changed something."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.aws = SimpleNamespace(where="embedded AWS at https://127.0.0.1:1", embedded=True, region="eu-west-1")
        self.tracker = True
        self.asked: list[str] = []  # datasets
        outputs = {"ForecastingStateMachine": "arn:f", "RecommendingStateMachine": "arn:r", "DataBucket": "data"}
        self.dataset = Dataset("sample", (), outputs, "eu-west-1")
        self.datasets = [self.dataset, replace(self.dataset, name="other")]
        self.runs = [
            _run("joined", "SUCCEEDED", outcome="joined run failed"),
            _run("failed", "FAILED", failed_step="Plan", outcome=f"Plan: {REASON}", trigger="upload"),
            _run("published", "SUCCEEDED", outcome="published", published=True, run="20261119T120000_abc"),
        ]

    def connect(self) -> Any:
        return self.aws

    def listed(self, aws: Any) -> list[Dataset]:
        return self.datasets

    def states(self, aws: Any, dataset: Dataset, pipeline: str) -> list[State]:
        return [
            State("Dry run?", "Choice", ("Pipeline", "Settle")),
            State("Settle", "Wait", ("Pipeline",)),
            State("Pipeline", "Parallel", ("Release the lock",)),
            State("Plan", "Task", ("Anything refused?",), "Pipeline"),
            State("Anything refused?", "Choice", ("Notify refused", "Import"), "Pipeline"),
            State("Notify refused", "Task", ("Import",), "Pipeline"),
            State("Import", "Map", ("Import again?",), "Pipeline"),
            State("Load", "Task", ("Describe dataset import job",), "Import"),
            State("Describe dataset import job", "Task", ("Dataset import job ready?",), "Import"),
            State("Dataset import job ready?", "Choice", ("Wait for dataset import job", "Load confirmed"), "Import"),
            State("Wait for dataset import job", "Wait", ("Describe dataset import job",), "Import"),
            State("Load confirmed", "Task", (), "Import"),
            State("Import again?", "Choice", ("Plan", "Publish"), "Pipeline"),
            State("Publish", "Task", (), "Pipeline"),
            State("Release the lock", "Task", ()),
        ]

    def status(self, aws: Any, dataset: Dataset) -> Status:
        self.asked.append(dataset.name)
        serving = (Serving("predictor", "AutoPredictor", "arn", "r1", metrics={"AverageWeightedQuantileLoss": 0.25}),)
        forecasting = PipelineStatus(
            "forecasting",
            last=self.runs[1],
            running=None,
            serving=serving,
            accuracy=self.history(aws, dataset, "forecasting")[-1],
            folders=tuple(self.folders(aws, dataset, "forecasting")),
            quarantine=1,
            starts=(Start("s", "cron(17 3 * * ? *)", "UTC", True, NOW),),
        )
        recommending = PipelineStatus("recommending", None, None, (), None, (), 0, ())
        alarm = Alarm("dead-letters", "ALARM", "A start was not delivered.", NOW)
        cost = CostDriver("recommenders ACTIVE", 5, "per hour each", "best-sellers")
        return Status(dataset, (forecasting, recommending), (alarm,), (cost,))

    def runs_listed(self, aws: Any, dataset: Dataset, pipeline: str, most: int = 20) -> list[Run]:
        return self.runs

    def detail(self, aws: Any, dataset: Dataset, run: Run) -> RunDetail:
        end = NOW + timedelta(seconds=65)
        steps = [Step("Settle", "wait", "succeeded", NOW, end)]
        if run.failed:
            steps.append(Step("Plan", "task", "failed", end, end, cause=REASON))
            return RunDetail(run, tuple(steps), "upload the corrected file", "https://console")
        steps += [Step(name, "task", "succeeded", end, end) for name in ("Plan", "Load", "Publish", "Release the lock")]
        return RunDetail(run, tuple(steps), "", "https://console")

    def start(self, aws: Any, dataset: Dataset, pipeline: str, **given: bool) -> Run:
        self.calls.append(("start", (pipeline, given)))
        return self.runs[0]

    def needed(self, aws: Any, dataset: Dataset, pipeline: str) -> dict[str, Any]:
        accuracy = [
            {"algorithm": "AutoPredictor", "AverageWeightedQuantileLoss": 0.2, "WAPE": 0.3},
            {"algorithm": "Seasonal naive", "AverageWeightedQuantileLoss": 0.4, "WAPE": 0.2, "yardstick": True},
        ]
        made = {"useCase": "recommended-for-you", "metrics": {"coverage": 0.5}}
        if pipeline == "recommending":
            return {"run": "20261119T120000_abc", "recommenders": [made], "solutions": []}
        return {
            "run": "20261119T120000_abc",
            "accuracy": accuracy,
            "bias": 0.05,
            "promotion": {"promoted": True, "reason": "it is the first"},
            "training": {"trained": True, "reason": "it is the first"},
            "score": {"measured": {"WAPE": 0.333}},
            "whatIf": [{"name": "cheaper", "baseline": 100.0, "expected": 120.0}],
            "impact": [{"attribute": "price", "score": -0.5}, {"attribute": "brand", "score": 0.2}],
        }

    def history(self, aws: Any, dataset: Dataset, pipeline: str, most: int = 30) -> list[Accuracy]:
        board = (Scored("AutoPredictor", {"AverageWeightedQuantileLoss": 0.2}),)
        return [Accuracy(f"r{day}", NOW - timedelta(days=day), board) for day in (2, 1)]

    def items(self, aws: Any, dataset: Dataset, search: str = "", most: int = 50) -> list[Item]:
        found = (Item(f"item-{at:05d}", f"item-{at:05d}", ("north",), {"brand": "b"}) for at in range(ITEMS))
        return [each for each in found if search in each.id][:most]

    def dimensions(self, aws: Any, dataset: Dataset) -> tuple[str, ...]:
        return ("store",)

    def forecast(self, aws: Any, dataset: Dataset, item: str, dimensions: Any = None) -> Forecast:
        assert dimensions == {"store": "north"}
        columns = ("p05", "p25", "p50", "p75", "p95", "mean")
        past = tuple(Point(DAY - timedelta(days=back), 10.0) for back in range(200, 0, -1))

        def expected(days: range, factor: float) -> tuple[Quantiles, ...]:
            values = dict(zip(columns, (factor * each for each in (5, 8, 10, 12, 15, 10)), strict=True))
            return tuple(Quantiles(DAY + timedelta(days=day), values) for day in days)

        backtest, scenario = expected(range(-14, 0), 0.9), expected(range(14), 1.2)
        found = Item(item, item, ("north",), {"brand": "b"})
        return Forecast(found, "D", "r1", columns, past, expected(range(14), 1.0), backtest, {"cheaper": scenario})

    def errors(self, aws: Any, dataset: Dataset) -> tuple[list[ItemError], list[StepError]]:
        items = [ItemError(Item(f"item-{at:05d}", f"item-{at:05d}"), 100.0, 120.0, ITEMS - at) for at in range(ITEMS)]
        return items, [StepError(step, 100.0, 110.0, 10.0 + step) for step in range(1, 15)]

    def use_cases(self, aws: Any, dataset: Dataset) -> list[UseCase]:
        return [
            UseCase("best-sellers", "recommender", "arn:b", "everybody"),
            UseCase("also-viewed", "recommender", "arn:a", "item"),
            UseCase("recommended-for-you", "recommender", "arn:r", "user"),
        ]

    def filters(self, aws: Any, dataset: Dataset) -> dict[str, str]:
        return {"of": "INCLUDE ItemID WHERE Items.CATEGORY IN ($CATEGORY)"}

    def recommend(self, aws: Any, dataset: Dataset, use_case: str, **asked: Any) -> Recommended:
        """The last bought item comes first."""
        bought = [item for what, item in self.calls if what == "Purchase"]
        of = self.use_cases(aws, dataset)
        ids = [*bought[-1:], *(f"i{at}" for at in range(5))] if use_case == "recommended-for-you" else ["i4", "i9"]
        items = [Item(id_, f"name of {id_}", about={"PRICE": "1.5"}) for id_ in dict.fromkeys(ids)]
        ranked = tuple(Recommendation(rank, item, 0.5) for rank, item in enumerate(items, 1))
        found = next(each for each in of if each.name == use_case)
        return Recommended(found, asked.get("user", ""), None, asked.get("filter", ""), ranked)

    def recommended_items(self, aws: Any, dataset: Dataset, search: str = "", most: int = 50) -> list[Item]:
        return [Item(f"i{at}", f"name of i{at}") for at in range(30) if search in f"name of i{at}"][:most]

    def users(self, aws: Any, dataset: Dataset, search: str = "", most: int = 50) -> list[str]:
        return [user for user in ("u1", "u2") if search in user]

    def send_event(self, aws: Any, dataset: Dataset, **sent: str) -> None:
        if not self.tracker:
            raise NotThere("sample has no event tracker", "set recommending.event_tracker: true and deploy again")
        self.calls.append((sent["event"], sent["item"]))

    def folders(self, aws: Any, dataset: Dataset, pipeline: Any) -> list[Folder]:
        return [Folder(pipeline, kind, 1, 1_234_567, NOW, f"s3://data/{kind}/") for kind in uploads.kinds(pipeline)]

    def delivered(self, aws: Any, dataset: Dataset, pipeline: str, kind: str) -> list[files.Object]:
        return [files.Object("data", f"forecasting/sample/{kind}/a.csv", "e", 12, NOW)]

    def quarantine(self, aws: Any, dataset: Dataset, pipeline: Any) -> list[Quarantined]:
        if pipeline == "recommending":
            return []
        return [Quarantined(pipeline, "target", "bad.csv", "s3://data/q/bad.csv", NOW, REASON, "upload it again")]

    def upload(self, aws: Any, dataset: Dataset, pipeline: str, kind: str, path: Any) -> str:
        self.calls.append(("upload", (pipeline, kind, path.name, path.read_bytes())))
        return "s3://data/key"


def patched(patch: pytest.MonkeyPatch) -> MadeUp:
    """The client's functions answer from what is made up."""
    found = MadeUp()
    ways: dict[Any, dict[str, Any]] = {
        connection: {"connect": found.connect},
        datasets: {"listed": found.listed, "states": found.states, "status": found.status},
        runs: {"listed": found.runs_listed, "detail": found.detail, "start": found.start},
        results: {"needed": found.needed, "history": found.history},
        forecasts: {name: getattr(found, name) for name in ("items", "dimensions", "forecast", "errors")},
        recommendations: {
            **{name: getattr(found, name) for name in ("use_cases", "filters", "recommend", "users", "send_event")},
            "items": found.recommended_items,
        },
        uploads: {name: getattr(found, name) for name in ("folders", "delivered", "quarantine", "upload")},
    }
    for module, functions in ways.items():
        for name, function in functions.items():
            patch.setattr(module, name, function)
    return found
