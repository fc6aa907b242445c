"""What the notebooks share: your settings, finding what you made by its name, and waiting for it in one picture.

The calls that matter are in the notebooks; this module has only what would repeat in each of them.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
from botocore.exceptions import ClientError
from IPython.display import HTML, display

HOME = Path(__file__).resolve().parent
KEYS = ("DATA_BUCKET", "RESULTS_BUCKET", "DATASET", "LEARNER", "FORECAST_ROLE_ARN", "PERSONALIZE_ROLE_ARN")
FAILED = ("CREATE_FAILED", "CREATE FAILED", "CREATE_STOPPED", "FAILED", "CANCELLED")
DONE = ("ACTIVE", "SUCCEEDED")
EXISTS = ("ResourceAlreadyExistsException", "AlreadyExistsException")
JOBS = ("_job", "_predictor", "_forecast", "_analysis", "_export")  # endings of the calls that start a job
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0  # seconds between two polls of a job; they grow with its age
LONGEST_WAIT = 6 * 3600
pd.set_option("display.max_colwidth", 100)  # complete names of products


@dataclass(frozen=True)
class Settings:
    """What storecast.env says. `name` begins all that you make; `prefix` is your folder in both buckets."""

    data_bucket: str
    results_bucket: str
    dataset: str
    learner: str
    forecast_role_arn: str
    personalize_role_arn: str

    @property
    def name(self) -> str:
        return f"lab_{self.learner}"

    @property
    def prefix(self) -> str:
        return f"workshop/{self.learner}"


def settings() -> Settings:
    """Reads storecast.env. Raises FileNotFoundError or ValueError that says what is missing."""
    path = HOME / "storecast.env"
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there: the workshop's notebook instance writes it when it starts.")
    found = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    if missing := [key for key in KEYS if not found.get(key)]:
        raise ValueError(f"{path} lacks {', '.join(missing)}.")
    if not re.fullmatch("[a-z][a-z0-9]*", found["LEARNER"]):
        raise ValueError(f"LEARNER is {found['LEARNER']!r}; allowed are small letters and digits, a letter first.")
    return Settings(**{key.lower(): found[key] for key in KEYS})


def file(name: str, made_in: str) -> Path:
    """A file in data/ that another notebook wrote. Raises LookupError that says which one to run first."""
    path = HOME / "data" / name
    if not path.exists():
        raise LookupError(f"{path} is not there yet. Run {made_in} first.")
    return path


def create(call: Any, **arguments: Any) -> None:
    """Makes a create call such as forecast.create_dataset(**arguments), so that its cell may run again.

    What exists already under your name is yours: going on. Where the account may run only so many jobs at a time and
    they are all taken, by you or by your neighbours, it waits for a place. Other errors are the service's own.
    """
    # Nobody knows whether Forecast refuses a second AutoPredictor of one name: the ARNs of AutoPredictors end in an id.
    if call.__name__ == "create_auto_predictor" and _has_predictor(call.__self__, arguments["PredictorName"]):
        print("It exists already: going on with it.")
        return
    shown, begun, pause = None, time.monotonic(), FIRST_PAUSE
    while True:
        try:
            call(**arguments)
            return
        except ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
            if code in EXISTS:
                print("It exists already: going on with it.")
                return
            waited = time.monotonic() - begun
            if code != "LimitExceededException" or not call.__name__.endswith(JOBS) or waited > LONGEST_WAIT:
                raise
            shown = shown or display(HTML(""), display_id=True)
            shown.update(HTML(f"⏳ Waiting for a free place since {_clock(waited)}: {escape(message)}"))
        time.sleep(pause)
        pause = min(pause * 1.2, LONGEST_PAUSE)


def _has_predictor(forecast: Any, name: str) -> bool:
    return any(each.name == name and each.status not in FAILED for each in listed(forecast, "predictor", name))


@dataclass(frozen=True)
class Resource:
    """One line of a List call: the name, ARN and status under which both services keep what was made."""

    name: str
    arn: str
    status: str
    message: str


def listed(client: Any, kind: str, begins: str = "") -> list[Resource]:
    """All resources of a kind ("dataset_group", "predictor", ...) whose names begin so, by the service's List call."""
    found = []
    plural = "what_if_analyses" if kind == "what_if_analysis" else f"{kind}s"
    for page in client.get_paginator(f"list_{plural}").paginate():
        for summary in next(value for value in page.values() if isinstance(value, list)):
            fields = {key.lower(): value for key, value in summary.items()}
            prefix = kind.replace("_", "")
            name = next(fields[key] for key in (f"{prefix}name", "jobname", "name") if key in fields)
            message = fields.get("message") or fields.get("failurereason") or ""
            found.append(Resource(name, fields[f"{prefix}arn"], fields.get("status", ""), message))
    return [each for each in found if each.name.startswith(begins)]


