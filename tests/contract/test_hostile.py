"""A hostile notebook: it tries everything on the embedded AWS, with a learner's credentials and without any, and gets
nothing."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import psutil
import pytest

from localaws.fence import landlock_version
from localaws.settings import Settings
from tests.contract.helpers import role, statement, unique
from tests.contract.test_athena import ATHENA, ROWS, Place, create_table
from tests.contract.test_sagemaker import becomes, lab

SCRIPT = Path(__file__).with_name("hostile.py")
KEY = "neighbour/secret.csv"


@pytest.fixture(scope="module")
def neighbour(embedded_aws: Settings) -> Place:
    """Another learner's files and table, in the bucket that all learners share."""
    made = Place(unique("shared").replace("_", "-"), unique("neighbour"))
    boto3.client("s3").create_bucket(Bucket=made.bucket)
    boto3.client("s3").put_object(Bucket=made.bucket, Key=KEY, Body=ROWS)
    boto3.client("glue").create_database(DatabaseInput={"Name": made.database})
    create_table(made.database, "sales", f"s3://{made.bucket}/neighbour/")
    return made


def others(aws: Settings, name: str) -> dict[str, int]:
    """Processes that are not those of the instance of this name: the server, its workers, and this one."""
    server = psutil.Process(json.loads((aws.state / "process.json").read_text())["pid"])
    children = [each for each in server.children(recursive=True) if name not in each.environ().get("HOME", "")]
    inside = {each.pid for each in children if "sagemaker.machine" in " ".join(each.cmdline())}
    workers = [each for each in children if not inside & {each.pid, *(parent.pid for parent in each.parents())}]
    return {"the server": server.pid, "the test": os.getpid()} | {f"worker {each.pid}": each.pid for each in workers}


@pytest.fixture(scope="module")
def outcomes(
    sagemaker, embedded_aws: Settings, neighbour: Place, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """What each attempt came to, in a kernel of an instance whose role is a learner's."""
    mine = Place(neighbour.bucket, unique("hostile"))
    boto3.client("glue").create_database(DatabaseInput={"Name": mine.database})
    written = tmp_path_factory.mktemp("written") / "file"
    name = unique("hostile").replace("_", "-")
    under = role("sagemaker", *ATHENA, mine.glue("glue:*"), *mine.writing(), statement("sts:GetCallerIdentity"))
    sagemaker.create_notebook_instance(NotebookInstanceName=name, InstanceType="ml.t3.medium", RoleArn=under)
    becomes(sagemaker, name, "InService")
    places = {"bucket": neighbour.bucket, "key": KEY, "neighbour": neighbour.database, "database": mine.database,
              "out": mine.out, "state": str(embedded_aws.state), "written": str(written),
              "endpoint": embedded_aws.endpoint, "authority": str(embedded_aws.certificate_authority),
              "processes": others(embedded_aws, name), "scoped": landlock_version() >= 6,
              "abstract": f"\0{written.parent}"}  # fmt: skip
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(places["abstract"])
        listening.listen()
        yield json.loads(lab(sagemaker, name).run(f"places = {places!r}\n{SCRIPT.read_text()}"))
    sagemaker.stop_notebook_instance(NotebookInstanceName=name)
    becomes(sagemaker, name, "Stopped")
    sagemaker.delete_notebook_instance(NotebookInstanceName=name)
    assert not written.parent.exists() or list(written.parent.iterdir()) == []


def test_a_hostile_notebook_gets_nothing(outcomes: dict[str, str], embedded_aws: Settings) -> None:
    assert len(outcomes) > 100
    refused = ("400 ", "401 ", "403 ", "FAILED ", "refused ")
    got = {name: found for name, found in outcomes.items()
           if not name.startswith("allowed: ") and not found.startswith(refused)}  # fmt: skip
    assert got == {}
    secrets = (embedded_aws.secret_key, embedded_aws.access_key, "milk", "PRIVATE KEY", "root:x:0")
    told = {name: found for name, found in outcomes.items() if any(secret in found for secret in secrets)}
    assert told == {}


def test_and_what_is_there_stays_as_it_was(outcomes: dict[str, str], embedded_aws: Settings, neighbour: Place) -> None:
    s3 = boto3.client("s3")
    assert s3.get_object(Bucket=neighbour.bucket, Key=KEY)["Body"].read().decode() == ROWS
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=neighbour.bucket)["Contents"]]
    assert [key for key in keys if not key.startswith("results/")] == [KEY]
    assert boto3.client("glue").get_table(DatabaseName=neighbour.database, Name="sales")["Table"]["Name"] == "sales"
    assert "hostile" not in [each["UserName"] for each in boto3.client("iam").list_users()["Users"]]
    assert json.loads((embedded_aws.state / "settings.json").read_text())["secret_key"] == embedded_aws.secret_key


def test_a_learners_own_work_goes_on(outcomes: dict[str, str]) -> None:
    for name in ("health", "identity", "query"):
        assert outcomes[f"allowed: {name}"].startswith("200 "), outcomes[f"allowed: {name}"]
    assert "'42'" in outcomes["allowed: query"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_process_of_the_server_has_the_root_key_in_its_environment(
    outcomes: dict[str, str], embedded_aws: Settings
) -> None:
    """Workers of jobs, of functions, and instances: all of one user here, whoever's code they run."""
    server = psutil.Process(json.loads((embedded_aws.state / "process.json").read_text())["pid"])
    family = [server, *server.children(recursive=True)]
    seen = {each.pid: Path(f"/proc/{each.pid}/environ").read_bytes() for each in family}
    assert len(seen) >= 3
    secrets = (embedded_aws.secret_key.encode(), embedded_aws.access_key.encode(), b"JUPYTER_TOKEN")
    assert [pid for pid, environment in seen.items() if any(secret in environment for secret in secrets)] == []
