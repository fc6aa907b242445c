"""Commands about runs: status, runs, run, start."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storecast.cli.options import Json, Name, OptionalName, Pipeline, Profile, Region, connect, console, print_json
from storecast.cli.problems import FOUND

if TYPE_CHECKING:
    from storecast.client.aws import Aws
    from storecast.client.model import Dataset, Run

_LOOK_SECONDS, _LOOK_SECONDS_AT_AWS = 2.0, 10.0  # every look is some thirty calls


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: storecast status shop --watch")(status)
    app.command("runs", epilog="Example: storecast runs shop --pipeline forecasting --most 5")(list_runs)
    app.command(epilog="Example: storecast run shop last")(run)
    app.command(epilog="Example: storecast start shop --pipeline forecasting --dry-run")(start)


def status(
    name: OptionalName = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every few seconds until Ctrl-C.")] = False,
    profile: Profile = None,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """Each pipeline at a glance.

    Its last run, what serves, how good and how fresh it is, quarantine, next start, what costs. Exit code 1 if the
    last run of a pipeline failed or an alarm is on.
    """
    from storecast.client import datasets

    aws = connect(profile, region, quiet=True)
    found = [datasets.one(aws, name)] if name else [each for each in datasets.listed(aws) if each.pipelines]
    if not found:
        found = [datasets.only(aws, None)]  # says that nothing is deployed
    if watch:
        _watch(aws, found)
    states = [datasets.status(aws, each) for each in found]
    if as_json:
        print_json(states)
    else:
        _print_states(aws, states, console())
    wrong = [each for state in states for each in state.alarms if each.state == "ALARM"]
    failed = [each for state in states for each in state.pipelines if each.last and each.last.failed]
    raise typer.Exit(FOUND if wrong or failed else 0)


def _print_states(aws: Aws, states: Any, out: Any) -> None:
    from storecast.cli import show

    for at, each in enumerate(states):
        if at:
            out.print()
        show.status(out, each, aws.where)


def _watch(aws: Aws, found: list[Dataset]) -> None:
    """The same, drawn again and again; Ctrl-C ends the command."""
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    from storecast.client import datasets

    out = console()

    def drawn() -> Group:
        with out.capture() as captured:
            _print_states(aws, [datasets.status(aws, each) for each in found], out)
        return Group(Text.from_ansi(captured.get()), Text("Ctrl-C ends", style="dim"))

    try:
        with Live(drawn(), console=out, auto_refresh=False, screen=False) as live:
            while True:
                time.sleep(_LOOK_SECONDS if aws.embedded else _LOOK_SECONDS_AT_AWS)
                live.update(drawn(), refresh=True)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def list_runs(
    name: Name,
    pipeline: Pipeline = None,
    most: Annotated[int, typer.Option("--most", min=1, max=500, help="How many of each pipeline.")] = 10,
    everything: Annotated[bool, typer.Option("--all", help="Also starts that joined a run in progress.")] = False,
    profile: Profile = None,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """The last runs of the pipelines, the newest first."""
    from storecast.cli import show
    from storecast.client import datasets, runs

    aws = connect(profile, region)
    dataset = datasets.one(aws, name)
    found = [run for each in _pipelines(dataset, pipeline) for run in runs.listed(aws, dataset, each, most)]
    found.sort(key=lambda run: run.started, reverse=True)
    shown = [run for run in found if everything or not run.outcome.startswith("joined")]
    if as_json:
        print_json(shown)
    elif not found:
        out = console()
        out.print(f"No run yet: storecast upload {dataset.name} FILES... starts the first one.")
    else:
        show.runs(console(), shown, len(found) - len(shown))


def run(
    name: Name,
    run: Annotated[str, typer.Argument(help="How its id or its execution begins, or last.")] = "last",
    profile: Profile = None,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """One run: steps, times, causes.

    Of a failure also the next step to take. Exit code 1 if it failed.
    """
    from storecast.cli import show
    from storecast.client import datasets, runs

    aws = connect(profile, region)
    found = runs.one(aws, datasets.one(aws, name), run)
    if as_json:
        print_json(found)
    else:
        show.run(console(), found)
        if not aws.embedded:
            console().print(f"\n[dim]{found.console_url}[/dim]", soft_wrap=True)
    raise typer.Exit(FOUND if found.run.failed else 0)


def start(
    name: Name,
    pipeline: Pipeline = None,
    force: Annotated[bool, typer.Option("--force", help="Import and train also if nothing changed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan of a run and change nothing.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end; exit code 1 if a run fails.")] = False,
    profile: Profile = None,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """Start a run by hand.

    It ends at once if nothing changed since the last one, unless it is forced.
    """
    from storecast.cli import show
    from storecast.client import datasets, runs

    aws = connect(profile, region)
    dataset = datasets.one(aws, name)
    out = console()
    started = [runs.start(aws, dataset, each, force=force, dry_run=dry_run) for each in _pipelines(dataset, pipeline)]
    if wait or dry_run:
        started = [_followed(aws, each, out if not as_json else None) for each in started]
    plans = {each.pipeline: runs.output(aws, each) for each in started} if dry_run else {}
    if as_json:
        print_json(plans if dry_run else started)
    elif dry_run:
        for each in started:
            out.print(f"[bold]{each.pipeline}[/bold]")
            out.print(show.facts(list(show.plan(plans[each.pipeline], each))))
    elif wait:
        show.runs(out, started, 0)
    else:
        for each in started:
            out.print(f"{each.pipeline} started: {each.name}")
        out.print(f"[dim]Follow it by storecast status {dataset.name} --watch[/dim]")
    raise typer.Exit(FOUND if any(each.failed for each in started) else 0)


def _followed(aws: Aws, started: Run, out: Any) -> Run:
    """The run once it has ended."""
    from contextlib import nullcontext

    from storecast.client import runs

    with out.status(f"{started.pipeline} is running ...") if out and out.is_terminal else nullcontext():
        while started.running:
            time.sleep(_LOOK_SECONDS / 2)
            started = runs.again(aws, started)
    return started


def _pipelines(dataset: Dataset, given: str | None) -> list[Any]:
    from storecast.client.model import PIPELINES

    if given is None:
        return list(dataset.pipelines)
    if given not in PIPELINES:
        raise typer.BadParameter(f"{given!r}: allowed is {' or '.join(PIPELINES)}", param_hint="--pipeline")
    return [given]
