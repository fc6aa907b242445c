"""Commands about what came out: forecast, recommend, open."""

from __future__ import annotations

import csv
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storecast.cli.options import Json, Name, OptionalName, Profile, Region, connect, console, pairs, print_json

if TYPE_CHECKING:
    from storecast.client.model import Forecast

_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: storecast forecast shop milk --dimension store=berlin --csv > milk.csv")(forecast)
    app.command(epilog="Example: storecast recommend shop recommended-for-you --user u042 --results 5")(recommend)
    app.command("open", epilog="Example: storecast open shop --report")(open_)


def forecast(
    name: Name,
    item: Annotated[str, typer.Argument(help="The item's id, in any case; without it, items are listed.")] = "",
    since: Annotated[
        datetime | None, typer.Option("--from", formats=_DATES, metavar="DATE", help="The first time step.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=_DATES, metavar="DATE", help="The last time step.")
    ] = None,
    dimension: Annotated[
        list[str] | None,
        typer.Option("--dimension", metavar="NAME=VALUE", help="Which series, where an item has several."),
    ] = None,
    past: Annotated[int, typer.Option("--past", min=0, help="How many past time steps the table has.")] = 7,
    chart: Annotated[bool, typer.Option("--chart/--no-chart", help="Draw past and forecast.")] = True,
    search: Annotated[str, typer.Option("--search", help="List the items that contain this text.")] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV instead of text: all time steps.")] = False,
    profile: Profile = None,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """The forecast of an item, with its past.

    A table and a chart, or CSV, or JSON. Without an item, all are listed.
    """
    from storecast.cli import chart as drawing
    from storecast.cli import show
    from storecast.client import datasets, forecasts

    aws = connect(profile, region)
    dataset = datasets.one(aws, name)
    if not item:
        _list_items(forecasts.items(aws, dataset, search, most=10_000), as_json)
        return
    wanted = pairs(dimension, "--dimension")
    found = forecasts.forecast(aws, dataset, item, wanted, since=since, until=until, extras=as_json)
    if as_json:
        print_json(found)
    elif as_csv:
        _write_csv(found)
    else:
        out = console()
        about = " / ".join([found.item.id, *found.item.dimensions])
        described = ", ".join(f"{key} {value}" for key, value in found.item.about.items())
        out.print(f"[bold]{about}[/bold]  [dim]{described}[/dim]")
        out.print(f"[dim]{len(found.ahead)} x {found.frequency} ahead, run {found.run}[/dim]\n")
        out.print(show.forecast(found, past if since is None else len(found.past)))
        if chart and found.ahead:
            shown = len(found.past) if since else 4 * len(found.ahead)
            middle, interval = drawing.middle_of(found.columns), drawing.interval_of(found.columns)
            area = f", the area from {interval[0]} to {interval[1]}" if interval else ""
            out.print(f"\n[dim]what was sold, then {middle}{area}[/dim]")
            print(drawing.draw(found, min(out.width, 100), 18, shown, colours=out.is_terminal))


def _list_items(found: list[Any], as_json: bool) -> None:
    from storecast.cli import show

    if as_json:
        print_json(found)
        return
    about = list(dict.fromkeys(name for each in found for name in each.about))
    dimensions = max((len(each.dimensions) for each in found), default=0)
    made = show.table("item", *("" for _ in range(dimensions)), *about, fold=about)
    for each in found:
        made.add_row(each.id, *each.dimensions, *(each.about.get(name, "") for name in about))
    out = console()
    out.print(made)
    out.print(f"[dim]{show.many(len(found), 'series').removesuffix('s') if len(found) != 1 else '1 series'}[/dim]")


def _write_csv(found: Forecast) -> None:
    """A row for each time step: what was sold, and what is expected."""
    actual = {each.time: each.value for each in found.past}
    ahead = {each.time: each.values for each in found.ahead}
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(
        [
            "item",
            *found.dimensions,
            "time",
            "actual",
            *found.columns,
        ]
    )
    for time in sorted({*actual, *ahead}):
        values = [ahead.get(time, {}).get(name, "") for name in found.columns]
        writer.writerow([found.item.id, *found.item.dimensions, time.isoformat(), actual.get(time, ""), *values])


def recommend(
    name: Name,
    use_case: Annotated[
        str, typer.Argument(help="A use case, or the name of a solution; without it, all are listed.")
    ] = "",
    user: Annotated[str, typer.Option("--user", help="The user's id.")] = "",
    item: Annotated[str, typer.Option("--item", help="An item's id or name.")] = "",
    filter_: Annotated[str, typer.Option("--filter", help="The name of a filter of pipeline.yaml.")] = "",
    value: Annotated[
        list[str] | None,
        typer.Option("--value", metavar="NAME=VALUE", help="Of a filter's placeholder $NAME; several by commas."),
    ] = None,
    results: Annotated[int, typer.Option("--results", min=1, max=500, help="How many items.")] = 10,
    profile: Profile = None,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """Ask a recommender or campaign; names beside ids.

    Without a use case, all are listed with what they need.
    """
    from storecast.cli import show
    from storecast.client import datasets, recommendations

    aws = connect(profile, region)
    dataset = datasets.one(aws, name)
    out = console()
    if not use_case:
        known = recommendations.use_cases(aws, dataset)
        print_json(known) if as_json else out.print(show.use_cases(known))
        return
    found = recommendations.recommend(
        aws,
        dataset,
        use_case,
        user=user,
        item=item,
        filter=filter_,
        values=pairs(value, "--value"),
        results_=results,
    )
    if as_json:
        print_json(found)
        return
    whom = [f"user {user}"] if user else []
    whom += [f"item {found.item.name} ({found.item.id})"] if found.item else []
    whom += [f"filter {filter_}"] if filter_ else []
    out.print(f"[bold]{found.use_case.name}[/bold]  [dim]{', '.join(whom) or 'for everybody'}[/dim]")
    out.print(show.recommended(found) if found.items else "No item: the filter or the data leaves none.")


def open_(
    name: OptionalName = None,
    report: Annotated[
        bool, typer.Option("--report", help="The newest reports, as files, instead of the console.")
    ] = False,
    to: Annotated[
        Path | None, typer.Option("--to", help="Where the reports go; a folder of the cache by default.")
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser, or only say where.")] = True,
    profile: Profile = None,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """Open the console in a browser, or the reports.

    The console runs until Ctrl-C, on this machine alone.
    """
    if report:
        _open_reports(name, to, browser and not as_json, profile, region, as_json)
        return
    from storecast.cli.embedded import run_console

    run_console(name, browser, profile, region)


def _open_reports(
    name: str | None, to: Path | None, browser: bool, profile: str | None, region: str | None, as_json: bool
) -> None:
    import webbrowser

    from storecast.client import datasets, files, results
    from storecast.client.aws import NotThere

    aws = connect(profile, region)
    dataset = datasets.only(aws, name)
    folder = to or files.cache() / f"report-{dataset.name}"
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for pipeline in dataset.pipelines:
        page = files.text(aws, *results.report(dataset, pipeline))
        if page is not None:
            path = folder / f"{pipeline}.html"
            path.write_text(page, encoding="utf-8")
            written.append(path)
    if not written:
        raise NotThere(f"{dataset.name}: no run has published a report yet", f"see storecast status {dataset.name}")
    if as_json:
        print_json({"reports": written})
        return
    for path in written:
        print(path)
        if browser:
            webbrowser.open(path.resolve().as_uri())
