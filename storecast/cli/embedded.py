"""`storecast local ...`: the embedded AWS. The same as `python -m localaws`, which has all its options."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storecast.cli.options import Json, print_json

if TYPE_CHECKING:
    from localaws.settings import Settings

app = typer.Typer(
    help="The embedded AWS on this machine.",
    epilog='Example: storecast local start && eval "$(storecast local env)"',
    no_args_is_help=True,
    rich_markup_mode=None,
)
State = Annotated[
    str | None, typer.Option("--state", help="Its folder (default: LOCALAWS_STATE, or .localaws).", show_default=False)
]
Port = Annotated[
    int | None, typer.Option("--port", help="Its port (default: the last one, or 4566).", show_default=False)
]


def _localaws(
    *arguments: str, state: str | None, port: int | None = None, then: Callable[[], Any] | None = None
) -> None:
    """`python -m localaws ARGUMENTS`, with its exit code; what it prints is replaced by what `then` says, as JSON."""
    from contextlib import nullcontext, redirect_stdout
    from io import StringIO

    from localaws.__main__ import main

    options = [*(["--state", state] if state else []), *(["--port", str(port)] if port else [])]
    with redirect_stdout(StringIO()) if then else nullcontext():
        code = main([*arguments, *options])
    if then:
        print_json(then())
    raise typer.Exit(code)


def _settings(state: str | None, port: int | None = None) -> Settings:
    from pathlib import Path

    from localaws.settings import prepare
    from storecast.connection import state_folder

    return prepare(Path(state) if state else state_folder(), port)


def _about(state: str | None) -> dict[str, Any]:
    from localaws import process

    settings = _settings(state)
    pid = process.running(settings)
    return {"running": bool(pid), "pid": pid, "endpoint": settings.endpoint, "state": settings.state}


@app.command(epilog="Example: storecast local start --port 4570")
def start(state: State = None, port: Port = None, as_json: Json = False) -> None:
    """Start it in the background; returns when it answers."""
    _localaws("start", state=state, port=port, then=(lambda: _about(state)) if as_json else None)


@app.command(epilog="Example: storecast local stop")
def stop(state: State = None, as_json: Json = False) -> None:
    """Stop it; its state is kept."""
    _localaws("stop", state=state, then=(lambda: _about(state)) if as_json else None)


@app.command(epilog="Example: storecast local status --json")
def status(state: State = None, as_json: Json = False) -> None:
    """Whether it runs, and where. Exit code 1 if it doesn't."""
    _localaws("status", state=state, then=(lambda: _about(state)) if as_json else None)


@app.command(epilog='Example: eval "$(storecast local env)"')
def env(state: State = None, as_json: Json = False) -> None:
    """Print the environment that points AWS clients to it."""
    from localaws.settings import client_environment

    _localaws("env", state=state, then=(lambda: client_environment(_settings(state))) if as_json else None)


@app.command(
    epilog="Example: storecast local fault 'personalize:Create*' --error ThrottlingException --times 3",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
def fault(
    context: typer.Context,
    state: State = None,
    clear: Annotated[bool, typer.Option("--clear", help="Forget all rules.")] = False,
    as_json: Json = False,
) -> None:
    """Have calls or jobs fail or wait: adds a rule, or lists the rules.

    Takes OPERATION, --error, --message, --delay, --times, --chance and what else python -m localaws fault --help names.
    """
    from localaws.faults import read

    given = ["fault", *context.args, *(["--clear"] if clear else [])]
    _localaws(*given, state=state, then=(lambda: read(_settings(state).faults)) if as_json else None)


def run_console(name: str | None, browser: bool, profile: str | None, region: str | None) -> None:
    """Serve the console until Ctrl-C, in a process of its own: its framework is large."""
    import subprocess
    import sys

    options = [("--dataset", name), ("--profile", profile), ("--region", region)]
    given = [part for option, value in options if value for part in (option, value)]
    command = [sys.executable, "-m", "storecast.console", *given, *([] if browser else ["--no-browser"])]
    try:
        raise typer.Exit(subprocess.call(command))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
