"""`python -m localaws serve|start|stop|status|reset|env|fault`: the embedded AWS from the command line."""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from localaws import process
from localaws.faults import Fault, read, write
from localaws.files import StateError
from localaws.settings import DEFAULT_PORT, DEFAULT_STATE, Settings, client_environment, prepare
from localaws.state import check

COMMANDS = {
    "serve": "run in the foreground until Ctrl-C",
    "start": "run in the background; returns when it is ready",
    "stop": "stop it; its state is kept",
    "status": "say whether it runs, where, and what it holds",
    "reset": "empty it: all resources and files are gone",
    "fault": "have calls or jobs fail or wait: adds a rule, or lists the rules there are",
    "env": 'print the environment for AWS clients: eval "$(python -m localaws env)"',
}


def main(given: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(given)
    try:
        if arguments.command == "reset":
            return _reset(Path(arguments.state).resolve(), arguments.port)
        settings = _settings(Path(arguments.state), arguments.port)
        if arguments.command == "fault":
            return _fault(settings, arguments)
        return {"serve": _serve, "start": _start, "stop": _stop, "status": _status, "env": _env}[arguments.command](
            settings
        )
    except (StateError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


def _settings(state: Path, port: int | None) -> Settings:
    settings = prepare(state)
    if port in (None, settings.port):
        return settings
    if process.running(settings):
        raise process.ProcessError(
            f"The embedded AWS of {settings.state} runs on port {settings.port}. Stop it before you move it to {port}."
        )
    return prepare(state, port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localaws", description="The embedded AWS.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, description in COMMANDS.items():
        command = commands.add_parser(name, help=description, description=description)
        command.add_argument("--port", type=int, help=f"port on 127.0.0.1 (default: the last one, or {DEFAULT_PORT})")
        state = os.environ.get("LOCALAWS_STATE", str(DEFAULT_STATE))
        command.add_argument("--state", default=state, help=f"folder that keeps its state (default: {state})")
        if name == "fault":
            _add_fault_arguments(command)
    return parser


def _add_fault_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("operation", nargs="?", help="glob, such as forecast:Create*, s3:GetObject, job:forecast:*")
    command.add_argument("--clear", action="store_true", help="forget all rules")
    command.add_argument("--containing", default="", help="text in the call's address, body or ARN")
    command.add_argument("--error", default="", help="code, such as ThrottlingException")
    command.add_argument("--message", default=Fault.message)
    command.add_argument("--status", type=int, default=Fault.status, help="HTTP status of the error")
    command.add_argument("--delay", type=float, default=0.0, help="seconds before the call goes on")
    command.add_argument("--after", action="store_true", help="the call goes through, only its answer is lost")
    command.add_argument("--times", type=int, help="how many calls are hit at most (default: all)")
    command.add_argument("--chance", type=float, default=1.0, help="of each call, 0 to 1")
    command.add_argument("--seed", type=int, default=0, help="of the chance")


def _fault(settings: Settings, arguments: argparse.Namespace) -> int:
    if arguments.clear:
        write(settings.faults, [])
    if arguments.operation:
        given = {each.name: getattr(arguments, each.name) for each in fields(Fault)}
        write(settings.faults, [*read(settings.faults), Fault(**given)])
    rules = read(settings.faults)
    for rule in rules:
        print(", ".join(f"{name} {value!r}" for name, value in asdict(rule).items() if value not in ("", None, False)))
    print(f"{len(rules)} rule(s).")
    return 0


def _serve(settings: Settings) -> int:
    os.umask(0o077)  # what it writes is for its user alone
    with process.claim(settings):
        check(settings)
        process.claim_port(settings)
        from localaws.server import run

        print(f"Embedded AWS at {settings.endpoint}, state in {settings.state}. Ctrl-C stops it.", flush=True)
        run(settings)
    return 0


def _start(settings: Settings) -> int:
    pid = process.start(settings)
    print(f"Embedded AWS at {settings.endpoint} (process {pid}, state in {settings.state}).")
    return 0


def _stop(settings: Settings) -> int:
    print("Stopped." if process.stop(settings) else "It does not run.")
    return 0


def _status(settings: Settings) -> int:
    pid = process.running(settings)
    if not pid:
        print(f"Not running (state in {settings.state}).")
        return 1
    print(f"Running at {settings.endpoint} (process {pid}, state in {settings.state}, log in {settings.log}).")
    return 0


def _reset(state: Path, port: int | None) -> int:
    process.reset(state, port)
    print(f"Emptied {state}.")
    return 0


def _env(settings: Settings) -> int:
    print("unset AWS_PROFILE AWS_SESSION_TOKEN AWS_DEFAULT_PROFILE;")
    for name, value in client_environment(settings).items():
        print(f"export {name}={shlex.quote(value)};")
    return 0


if __name__ == "__main__":
    sys.exit(main())
