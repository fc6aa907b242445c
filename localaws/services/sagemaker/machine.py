"""What runs where a notebook instance is: its lifecycle scripts, then JupyterLab, in a process tree of its own.

`python -m localaws.services.sagemaker.machine` reads a line of JSON from its standard input (`plan`), answers one line
of JSON (`{"ready": true}`, or `{"failed": reason}`) and lives until its input ends: a stop and a crash of the embedded
AWS look the same to it, and neither leaves a process behind.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import psutil

from localaws import fence
from localaws.s3 import Access
from localaws.services.sagemaker import proxy, volume

# a lifecycle script that takes longer fails the instance (docs/aws-sources.md#sagemaker-notebook-lifecycle-config)
SCRIPT_SECONDS = 300
_JUPYTER_SECONDS = 300  # on a busy machine; seconds otherwise
_GOODBYE_SECONDS = 5
# Where a script finds these folders of SageMaker's, it gets the instance's own.
_MAPPED = re.compile(r"(?<![\w./-])(/home/ec2-user|/opt/ml|/tmp)(?![\w.-])")


class Failed(Exception):
    """The instance cannot come into service; the message is its FailureReason."""


def main() -> None:
    plan = json.loads(sys.stdin.readline())
    folder = Path(plan["folder"])
    fence.adopt_orphans()
    fence.drop_capabilities()
    if not fence.keep_inside(folder, Path(plan["hidden"]), [Path(each) for each in plan["shown"]]):
        print("No Landlock here: the instance may read and write whatever its user may.", file=sys.stderr)
    threading.Thread(target=_end_with_the_input, daemon=True).start()
    os.environ.update(proxy.start(plan["endpoint"], os.environ))
    try:
        _prepare(folder, plan["about"])
        for hook, script in plan["scripts"]:
            run_script(folder, hook, script)
        jupyter = _start_jupyter(folder, plan["port"])
    except Failed as failure:
        print(json.dumps({"failed": str(failure)}), flush=True)
        _end()
    print(json.dumps({"ready": True}), flush=True)
    jupyter.wait()
    _end()


def _prepare(folder: Path, about: dict) -> None:
    """Inside the fence: whatever the instance's user left in the folder leads nowhere else. Raises Failed."""
    try:
        volume.prepare(folder, about["name"], about["arn"], Access(**about["access"]), about["token"])
    except OSError as error:
        raise Failed(f"The instance's own files could not be written: {error}") from None


def run_script(folder: Path, hook: str, script: str, seconds: float = SCRIPT_SECONDS) -> None:
    """Runs a lifecycle script whose SageMaker folders are those below `folder`. Raises Failed when it does.

    A process that it leaves behind (nohup) lives on, as on SageMaker. What it prints goes to the hook's log.
    """
    file, log = folder / f"{hook}.sh", folder / f"{hook}.log"
    file.write_text(_MAPPED.sub(lambda found: f"{folder}{found[0]}", script))
    with log.open("wb") as output:
        try:
            code = subprocess.run(
                ["bash", str(file)],
                cwd=folder / "home/ec2-user",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=seconds,
            ).returncode
        except subprocess.TimeoutExpired:
            raise Failed(f"The lifecycle script {hook} took longer than {seconds:.0f} seconds. See {log}.") from None
    if code:
        lines = log.read_text(errors="replace").strip().splitlines() or ["it printed nothing"]
        raise Failed(f"The lifecycle script {hook} failed with exit code {code}: {lines[-1][-500:]} (log: {log})")


def _start_jupyter(folder: Path, port: int) -> subprocess.Popen:
    """JupyterLab on loopback, when it answers; its token is in the configuration that volume.py writes."""
    root, log = folder / "home/ec2-user/SageMaker", folder / "jupyter.log"
    command = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    with log.open("wb") as output:
        jupyter = subprocess.Popen(
            [*command, "--no-browser", "--allow-root", f"--ServerApp.root_dir={root}"],
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    deadline = time.monotonic() + _JUPYTER_SECONDS
    while time.monotonic() < deadline and jupyter.poll() is None:
        if _answers(port):
            return jupyter
        time.sleep(0.1)
    raise Failed(f"JupyterLab did not come up; see {log}.")


def _answers(port: int) -> bool:
    try:
        address = f"http://127.0.0.1:{port}/api"
        with urllib.request.urlopen(address, timeout=2) as answer:  # on loopback  # nosec B310
            return answer.status == 200
    except OSError:
        return False


def _end_with_the_input() -> None:
    sys.stdin.read()
    _end()


def _end() -> None:
    """Ends all that was started here: politely, then for good, then what was born meanwhile.

    Orphans are among the children (adopt_orphans).
    """
    for ask in (psutil.Process.terminate, psutil.Process.kill, psutil.Process.kill):
        family = psutil.Process().children(recursive=True)
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                ask(process)
        psutil.wait_procs(family, timeout=_GOODBYE_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    main()
