"""What people read: sizes, times, and tables that fit 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from storecast.client.model import (
    Accuracy,
    Forecast,
    PipelineStatus,
    Recommended,
    Run,
    RunDetail,
    Serving,
    Start,
    Status,
    Step,
    UseCase,
)

if TYPE_CHECKING:
    from rich.console import Console

# Short names of metrics, and whether a person compares shares of it.
METRICS = {
    "AverageWeightedQuantileLoss": "wQL",
    "WAPE": "WAPE",
    "RMSE": "RMSE",
    "MASE": "MASE",
    "MAPE": "MAPE",
    "coverage": "coverage",
    "mean_reciprocal_rank_at_25": "MRR@25",
    "normalized_discounted_cumulative_gain_at_10": "NDCG@10",
    "precision_at_10": "precision@10",
}
_NDCG, _ERRORS = "normalized_discounted_cumulative_gain_at_10", ("WAPE", "AverageWeightedQuantileLoss")
_COLOURS = {"SUCCEEDED": "green", "RUNNING": "cyan", "FAILED": "red", "TIMED_OUT": "red", "ABORTED": "yellow"}
_LOCK = (
    "Take the lock",
    "Mark the lock",
    "Look at the holder",
    "Unmark the lock",
    "Release the lock",
    "Hand over the lock",
    "Take over the lock",
)


def table(*columns: str, right: Sequence[str] = (), fold: Sequence[str] = (), title: str = "") -> Table:
    """Columns on the right for numbers; only those to fold may wrap."""
    made = Table(title=title or None, title_justify="left", box=None, padding=(0, 2, 0, 0), header_style="dim")
    made.title_style = "bold"
    for name in columns:
        wraps = name in fold
        made.add_column(name, justify="right" if name in right else "left", no_wrap=not wraps, overflow="fold")
    return made


def facts(rows: Sequence[tuple[str, str]]) -> Table:
    """What each fact is about, and the fact."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for about, fact in rows:
        made.add_row(f"  {about}", fact)
    return made


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    if moment is None:
        return "never"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    return f"{span(seconds)} ago" if seconds >= 0 else f"in {span(-seconds)}"


