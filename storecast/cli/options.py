"""Arguments and options that several commands share, and what they print with."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from storecast.client.aws import Aws

DATA = Path(__file__).resolve().parents[2] / "data"
_WIDE = 120  # columns, where no terminal says how many it has


def datasets_here(incomplete: str) -> Iterator[str]:
    """Names of datasets for the shell to complete: those of data/."""
    for path in sorted(DATA.glob("*/pipeline.yaml")):
        name = path.parent.name.replace("_", "-")
        if name.startswith(incomplete):
            yield name


Name = Annotated[str, typer.Argument(help="The dataset.", autocompletion=datasets_here, show_default=False)]
OptionalName = Annotated[
    str | None, typer.Argument(help="The dataset; not needed if one is deployed.", autocompletion=datasets_here)
]
Profile = Annotated[str | None, typer.Option("--profile", help="The AWS profile.", show_default=False)]
Region = Annotated[str | None, typer.Option("--region", help="The AWS region.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
Pipeline = Annotated[
    str | None,
    typer.Option("--pipeline", help="forecasting or recommending; both without it.", show_default=False),
]


def connect(profile: str | None, region: str | None, *, quiet: bool = False) -> Aws:
    """The connection; on standard error it is said which AWS that is, unless `quiet`."""
    from storecast.connection import connect

    aws = connect(profile, region)
    if not quiet and sys.stderr.isatty():
        typer.secho(aws.where, err=True, dim=True)
    return aws


def console() -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDE
    return Console(width=width, highlight=False, soft_wrap=False)


def print_json(value: Any) -> None:
    """Dataclasses as objects, moments in ISO 8601."""
    print(json.dumps(value, default=_plain, indent=1, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def pairs(given: list[str] | None, option: str) -> dict[str, str]:
    """NAME=VALUE, as often as the option was given."""
    found = {}
    for each in given or ():
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{each!r}: allowed is NAME=VALUE, such as {option} store=berlin")
        found[name] = value
    return found
