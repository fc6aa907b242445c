"""The command line: help at once with an example each, errors with the next step, exit codes for scripts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from storecast import cli
from storecast.cli.app import app
from storecast.client import datasets
from tests.unit.storecast.world import SHOP, World

# What takes long to import; help and completion need none of it. Typer itself brings pydantic.
SLOW = ("aws_cdk", "boto3", "botocore", "infra", "localaws", "numpy", "pandas", "plotext", "rich", "yaml")


def _commands() -> list[list[str]]:
    root: Any = get_command(app)
    found: list[list[str]] = []
    for name, command in root.commands.items():
        found += [[name, inner] for inner in command.commands] if hasattr(command, "commands") else [[name]]
    return found


@pytest.mark.parametrize("command", _commands(), ids=" ".join)
def test_each_command_has_help_with_an_example_of_its_own(command: list[str]) -> None:
    found = CliRunner().invoke(app, [*command, "--help"])
    assert found.exit_code == 0
    assert f"storecast {' '.join(command)}" in found.output.rpartition("Example: ")[2]
    assert "--json" in found.output


def test_the_commands_of_the_issue_are_there() -> None:
    wanted = ["init", "check", "upload", "status", "runs", "run", "start", "forecast", "recommend", "open", "cost"]
    local = ["start", "stop", "status", "env", "fault"]
    assert {*map(tuple, _commands())} == {*((each,) for each in wanted), *(("local", each) for each in local)}


def test_help_and_completion_import_nothing_that_is_slow() -> None:
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom storecast.cli.app import app\n"
        "assert CliRunner().invoke(app, ['forecast', '--help']).exit_code == 0\n"
        "from storecast.cli.options import datasets_here\nassert 'sample' in list(datasets_here('s'))\n"
        f"print(*(name for name in {SLOW} if name in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == ""


@pytest.fixture
def deployed(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The commands find the shop, and its clients."""
    monkeypatch.setattr("storecast.connection.connect", lambda profile, region: world)
    monkeypatch.setattr(datasets, "listed", lambda aws: [SHOP])
    return world


def _run(capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, *given: str) -> tuple[int, str, str]:
    """Exit code and output of the console script."""
    monkeypatch.setattr(sys, "argv", ["storecast", *given])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.mark.parametrize(
    ("given", "code", "said", "following"),
    [
        (["forecast", "shop", "mlik"], 3, "mlik: not among the 2 items", "choose one, such as milk"),
        (["forecast", "shop", "milk"], 2, "milk: 2 series: berlin, paris", "--dimension NAME=VALUE"),
        (["forecast", "soap", "milk"], 3, "soap: no such dataset is deployed", "make deploy DATASET=soap"),
        (["recommend", "shop", "also-viewed"], 2, "also-viewed needs an item", "--item"),
        (["check", "soap"], 1, "data/soap/pipeline.yaml: no such file; datasets with a pipeline.yaml", ""),
    ],
)
def test_errors_say_what_happened_and_what_to_do_next(
    deployed: World,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    given: list[str],
    code: int,
    said: str,
    following: str,
) -> None:
    ended, out, err = _run(capsys, monkeypatch, *given)
    assert (ended, out) == (code, "")
    assert said in err and following in err and "Traceback" not in err


def test_what_aws_refuses_is_said_in_words(
    deployed: World, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError

    def refuse(*_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStacks")

    monkeypatch.setattr(datasets, "listed", refuse)
    code, _, err = _run(capsys, monkeypatch, "runs", "shop")
    assert code == 4
    assert "DescribeStacks: access denied: no" in err and "Next: ask for the permission" in err


def test_a_bug_of_ours_is_not_dressed_up(
    deployed: World, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "listed", lambda aws: 1 / 0)
    monkeypatch.setattr(sys, "argv", ["storecast", "runs", "shop"])
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_a_forecast_as_table_csv_and_json(deployed: World) -> None:
    given = ["forecast", "shop", "milk", "--dimension", "store=berlin"]
    text = CliRunner().invoke(app, given, env={"COLUMNS": "80"}).output
    assert "milk / berlin" in text and "2026-11-02" in text and "┌" in text
    assert max(map(len, text.splitlines())) <= 80
    assert CliRunner().invoke(app, [*given, "--csv"]).output.splitlines() == [
        "item,store,time,actual,p05,p10,p90",
        "milk,berlin,2026-10-30T00:00:00,5.0,,,",
        "milk,berlin,2026-10-31T00:00:00,7.0,,,",
        "milk,berlin,2026-11-01T00:00:00,5.0,,,",
        "milk,berlin,2026-11-02T00:00:00,,0.5,1.0,9.0",
    ]
    found = json.loads(CliRunner().invoke(app, [*given, "--json"]).output)
    assert found["ahead"][0] == {"time": "2026-11-02T00:00:00", "values": {"p05": 0.5, "p10": 1.0, "p90": 9.0}}


def test_recommendations_have_names_beside_ids(deployed: World) -> None:
    text = CliRunner().invoke(app, ["recommend", "shop", "also-viewed", "--item", "i1"]).output
    assert "item Tea (i1)" in text and "Milk" in text and "i2" in text


def test_a_value_without_a_name_is_wrong_usage(deployed: World) -> None:
    found = CliRunner().invoke(app, ["forecast", "shop", "milk", "--dimension", "berlin"])
    assert found.exit_code == 2 and "allowed is NAME=VALUE" in found.output


def test_the_embedded_aws_of_a_folder_as_json(tmp_path: Path) -> None:
    """Its settings are made at the first command; it isn't started here."""
    state = ["--state", str(tmp_path / "state"), "--json"]
    status = CliRunner().invoke(app, ["local", "status", *state])
    assert status.exit_code == 1 and json.loads(status.output)["running"] is False
    environment = json.loads(CliRunner().invoke(app, ["local", "env", *state]).output)
    assert environment["AWS_ENDPOINT_URL"] == json.loads(status.output)["endpoint"]
    rule = ["local", "fault", "s3:GetObject", "--error", "SlowDown", "--times", "2"]
    [found] = json.loads(CliRunner().invoke(app, [*rule, *state]).output)
    assert (found["operation"], found["error"], found["times"]) == ("s3:GetObject", "SlowDown", 2)