def span(seconds: float) -> str:
    """The two largest units: 2 min 21 s, 3 h 5 min, 4 days."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} days"


def size(number: float) -> str:
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"


def moment(when: datetime | None) -> str:
    return "" if when is None else f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def status(console: Console, found: Status, where: str) -> None:
    console.print(f"[bold]{found.dataset.name}[/bold]  [dim]{where}[/dim]")
    for each in found.pipelines:
        console.print(f"\n[bold]{each.pipeline}[/bold]  {_now(each)}")
        console.print(facts(list(_of_pipeline(each))))
    console.print()
    console.print(facts(list(_of_dataset(found))))


def _now(each: PipelineStatus) -> str:
    if each.running:
        return f"[cyan]running[/cyan] for {span((datetime.now(UTC) - each.running.started).total_seconds())}"
    if each.last and each.last.failed:
        return "[red]its last run failed[/red]"
    return "idle" if each.last else "[yellow]nothing ran yet[/yellow]"


def _of_pipeline(each: PipelineStatus) -> Iterator[tuple[str, str]]:
    if each.last:
        lasted = f", in {duration(each.last)}" if each.last.stopped else ""
        outcome = _marked(each.last)
        yield "last run", f"{outcome} {ago(each.last.stopped or each.last.started)}{lasted} (by {_by(each.last)})"
        if each.last.failed:
            yield "", escape(each.last.outcome[:400])
    yield "serves", serves(each.serving)
    if each.accuracy:
        yield "accuracy", accuracy(each.accuracy)
    there = [f"{folder.kind} {many(folder.files, 'file')} {size(folder.bytes)}" for folder in each.folders]
    fresh = f"newest {ago(each.newest_upload)}" if each.newest_upload else "upload files to start the first run"
    yield "data", f"{', '.join(there)}; {fresh}"
    if each.quarantine:
        yield "quarantine", f"[red]{many(each.quarantine, 'file')}[/red]"
        for file in each.quarantined:
            yield "", f"{file.kind}/{file.file}, {ago(file.moved)}: {escape(file.reason[:300])}"
    else:
        yield "quarantine", "empty"
    yield "next start", "; ".join(start(one) for one in each.starts) or "with the next upload"


def _of_dataset(found: Status) -> Iterator[tuple[str, str]]:
    if broken := [each for each in found.dataset.stacks if not each.status.endswith("_COMPLETE")]:
        yield "stacks", ", ".join(f"[yellow]{each.name} {each.status}[/yellow]" for each in broken)
    ringing = [each for each in found.alarms if each.state == "ALARM"]
    if ringing:
        for alarm in ringing:
            yield "alarm", f"[red]{alarm.name}[/red]: {alarm.reason}"
    else:
        yield "alarms", f"none of {len(found.alarms)}"
    for at, cost in enumerate(found.costs):
        yield "" if at else "costs", f"{cost.quantity:,.0f} {cost.what}, {cost.unit} ({cost.detail})"


def _marked(run: Run) -> str:
    colour = _COLOURS.get(run.status, "white")
    where = f" in {run.failed_step}" if run.failed_step else ""
    short = "published" if run.published else run.outcome
    if run.failed or run.running:
        short = f"{run.status.lower().replace('_', ' ')}{where}"
    return f"[{colour}]{short.partition(':')[0]}[/{colour}]"


def _by(run: Run) -> str:
    return {"by hand": "hand", "clock": "the clock", "upload": "an upload"}.get(run.trigger, f"the {run.trigger}")


def start(one: Start) -> str:
    what = "sweep" if one.name.endswith("-sweep") else "schedule"
    if not one.enabled:
        return f"{what} off"
    return f"{what} {ago(one.next)} ({moment(one.next)})" if one.next else f"{what} {one.expression}"


def serves(serving: Sequence[Serving]) -> str:
    if not serving:
        return "nothing yet"
    if serving[0].kind == "predictor":
        return f"{serving[0].name}, forecasts of run {serving[0].run}"
    off = [f"{each.name} {each.status}" for each in serving if each.status != "ACTIVE"]
    active = [each for each in serving if each.status == "ACTIVE"]
    kinds = [
        many(number, kind)
        for kind in ("recommender", "campaign")
        if (number := sum(each.kind == kind for each in active))
    ]
    words = f"{', '.join(kinds) or 'nothing'} ACTIVE"
    return words + (f"; [yellow]{', '.join(off)}[/yellow]" if off else "")


def accuracy(found: Accuracy) -> str:
    """The best line of the board beside the yardstick, and what is measured in use."""
    board = [each for each in found.board if not each.yardstick]
    if not board:
        return "not measured"
    best = max(board, key=lambda each: each.metrics.get(_NDCG, 0))
    if _NDCG in best.metrics:
        return f"{best.name} {metrics(best.metrics, (_NDCG, 'coverage'))}"
    words = metrics(board[0].metrics, _ERRORS)
    if yardstick := next((each for each in found.board if each.yardstick), None):
        words += f"; {yardstick.name.lower()} {metrics(yardstick.metrics, _ERRORS)}"
    if found.bias is not None:
        words += f"; bias {found.bias:+.1%}"
    if found.measured:
        words += f"; in use {metrics(found.measured, tuple(found.measured))}"
    if found.promoted is False:
        words += "; [yellow]the newly trained predictor does not serve[/yellow]"
    return words


def metrics(values: Mapping[str, float], names: Sequence[str]) -> str:
    return ", ".join(f"{METRICS.get(name, name)} {values[name]:.3f}" for name in names if values.get(name) is not None)


def duration(run: Run) -> str:
    return span(((run.stopped or datetime.now(UTC)) - run.started).total_seconds())


def runs(console: Console, found: Sequence[Run], hidden: int) -> None:
    by = ["by"] if console.width >= 100 else []
    made = table("started (UTC)", "pipeline", "run", "time", *by, "outcome", right=["time"])
    for run in found:
        name = run.name[:8] if run.outcome.startswith("joined") else run.run or run.name
        started = f"{run.started:%m-%d %H:%M:%S}"
        made.add_row(started, run.pipeline, name, duration(run), *([run.trigger] if by else []), _marked(run))
    console.print(made)
    for run in found:
        if run.failed:
            console.print(f"\n[red]{run.run}[/red]  {escape(run.outcome[:600])}")
    if hidden:
        console.print(f"[dim]{many(hidden, 'start')} joined a run in progress: --all shows them[/dim]")


def run(console: Console, found: RunDetail) -> None:
    one = found.run
    console.print(f"[bold]{one.pipeline}[/bold] run {one.run or one.name}  {_marked(one)}")
    rows = [
        ("started", f"{moment(one.started)}, by {_by(one)}"),
        ("time", duration(one) + (" so far" if one.running else "")),
        ("execution", one.name),
    ]
    if one.outcome and not one.published:
        rows.append(("outcome", one.outcome))
    if found.next_step:
        rows.append(("next", found.next_step))
    if found.summary:
        rows += [("report", found.summary["report"]), *(("note", note) for note in found.summary["notes"])]
    console.print(facts(rows))
    console.print()
    console.print(steps(found))


def steps(found: RunDetail) -> Table:
    made = table("step", "after", "time", "", "", right=["after", "time"])
    made.columns[4].overflow, made.columns[4].no_wrap = "fold", False
    shown = [each for each in found.steps if each.kind in ("task", "wait") and each.name not in _LOCK]
    longest = max((_seconds(each) for each in shown), default=0.0) or 1.0
    for step in shown:
        after = (step.started - found.run.started).total_seconds()
        colour = {"failed": "red", "running": "cyan"}.get(step.status, "")
        name = f"[{colour}]{step.name}[/{colour}]" if colour else step.name
        bar = "█" * max(1, round(14 * _seconds(step) / longest)) if _seconds(step) > longest / 28 else ""
        note = step.cause if step.cause and step.cause != found.run.outcome else step.status if colour else ""
        made.add_row(name, span(after), span(_seconds(step)), f"[dim]{bar}[/dim]", note)
    return made


def _seconds(step: Step) -> float:
    return ((step.stopped or datetime.now(UTC)) - step.started).total_seconds()


def plan(output: Mapping[str, Any], ended: Run) -> Iterator[tuple[str, str]]:
    """What a dry run says that a run would do."""
    found = output.get("summary", {}).get("dryRun")
    if found is None:
        yield "would do", ended.outcome
        return
    if "imports" in found:
        imports = [each["kind"] for each in found["imports"] if each["changed"]]
        yield "would import", ", ".join(imports) or "nothing"
    trains = [each["algorithm"] for each in found.get("predictors", ())]
    trains += [each["useCase"] for each in found.get("recommenders", ())]
    trains += [each["name"] for each in found.get("solutions", ())]
    trains += ["by a job on AWS Glue"] if "train" in found else []
    yield "would train", ", ".join(trains) or "nothing"
    made = [each["name"] for each in found.get("forecasts", ())] + [each["name"] for each in found.get("batch", ())]
    if made:
        yield "would make", ", ".join(made)
    refused = found.get("refused", {}).get("files", ())
    yield from (("would refuse", each["message"]) for each in refused)


def forecast(found: Forecast, past: int) -> Table:
    """The last `past` time steps of what was sold, then what is expected."""
    by_time = {each.time: each.value for each in found.past}
    last = max(by_time, default=None)
    made = table("time", "actual", *found.columns, right=["actual", *found.columns])
    for point in found.past[len(found.past) - past if past < len(found.past) else 0 :] if past else ():
        made.add_row(step(point.time), f"{point.value:,.4g}", *("" for _ in found.columns))
    for each in found.ahead:
        values = [f"{each.values[name]:,.1f}" if name in each.values else "" for name in found.columns]
        actual = f"{by_time[each.time]:,.4g}" if last and each.time in by_time else ""
        made.add_row(f"[bold]{step(each.time)}[/bold]", actual, *values)
    return made


def step(time: datetime) -> str:
    """A time step, without the time of day where that is midnight."""
    return f"{time:%Y-%m-%d}" if time.hour == time.minute == 0 else f"{time:%Y-%m-%d %H:%M}"


def recommended(found: Recommended) -> Table:
    about = next((list(each.item.about) for each in found.items if each.item.about), [])[:3]
    scored = any(each.score is not None for each in found.items)
    made = table("", "name", "id", *(["score"] if scored else []), *about, right=["", "score"], fold=["name", *about])
    for each in found.items:
        score = [] if not scored else ["" if each.score is None else f"{each.score:.4f}"]
        others = [each.item.about.get(name, "") for name in about]
        made.add_row(str(each.rank), each.item.name, each.item.id, *score, *others)
    return made


def use_cases(found: Sequence[UseCase]) -> Table:
    names = (_NDCG, "coverage")
    shown = [METRICS[name] for name in names]
    made = table("use case", "kind", "needs", *shown, right=shown)
    for each in found:
        needs = {"everybody": "nothing", "ranking": "--user"}.get(each.needs, f"--{each.needs}")
        measured = [f"{each.metrics[name]:.3f}" if name in each.metrics else "" for name in names]
        made.add_row(each.name, each.kind, needs, *measured)
    return made
