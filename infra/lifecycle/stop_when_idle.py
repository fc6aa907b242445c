"""Stops this notebook instance when it is idle: no kernel and no terminal has done anything for some minutes.

`python3 stop_when_idle.py INSTANCE REGION MINUTES`, started by the lifecycle script; uses the standard library and the
AWS CLI, which every instance has.
"""

from __future__ import annotations  # the instance's python3 may be older than ours

import glob
import json
import os
import ssl
import subprocess
import sys
import time
import urllib.request
from datetime import datetime
from typing import Any

LOOK_SECONDS = 60
# SageMaker's own address of Jupyter: HTTPS with a certificate for no name, open to the instance alone.
SAGEMAKER = {"url": "https://localhost:8443/", "token": ""}


def jupyter() -> dict[str, Any]:
    """Address and token of the Jupyter server as it wrote them down itself, or SageMaker's."""
    files = glob.glob("/home/ec2-user/.local/share/jupyter/runtime/jpserver-*.json")
    if not files:
        return SAGEMAKER
    with open(max(files, key=os.path.getmtime)) as file:
        return json.load(file)


def ask(server: dict[str, Any], what: str) -> list[dict[str, Any]]:
    headers = {"Authorization": "token " + server["token"]}
    request = urllib.request.Request(server["url"] + "api/" + what, headers=headers)
    unverified = ssl._create_unverified_context()  # SageMaker's certificate of Jupyter is its own  # nosec B323
    with urllib.request.urlopen(request, timeout=30, context=unverified) as answer:  # on loopback  # nosec B310
        return json.load(answer)


def last_activity(kernels: list[dict[str, Any]], terminals: list[dict[str, Any]]) -> float:
    """When something was last done (seconds since 1970): now, while a cell runs; 0 when nothing ever was."""
    if any(kernel["execution_state"] == "busy" for kernel in kernels):
        return time.time()
    times = [each["last_activity"].replace("Z", "+00:00") for each in kernels + terminals]
    return max([datetime.fromisoformat(each).timestamp() for each in times], default=0)


def main() -> None:
    instance, region, minutes = sys.argv[1], sys.argv[2], float(sys.argv[3])
    started = time.time()
    while True:
        time.sleep(min(LOOK_SECONDS, minutes * 60))
        try:
            server = jupyter()
            last = last_activity(ask(server, "kernels"), ask(server, "terminals"))
        except OSError as error:
            print("Jupyter did not answer:", error, flush=True)
            continue
        idle = (time.time() - max(started, last)) / 60
        print(f"idle for {idle:.1f} minutes", flush=True)
        if idle >= minutes:
            stop = ["aws", "sagemaker", "stop-notebook-instance", "--notebook-instance-name", instance]
            subprocess.run([*stop, "--region", region], check=False)


if __name__ == "__main__":
    main()
