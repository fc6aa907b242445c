"""Code that a customer brings, a Lambda function's or a Glue job's, reaches nothing of the host and of other customers:
its own folder and the embedded AWS's endpoint are all that there is for it, as for a notebook (test_hostile.py)."""

import base64
import io
import json
import sys
import zipfile
from pathlib import Path

import boto3
import pytest

from localaws.fence import landlock_version
from localaws.settings import REGION, Settings
from tests.contract.helpers import ACCOUNT, eventually, role, statement, unique, whole_bucket
from tests.contract.test_glue import ended

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or landlock_version() < 6, reason="needs Landlock's scopes (Linux 6.12)"
)

# What is tried, with `places` before it: by attempt, what came of it.
ATTEMPTS = """
import os, pathlib, tempfile
import boto3

def tried(call, *given):
    try:
        return f"got {call(*given)!r}"[:300]
    except OSError as error:
        return f"refused {error}"

def readable(state):
    # But for the certificate that clients need, and the folder of this code.
    own = pathlib.Path(__file__).parent
    own = own.parent if places["kind"] == "function" else own
    others = [each for each in state.rglob("*")
              if each.is_file() and each != state / "tls/ca.pem" and not each.is_relative_to(own)]
    assert len(others) > 5
    return "".join(f"got {each} " for each in others if tried(each.read_bytes).startswith("got"))

def all_attempts():
    state, server = pathlib.Path(places["state"]), places["server"]
    found = {
        "the root key": tried((state / "settings.json").read_bytes),
        "other files of the state": readable(state) or "refused",
        "the server's environment": tried(pathlib.Path(f"/proc/{server}/environ").read_bytes),
        "the server's memory": tried(open, f"/proc/{server}/mem", "rb"),
        "a signal to the server": tried(os.kill, server, 0),
        "a signal to who started it": tried(os.kill, os.getppid(), 0),
        "a file of the state": tried((state / "hostile").write_bytes, b"x"),
        "a file of the host": tried(pathlib.Path(places["outside"]).write_bytes, b"x"),
    }
    status = pathlib.Path("/proc/self/status").read_text()
    capable = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff"))
    found["capabilities"] = "refused" if int(capable, 16) == 0 else f"got {capable}"
    own = dict(os.environ)
    found["a secret in the environment"] = next((f"got {name}" for name, value in own.items()
                                                 if value in places["secrets"]), "refused")
    with tempfile.TemporaryFile() as file:
        file.write(b"x")
    found["allowed: a temporary file"] = "200"
    found["allowed: a call"] = "200 " + boto3.client("sts").get_caller_identity()["Arn"]
    return found
"""


def places(kind: str, aws: Settings, outside: Path) -> str:
    server = json.loads((aws.state / "process.json").read_text())["pid"]
    secrets = [aws.access_key, aws.secret_key]
    given = {"kind": kind, "state": str(aws.state), "server": server, "outside": str(outside), "secrets": secrets}
    return f"places = {given!r}\n{ATTEMPTS}"


def nothing_was_got(found: dict[str, str], outside: Path) -> None:
    got = {name: came for name, came in found.items() if not came.startswith(("refused", "200"))}
    assert got == {}
    assert found["allowed: a call"].startswith("200 arn:aws:sts") and not outside.exists()


def test_a_function_reaches_nothing(embedded_aws: Settings, tmp_path: Path) -> None:
    body, client, name, outside = io.BytesIO(), boto3.client("lambda"), unique("hostile"), tmp_path / "file"
    with zipfile.ZipFile(body, "w") as archive:
        code = places("function", embedded_aws, outside) + "\ndef handler(event, context):\n    return all_attempts()\n"
        archive.writestr("index.py", code)
    client.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="index.handler",
        Role=role("lambda", statement("sts:GetCallerIdentity")),
        Code={"ZipFile": body.getvalue()},
        Timeout=30,
    )
    eventually(lambda: client.get_function_configuration(FunctionName=name)["State"] == "Active")
    nothing_was_got(json.loads(client.invoke(FunctionName=name)["Payload"].read()), outside)


def test_the_server_writes_nothing_where_a_notebook_leads_it(embedded_aws: Settings, tmp_path: Path) -> None:
    """Links that a learner left in the folder of an instance, which is prepared at each of its starts."""
    sagemaker, name = boto3.client("sagemaker"), unique("hostile").replace("_", "-")
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:notebook-instance/{name}"
    folder = embedded_aws.state / "artifacts" / base64.urlsafe_b64encode(arn.encode()).decode()
    for place in ("machine.log", "bin/sudo", "home/ec2-user/.aws/credentials", "home/ec2-user/.jupyter", "python"):
        link, victim = folder / place, tmp_path / place.replace("/", "-")
        link.parent.mkdir(parents=True, exist_ok=True)
        if place != "python":
            victim.write_text("kept")
            victim.chmod(0o600)
        link.symlink_to(victim)
    sagemaker.create_notebook_instance(
        NotebookInstanceName=name, InstanceType="ml.t3.medium", RoleArn=role("sagemaker")
    )
    described = eventually(
        lambda: sagemaker.describe_notebook_instance(NotebookInstanceName=name),
        lambda found: found["NotebookInstanceStatus"] != "Pending",
    )
    found = {each.name: (each.read_text(), oct(each.stat().st_mode)) for each in tmp_path.iterdir()}
    assert set(found.values()) == {("kept", "0o100600")} and "python" not in found
    assert (described["NotebookInstanceStatus"], "Permission denied" in described["FailureReason"]) == ("Failed", True)
    sagemaker.delete_notebook_instance(NotebookInstanceName=name)


def run_of_job(code: str, *statements: dict) -> dict:
    """How a job of this code ends, under a role that reads its script and may do this."""
    bucket, glue, name = unique("hostile").replace("_", "-"), boto3.client("glue"), unique("job")
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="job.py", Body=code.encode())
    glue.create_job(
        Name=name,
        Role=role("glue", statement("s3:GetObject", on=whole_bucket(bucket)), *statements),
        Command={"Name": "glueetl", "PythonVersion": "3", "ScriptLocation": f"s3://{bucket}/job.py"},
        GlueVersion="5.0",
        WorkerType="G.1X",
        NumberOfWorkers=2,
    )
    return ended(glue, name, glue.start_job_run(JobName=name)["JobRunId"])


def test_a_job_of_glue_reaches_nothing(embedded_aws: Settings, tmp_path: Path) -> None:
    outside, bucket, s3 = tmp_path / "file", unique("found").replace("_", "-"), boto3.client("s3")
    s3.create_bucket(Bucket=bucket)
    end = 'import json\nfound = all_attempts()\nboto3.client("s3").put_object('
    code = places("job", embedded_aws, outside) + f'{end}Bucket={bucket!r}, Key="found.json", Body=json.dumps(found))\n'
    run = run_of_job(code, statement("s3:PutObject", on=whole_bucket(bucket)))
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    nothing_was_got(json.loads(s3.get_object(Bucket=bucket, Key="found.json")["Body"].read()), outside)


@pytest.mark.parametrize("instead", ["os.symlink({secret!r}, failure)", "os.mkfifo(failure)", "os.mkdir(failure)"])
def test_the_server_follows_nothing_that_a_job_puts_in_its_way(embedded_aws: Settings, instead: str) -> None:
    """The reason of a failure is in a file beside the script, which the server reads when the job is over."""
    link = instead.format(secret=str(embedded_aws.state / "settings.json"))
    run = run_of_job(f"import os\nfailure = 'failure.txt'\n{link}\nos._exit(3)\n")
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "The script ended with code 3")
