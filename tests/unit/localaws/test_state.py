"""State on disk: damaged, of another version, from many writers. Each message names the file and what to do."""

import json
import os
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import demo.__main__
import demo.workshop
import workshop.__main__
from localaws import files, process
from localaws.__main__ import main
from localaws.files import StateError
from localaws.settings import Settings, prepare
from localaws.state import check

ROOT = Path(__file__).parents[3]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a folder with a state file of the emulator, a database and an object."""
    made = prepare(tmp_path / "state", 4999)
    (made.state / "emulator").mkdir()
    files.replace(made.state / "emulator" / "iam.json", '{"__ministack_format__": 2, "payload": {"roles": 1}}')
    files.replace(made.state / "emulator" / "iam.json", '{"__ministack_format__": 2, "payload": {}}', True)
    with sqlite3.connect(made.state / "resources.sqlite") as database:
        database.execute("create table resources (arn text)")
        database.executemany("insert into resources values (?)", [("a" * 4000,)] * 20)
    database.close()
    folder = made.state / "s3" / "000000000000" / "bucket"
    folder.mkdir(parents=True)
    (folder / "key").write_text("five!")
    (folder / "key.meta.json").write_text('{"size": 5, "key": "key"}')
    return made


def test_sound_state_passes(settings: Settings) -> None:
    check(settings)
    assert prepare(settings.state) == settings


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scramble(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[4096:] = b"\xff" * (len(body) - 4096)
    path.write_bytes(body)


DAMAGE: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a cut file of the emulator": ("emulator/iam.json", cut, "iam.json.previous"),
    "an empty file of the emulator": ("emulator/iam.json", lambda path: path.write_text(""), "iam.json.previous"),
    "a file of the emulator that is a list": ("emulator/iam.json", lambda path: path.write_text("[]"), "reset"),
    "a deep file": ("emulator/iam.json", lambda path: path.write_text("[" * 10**5), "reset"),
    "bytes that are no text": ("emulator/iam.json", lambda path: path.write_bytes(b"\xff\xfe\x00"), "reset"),
    "a database that is none": (
        "resources.sqlite",
        lambda path: path.write_text("no database" * 999),
        "reset",
    ),
    "a database with broken pages": ("resources.sqlite", scramble, "reset"),
    "an object cut short": ("s3/000000000000/bucket/key", cut, "upload the object again"),
    "an object that is gone": ("s3/000000000000/bucket/key", Path.unlink, "upload the object again"),
    "a sidecar cut short": ("s3/000000000000/bucket/key.meta.json", cut, "reset"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_state_is_refused_and_left_alone(settings: Settings, damage: str) -> None:
    name, harm, remedy = DAMAGE[damage]
    harm(settings.state / name)
    before = {path: path.read_bytes() for path in settings.state.rglob("*") if path.is_file()}
    with pytest.raises(StateError) as raised:
        check(settings)
    assert str(settings.state / name) in str(raised.value) and remedy in str(raised.value)
    assert before.items() <= {path: path.read_bytes() for path in settings.state.rglob("*") if path.is_file()}.items()


SETTINGS = {
    "cut": ('{"access_key": "LO', "not JSON"),
    "empty": ("", "not JSON"),
    "a list": ("[1]", "access_key is missing"),
    "no secret": ('{"access_key": "LOCAL"}', "secret_key is missing"),
    "an empty key": ('{"access_key": "", "secret_key": "s"}', "access_key is ''"),
    "a port of text": ('{"access_key": "a", "secret_key": "s", "port": "4566"}', "port is '4566'"),
    "a newer layout": ('{"access_key": "a", "secret_key": "s", "version": 99}', "has the layout 99"),
    "an impossible port": ('{"access_key": "a", "secret_key": "s", "port": 70000}', "Port 70000"),
}


@pytest.mark.parametrize("found", SETTINGS)
def test_odd_settings_are_refused(settings: Settings, found: str) -> None:
    text, reason = SETTINGS[found]
    path = settings.state / "settings.json"
    path.write_text(text)
    with pytest.raises(StateError) as raised:
        prepare(settings.state)
    assert reason in str(raised.value) and (str(settings.state) in str(raised.value) or "--port" in str(raised.value))
    assert path.read_text() == text


def test_lost_settings_are_not_recreated_over_state(settings: Settings) -> None:
    (settings.state / "settings.json").unlink()
    with pytest.raises(StateError, match="root user's key, is gone"):
        prepare(settings.state)


@pytest.mark.parametrize("name", ["ca.pem", "server.pem", "server.key"])
@pytest.mark.parametrize("harm", [cut, Path.unlink, lambda path: path.write_text("")], ids=["cut", "gone", "empty"])
def test_broken_tls_files_are_refused_and_made_again_once_deleted(settings: Settings, name: str, harm) -> None:
    harm(settings.certificate.parent / name)
    with pytest.raises(StateError, match=r"TLS files in .*/tls are damaged.*delete the folder"):
        prepare(settings.state)
    for path in settings.certificate.parent.iterdir():
        path.unlink()
    settings.certificate.parent.rmdir()
    assert prepare(settings.state) == settings


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": -1}', '{"pid": "x"}', '{"pid": 1}', "\x00"])
def test_an_odd_process_file_of_one_that_does_not_run_is_no_matter(settings: Settings, text: str) -> None:
    settings.process_file.write_text(text)
    assert process.running(settings) is None and process.stop(settings) is False


def test_an_odd_process_file_of_one_that_runs_is_said(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_UNCLEAR_SECONDS", 0)
    with process.claim(settings):
        settings.process_file.write_text('{"pid": -1}')
        with pytest.raises(StateError, match=r"process\.json does not name its process \(-1"):
            process.stop(settings)
    assert process.running(settings) is None


def test_two_do_not_run_on_one_state_folder(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_CLAIMING_SECONDS", 0)
    with process.claim(settings), pytest.raises(StateError, match="runs already"):
        process.claim(settings)
    process.claim(settings).close()


@pytest.mark.parametrize("port", ["0", "-1", "70000"])
def test_a_port_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch, port: str) -> None:
    monkeypatch.setattr(sys, "argv", ["localaws", "start", "--state", str(tmp_path), "--port", port])
    assert main() == 1
    assert f"Port {port} is none of 1 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("command", [demo.__main__.main, demo.workshop.main, workshop.__main__.main])
def test_make_demo_notebooks_and_workshop_say_why_they_do_not_start(
    tmp_path: Path, capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, command: Callable[[], int]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(sys, "argv", ["command", "--state", "state"])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = prepare(Path("state"), taken.getsockname()[1])
        assert command() == 1
    said = "".join(capfd.readouterr())
    assert f"Port {settings.port} is in use by another program" in said and "Traceback" not in said
    settings.certificate.write_text("")
    assert command() == 1
    said = "".join(capfd.readouterr())
    assert "TLS files in" in said and "Traceback" not in said


def test_a_damaged_folder_can_be_emptied(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.state / "settings.json").write_text("{")
    monkeypatch.setattr(sys, "argv", ["localaws", "reset", "--state", str(settings.state)])
    assert main() == 0
    assert not (settings.state / "emulator").exists() and prepare(settings.state).port


def test_many_commands_at_once_all_succeed(tmp_path: Path) -> None:
    """Each in a process of its own; the first of them makes the folder."""
    command = [sys.executable, "-m", "localaws", "env", "--state", str(tmp_path / "state")]

    def run(number: int) -> subprocess.CompletedProcess:
        more = ["--port", str(5000 + number)] if number % 8 == 0 else []
        return subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True)

    with ThreadPoolExecutor(24) as threads:
        done = list(threads.map(run, range(24)))
    assert [each.stderr for each in done] == [""] * 24
    keys = {line for each in done for line in each.stdout.splitlines() if "SECRET" in line}
    assert len(keys) == 1


def test_state_is_private(settings: Settings) -> None:
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [settings.state, *settings.state.glob("tls")]}
    assert set(modes.values()) == {0o700}
    for name in ("settings.json", "settings.lock", "tls/server.key", "tls/server.pem", "tls/ca.pem"):
        assert stat.S_IMODE((settings.state / name).stat().st_mode) == 0o600, name


def test_a_folder_of_an_older_version_gets_private(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o755)
    assert stat.S_IMODE(prepare(tmp_path / "state").state.stat().st_mode) == 0o700


def test_a_replaced_file_is_old_or_new_and_keeps_its_predecessor(tmp_path: Path) -> None:
    path = tmp_path / "file"
    files.replace(path, "old", keep_previous=True)
    files.replace(path, "new", keep_previous=True)
    assert path.read_text() == "new" and files.previous(path).read_text() == "old"
    with pytest.raises(TypeError):
        files.replace(path, 7)  # type: ignore[arg-type]
    assert path.read_text() == "new" and {each.name for each in tmp_path.iterdir()} == {"file", "file.previous"}


def test_what_a_crash_cut_in_two_is_finished_or_dropped(settings: Settings) -> None:
    folder = settings.state / "s3" / "000000000000" / "bucket"
    (folder / "begun.tmp").write_text("half")  # neither is in place yet
    (folder / "begun.meta.json.tmp").write_text('{"size": 4}')
    (folder / "key").write_text("longer")  # the object is, its sidecar is not
    (folder / "key.meta.json.tmp").write_text('{"size": 6}')
    (folder / "torn.meta.json.tmp").write_text('{"si')
    check(settings)
    assert {each.name for each in folder.iterdir()} == {"key", "key.meta.json"}
    assert json.loads((folder / "key.meta.json").read_text()) == {"size": 6}
