"""Commands about data and its config: init, check, upload, cost."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from storecast.cli.options import DATA, Json, Name, Profile, Region, connect, console, print_json
from storecast.cli.problems import FOUND

Files = Annotated[list[Path], typer.Argument(help="CSV files, or folders of them.", exists=True, show_default=False)]
OptionalFiles = Annotated[
    list[Path] | None, typer.Argument(help="CSV files, or folders of them.", exists=True, show_default=False)
]
Kind = Annotated[
    str | None,
    typer.Option(
        "--kind",
        help="target, related, metadata, interactions, items or users; without it, by the folder or name of each file.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: storecast init shop sales.csv prices.csv events.csv")(init)
    app.command(epilog="Example: storecast check shop target/sales.csv")(check)
    app.command(epilog="Example: storecast upload shop target/ interactions/")(upload)
    app.command(epilog="Example: storecast cost shop --series 2000")(cost)


def init(
    name: Annotated[str, typer.Argument(help="What the dataset is to be called.", show_default=False)],
    files: OptionalFiles = None,
    kind: Kind = None,
    horizon: Annotated[int | None, typer.Option("--horizon", min=1, help="Time steps to forecast.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a pipeline.yaml that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write a pipeline.yaml from what files look like.

    It goes to data/NAME/, has comments, and is valid at once. What was guessed is printed.
    """
    from storecast.cli import draft

    made = draft.draft(name, files or [], kind, horizon)
    path = draft.save(made, DATA, force)
    if as_json:
        print_json({"path": path, "guesses": made.guesses})
        return
    out = console()
    out.print(f"[bold]{path}[/bold]", soft_wrap=True)
    for guess in made.guesses:
        out.print(f"  {guess}", soft_wrap=True)
    given = " ".join(str(each) for each in files or []) or "FILES..."
    out.print("Next: read it, then", soft_wrap=True)
    for command in (
        f"storecast check {name} {given}",
        f"make deploy DATASET={name}",
        f"storecast upload {name} {given}",
    ):
        out.print(f"  {command}", soft_wrap=True)


def check(
    name: Name,
    files: OptionalFiles = None,
    kind: Kind = None,
    as_json: Json = False,
) -> None:
    """Check the config, and files as a run would.

    Exit code 1 if a file is refused: a run would put into quarantine what is refused here.
    """
    from infra.config import of_dataset
    from infra.files import check as check_files
    from infra.files import kinds_of, lines
    from storecast.cli.sniff import by_kind

    config = of_dataset(DATA, name)
    kinds = kinds_of(config)
    found = list(check_files(config, by_kind(files, kinds, kind))) if files else []
    if as_json:
        print_json(
            {
                "dataset": config.dataset,
                "kinds": kinds,
                "checked": {
                    each: {
                        "refused": list(of.refused.values()),
                        "files": {file: of.left(file) for file in of.layouts},
                        "notes": of.notes,
                    }
                    for each, of in found
                },
            }
        )
    else:
        print(f"{DATA / config.identifier / 'pipeline.yaml'}: valid ({', '.join(kinds)})")
        for each, of in found:
            print(*lines(each, of), sep="\n")
        if not files:
            print(f"Next: storecast check {name} FILES... checks files as a run would")
    raise typer.Exit(FOUND if any(of.refused for _, of in found) else 0)


def upload(
    name: Name,
    files: Files,
    kind: Kind = None,
    checked: Annotated[bool, typer.Option("--check/--no-check", help="Check them first, as check does.")] = True,
    profile: Profile = None,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """Upload files, which starts a run.

    Each goes into the folder of its kind. They are checked first where data/NAME/pipeline.yaml is here: nothing is
    uploaded if one is refused.
    """
    from infra.config import of_dataset
    from infra.files import check as check_files
    from infra.files import lines
    from storecast.cli.sniff import by_kind
    from storecast.client import datasets, uploads

    aws = connect(profile, region)
    dataset = datasets.one(aws, name)
    kinds = [each for pipeline in dataset.pipelines for each in uploads.kinds(pipeline)]
    sorted_ = by_kind(files, kinds, kind)
    if checked and (DATA / dataset.identifier / "pipeline.yaml").exists():
        found = list(check_files(of_dataset(DATA, name), sorted_))
        if any(of.refused for _, of in found):
            for each, of in found:
                typer.echo("\n".join(lines(each, of)), err=True)
            typer.echo("Nothing was uploaded. Next: correct the files, or say --no-check", err=True)
            raise typer.Exit(FOUND)
    places = _upload(aws, dataset, sorted_, quiet=as_json)
    if as_json:
        print_json(places)
        return
    print(*places, sep="\n")
    print(f"A run starts when uploads have settled. Next: storecast status {dataset.name} --watch")


def _upload(aws: Any, dataset: Any, files: dict[str, list[Path]], quiet: bool) -> list[str]:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from storecast.client import datasets, uploads

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    places, out = [], console()
    with Progress(*columns, console=out, disable=quiet or not out.is_terminal, transient=True) as progress:
        for kind, paths in files.items():
            pipeline = datasets.pipeline_of(dataset, kind)
            assert pipeline is not None  # by_kind was given the kinds of its pipelines  # nosec B101
            for path in paths:
                task = progress.add_task(f"{kind}/{path.name}", total=path.stat().st_size)
                advance = partial(progress.advance, task)
                places.append(uploads.upload(aws, dataset, pipeline, kind, path, advance))
    return places


def cost(
    name: Name,
    series: Annotated[int, typer.Option("--series", min=0, help="Items x dimension values to forecast.")] = 200,
    runs: Annotated[
        float | None, typer.Option("--runs", min=0, help="Runs of each pipeline in a month; else by its schedule.")
    ] = None,
    gb: Annotated[float, typer.Option("--gb", min=0, help="Size of all files of one run.")] = 0.1,
    training_hours: Annotated[float, typer.Option("--training-hours", min=0, help="Of Forecast, a run.")] = 2.0,
    as_json: Json = False,
) -> None:
    """What a dataset costs in a month on AWS.

    An estimate, before any deploy; python -m infra.costs has more options.
    """
    from infra import costs
    from infra.config import of_dataset

    config = of_dataset(DATA, name)
    volume = costs.Volume(series=series, runs=runs, gb=gb, training_hours=training_hours)
    table = costs.prices()
    lines = costs.estimate(config, volume, table)
    if as_json:
        total = sum(each.usd for each in lines)
        print_json({"prices_of": table["date"], "usd": total, "lines": [asdict(each) for each in lines]})
        return
    print(costs.text(config, lines, volume, table))
