"""Lambda: an update of a function's code does not end an invocation that is running."""

import io
import json
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import boto3

from localaws.settings import Settings
from tests.contract.helpers import eventually, role, unique


def zipped(answer: str) -> bytes:
    """A function that answers `answer` after some seconds."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr(
            "index.py", f"import time\ndef handler(event, context):\n  time.sleep(3)\n  return {answer!r}\n"
        )
    return body.getvalue()


def test_an_invocation_finishes_with_the_code_that_it_started_with(embedded_aws: Settings) -> None:
    client, name = boto3.client("lambda"), unique("slow")
    client.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="index.handler",
        Role=role("lambda"),
        Code={"ZipFile": zipped("old")},
        Timeout=30,
    )

    def ready() -> bool:
        found = client.get_function_configuration(FunctionName=name)
        return (found["State"], found.get("LastUpdateStatus")) == ("Active", "Successful")

    def answer() -> str:
        return json.loads(client.invoke(FunctionName=name)["Payload"].read())

    eventually(ready)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(answer)
        time.sleep(1.5)  # it is running by then
        client.update_function_code(FunctionName=name, ZipFile=zipped("new"))
        assert first.result() == "old"
    eventually(ready)
    assert answer() == "new"
    client.delete_function(FunctionName=name)
