"""The pipelines as they run: which state each is in, for how long, and what the services have made so far."""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import boto3
from rich.console import Console
from rich.live import Live
from rich.table import Table

LOOK_EVERY_SECONDS = 1.0
BUDGET_SECONDS = 1800
RUNNING = "RUNNING"


@dataclass
class Run:
    """One execution of a pipeline's state machine."""

    pipeline: str
    arn: str
    status: str = RUNNING
    state: str = ""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    stopped: datetime | None = None
    cause: str = ""
    states: dict[str, float] = field(default_factory=dict)  # seconds in each state, in the order of entering
    transitions: int = 0
    invocations: int = 0  # of Lambda functions

    @property
    def name(self) -> str:
        return self.arn.rpartition(":")[2]

    @property
    def seconds(self) -> float:
        return ((self.stopped or datetime.now(UTC)) - self.started).total_seconds()


class Watcher:
    """Follows the executions of some state machines (pipeline -> ARN) until none runs any more."""

    def __init__(self, machines: dict[str, str], dataset: str):
        self.machines = machines
        self._prefix = f"storecast-{dataset}-"
        self._states, self._forecast = boto3.client("stepfunctions"), boto3.client("forecast")
        self._personalize = boto3.client("personalize")
        self.runs: dict[str, Run] = {}

    def newest(self) -> dict[str, str]:
        """The newest execution of each pipeline, to recognize later ones."""
        found = {}
        for pipeline, machine in self.machines.items():
            executions = self._states.list_executions(stateMachineArn=machine, maxResults=1)["executions"]
            if executions:
                found[pipeline] = executions[0]["executionArn"]
        return found

    def wait(self, expected: Iterable[str], known: dict[str, str], console: Console, patience: float = 30.0) -> None:
        """Until every expected pipeline has a run that is not in `known`, and no run is under way.

        Raises TimeoutError when an upload started none within `patience` seconds, or one runs on after BUDGET_SECONDS.
        """
        begun = time.monotonic()
        missing = set(expected)
        with Live(console=console, refresh_per_second=4) if console.is_terminal else _Lines(console) as live:
            while True:
                self._look(known)
                missing -= {run.pipeline for run in self.runs.values()}
                live.update(self._table())
                if not missing and all(run.status != RUNNING for run in self.runs.values()):
                    return
                if time.monotonic() - begun > BUDGET_SECONDS:
                    raise TimeoutError(
                        f"A pipeline still runs after {BUDGET_SECONDS} s; run `python -m demo` again to go on watching."
                    )
                if missing and time.monotonic() - begun > patience:
                    raise TimeoutError(f"The upload started no execution of {', '.join(sorted(missing))}.")
                time.sleep(LOOK_EVERY_SECONDS)

    def recall(self, arns: Iterable[str]) -> None:
        """Finished executions of an earlier upload, for a run that had nothing new to wait for."""
        for arn in arns:
            if arn not in self.runs:
                found = self._states.describe_execution(executionArn=arn)
                pipeline = next(name for name, machine in self.machines.items() if machine == found["stateMachineArn"])
                started, stopped = found["startDate"], found.get("stopDate")
                self.runs[arn] = Run(pipeline, arn, found["status"], "", started, stopped)
                self._count(self.runs[arn])

    def _look(self, known: dict[str, str]) -> None:
        for pipeline, machine in self.machines.items():
            for execution in self._states.list_executions(stateMachineArn=machine, maxResults=20)["executions"]:
                arn = execution["executionArn"]
                if arn == known.get(pipeline):
                    break
                run = self.runs.setdefault(arn, Run(pipeline, arn, started=execution["startDate"]))
                if run.stopped is None:
                    run.state = self._state(arn) or run.state
                    run.status, run.stopped = execution["status"], execution.get("stopDate")
                    if run.stopped:
                        self._count(run)
                    if run.status not in (RUNNING, "SUCCEEDED"):
                        run.cause = self._states.describe_execution(executionArn=arn).get("cause", "")

    def _state(self, arn: str) -> str:
        events = self._states.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=40)["events"]
        entered = (event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event)
        return next(entered, "")

    def _count(self, run: Run) -> None:
        """The states that an execution entered, in order, with the seconds spent in each (iterations added up), and
        what AWS bills: transitions and Lambda invocations."""
        pages = self._states.get_paginator("get_execution_history").paginate(executionArn=run.arn)
        seconds: dict[str, float] = {}
        entered: dict[str, list[datetime]] = defaultdict(list)
        for event in (event for page in pages for event in page["events"]):
            if "stateEnteredEventDetails" in event:
                name = event["stateEnteredEventDetails"]["name"]
                entered[name].append(event["timestamp"])
                seconds.setdefault(name, 0.0)
                run.transitions += 1
            elif event.get("taskScheduledEventDetails", {}).get("resourceType") == "lambda":
                run.invocations += 1
            elif "stateExitedEventDetails" in event:
                name = event["stateExitedEventDetails"]["name"]
                seconds[name] += (event["timestamp"] - entered[name].pop(0)).total_seconds()
        run.states = {name: round(spent, 1) for name, spent in seconds.items()}

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for column, width in (("pipeline", 12), ("time", 5), ("state", 30)):
            table.add_column(column, no_wrap=True, min_width=width)
        table.add_column("made", overflow="fold")
        for run in sorted(self.runs.values(), key=lambda run: run.started):
            if run.stopped and "Plan" not in run.states:
                continue  # one that joined the run of its delivery
            state = run.state if run.status == RUNNING else run.status
            table.add_row(run.pipeline, _clock(run.seconds), state, self._made(run))
        return table

    def _made(self, run: Run) -> str:
        """What the services have made for this run so far: imports 2/3 is two ACTIVE of three."""
        if run.status != RUNNING:
            return ""
        if run.pipeline == "forecasting":
            f = self._forecast
            found = {
                "imports": f.list_dataset_import_jobs()["DatasetImportJobs"],
                "predictors": f.list_predictors()["Predictors"],
                "forecasts": f.list_forecasts()["Forecasts"],
                "exports": f.list_forecast_export_jobs()["ForecastExportJobs"]
                + f.list_predictor_backtest_export_jobs()["PredictorBacktestExportJobs"],
            }
            return _counts(
                {name: [job for job in jobs if job["CreationTime"] >= run.started] for name, jobs in found.items()}
            )
        imports = self._personalize.list_dataset_import_jobs()["datasetImportJobs"]
        recommenders = self._personalize.list_recommenders()["recommenders"]
        return _counts(
            {
                "imports": [job for job in imports if job["creationDateTime"] >= run.started],
                "recommenders": [each for each in recommenders if each["name"].startswith(self._prefix)],
            }
        )


def _counts(resources: dict[str, list[dict]]) -> str:
    parts = []
    for name, found in resources.items():
        states = Counter(each.get("Status", each.get("status")) for each in found)
        if found:
            parts.append(f"{name} {states['ACTIVE']}/{len(found)}")
    return "  ".join(parts)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class _Lines:
    """The same, as plain lines where there is no terminal: one whenever a pipeline enters another state."""

    def __init__(self, console: Console):
        self._console = console
        self._shown: dict[str, str] = {}

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *error: object) -> None:
        sys.stdout.flush()

    def update(self, table: Table) -> None:
        for row in zip(*(column.cells for column in table.columns), strict=True):
            pipeline, clock, state, made = map(str, row)
            if state and self._shown.get(pipeline) != state:
                self._shown[pipeline] = state
                self._console.print(
                    f"  {clock:>5}  {pipeline:<13} {state:<40} {made}".rstrip(), highlight=False, soft_wrap=True
                )