def find(client: Any, kind: str, name: str, made_in: str) -> str:
    """The ARN of what you made under this name. Raises LookupError that says which notebook to run first."""
    for each in listed(client, kind, name):
        if each.name == name:
            return each.arn
    raise LookupError(f"There is no {kind.replace('_', ' ')} {name} yet. Run {made_in} first.")


def wait(client: Any, kind: str, *names: str, may_fail: bool = False) -> None:
    """Until all of them are ACTIVE, with their states and the time in one table that changes in place.

    Raises LookupError for a name that nobody created, RuntimeError with the service's own reason when one failed;
    with `may_fail` the reason is shown instead.
    """

    def poll() -> list[Resource]:
        found = {each.name: each for each in listed(client, kind)}
        if missing := [name for name in names if name not in found]:
            raise LookupError(f"There is no {kind.replace('_', ' ')} {missing[0]}. Run the cell that creates it first.")
        return [found[name] for name in names]

    ended = _watch(poll, lambda each: each.status in (*DONE, *FAILED))
    failures = [f"{each.name}: {_reason(client, kind, each)}" for each in ended if each.status in FAILED]
    for failure in failures:
        print(failure)
    if failures and not may_fail:
        raise RuntimeError(f"{failures[0]} Delete it (9.1 does), then run the cell that creates it again.")


def wait_until_gone(client: Any, kind: str, *names: str) -> None:
    """Until the service lists none of them any more."""
    _watch(lambda: [each for each in listed(client, kind) if each.name in names], lambda each: False)


def _watch(poll: Callable[[], list[Resource]], over: Callable[[Resource], bool]) -> list[Resource]:
    shown = display(HTML(""), display_id=True)
    ended: dict[str, float] = {}
    begun, pause = time.monotonic(), FIRST_PAUSE
    while True:
        found, now = poll(), time.monotonic() - begun
        for each in found:
            if over(each):
                ended.setdefault(each.name, now)
        shown.update(_table(found, ended, now))
        if all(each.name in ended for each in found):
            return found
        if now > LONGEST_WAIT:
            raise TimeoutError("It still runs. Run this cell again to go on waiting.")
        time.sleep(pause)
        pause = min(pause * 1.2, LONGEST_PAUSE)


def _table(found: list[Resource], ended: dict[str, float], now: float) -> HTML:
    rows = "".join(
        f"<tr><td style='text-align:left'>{_mark(each)} {each.name}</td><td style='text-align:left'>{each.status}</td>"
        f"<td>{_clock(ended.get(each.name, now))}</td></tr>"
        for each in found
    )
    if not rows:
        return HTML(f"All gone after {_clock(now)}.")
    return HTML(f"<table><tr><th>name</th><th>state</th><th>time</th></tr>{rows}</table>")


def _mark(resource: Resource) -> str:
    return "✅" if resource.status in DONE else "❌" if resource.status in FAILED else "⏳"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _reason(client: Any, kind: str, resource: Resource) -> str:
    """The service's own words; some of Personalize's List calls leave them to Describe."""
    if resource.message or kind != "recommender":
        return resource.message
    found = client.describe_recommender(recommenderArn=resource.arn)["recommender"]
    return found.get("failureReason", resource.status)


def by_day(predictions: dict[str, list[dict]]) -> pd.DataFrame:
    """The Predictions of a QueryForecast answer: a row per day, columns p05, p25, ... (p5 in some answers)."""
    return pd.DataFrame(
        {
            f"p{int(quantile[1:]):02d}": pd.Series({pd.Timestamp(each["Timestamp"]): each["Value"] for each in values})
            for quantile, values in predictions.items()
        }
    )


def wait_for_query(athena: Any, query: str) -> None:
    """Until a query of Athena has ended. Raises RuntimeError with Athena's reason when it failed."""

    def poll() -> list[Resource]:
        status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        return [Resource("query", query, status["State"], status.get("StateChangeReason", ""))]

    (ended,) = _watch(poll, lambda each: each.status in (*DONE, *FAILED))
    if ended.status in FAILED:
        raise RuntimeError(f"Athena: {ended.message}")
