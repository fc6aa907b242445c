"""A SageMaker notebook instance and its lifecycle configuration, from creation to deletion."""

import base64
import json
import re
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import boto3
import nbformat
import pytest

from infra.hours import NOTEBOOK_INSTANCE
from localaws.settings import Settings
from tests.contract.clients import client, refused
from tests.contract.clock import clock
from tests.contract.helpers import ACCOUNT, eventually, gone, role, statement, trust, unique, user, whole_bucket
from tests.recordings import message
from workshop import public
from workshop.jupyter import Lab

ON_CREATE = """#!/bin/bash
echo once >> /home/ec2-user/SageMaker/created.txt
"""
ON_START = """#!/bin/bash
set -e
aws s3 cp s3://{bucket}/hello.txt /tmp/hello.txt
sudo -u ec2-user cp /tmp/hello.txt /home/ec2-user/SageMaker/hello.txt
aws sts get-caller-identity --query Arn --output text >> /home/ec2-user/SageMaker/started.txt
nohup sleep 1000 > /dev/null 2>&1 &
if touch {outside}/was-here; then exit 1; fi
"""
STOP_WHEN_IDLE = (Path(__file__).parents[2] / "infra" / "lifecycle" / "stop_when_idle.py").read_text()
WATCHED = """#!/bin/bash
cat > /opt/ml/stop_when_idle.py <<'END'
{script}
END
nohup python3 /opt/ml/stop_when_idle.py {name} us-east-1 0.05 > /tmp/log 2>&1 &
"""
KERNEL = """
import boto3, json, os, sys
from botocore.exceptions import ClientError
s3, seen = boto3.client("s3"), {{"python": sys.prefix, "environment": sorted(n for n in os.environ if "AWS" in n)}}
seen["arn"] = boto3.client("sts").get_caller_identity()["Arn"]
seen["hello"] = s3.get_object(Bucket="{bucket}", Key="hello.txt")["Body"].read().decode()
try:
    s3.put_object(Bucket="{bucket}", Key="mine", Body=b"")
except ClientError as error:
    seen["denied"] = str(error)
try:
    open("{outside}/was-here", "w")
except OSError as error:
    seen["fenced"] = str(error)
try:
    open("{state}/settings.json")
except OSError as error:
    seen["secret"] = str(error)
explicit = {{"region_name": "us-east-1", "endpoint_url": "https://{{}}.us-east-1.amazonaws.com"}}
def at(service, name):
    return boto3.client(service, **explicit | {{"endpoint_url": explicit["endpoint_url"].format(name)}})
seen["sts"] = at("sts", "sts").get_caller_identity()["Arn"]
seen["s3"] = at("s3", "s3").get_object(Bucket="{bucket}", Key="hello.txt")["Body"].read().decode()
try:
    at("sagemaker", "api.sagemaker").list_notebook_instances()
except ClientError as error:
    seen["sagemaker"] = str(error)
with open('/opt/ml/metadata/resource-metadata.json') as about:
    seen["instance"] = json.load(about)["ResourceName"]
print(json.dumps(seen))
"""


def config(sagemaker, **scripts: str) -> str:
    """A new lifecycle configuration; answers its name."""
    name = unique("config").replace("_", "-")
    sagemaker.create_notebook_instance_lifecycle_config(
        NotebookInstanceLifecycleConfigName=name,
        **{hook: [{"Content": base64.b64encode(text.encode()).decode()}] for hook, text in scripts.items()},
    )
    return name


def create(sagemaker, lifecycle: str, role_arn: str) -> str:
    name = unique("notebook").replace("_", "-")
    sagemaker.create_notebook_instance(
        NotebookInstanceName=name,
        InstanceType="ml.t3.medium",
        RoleArn=role_arn,
        LifecycleConfigName=lifecycle,
        Tags=[{"Key": "project", "Value": "storecast"}],
    )
    return name


def status(sagemaker, name: str) -> str:
    return sagemaker.describe_notebook_instance(NotebookInstanceName=name)["NotebookInstanceStatus"]


def becomes(sagemaker, name: str, wanted: str) -> None:
    seen = eventually(lambda: status(sagemaker, name), lambda now: now in (wanted, "Failed"))
    assert seen == wanted, sagemaker.describe_notebook_instance(NotebookInstanceName=name)


def lab(sagemaker, name: str) -> Lab:
    return Lab(sagemaker.create_presigned_notebook_instance_url(NotebookInstanceName=name)["AuthorizedUrl"])


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outside")


@pytest.fixture(scope="module")
def bucket(embedded_aws) -> str:
    s3, name = boto3.client("s3"), unique("instance").replace("_", "-")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="hello.txt", Body=b"from S3")
    return name


@pytest.fixture(scope="module")
def lifecycle(sagemaker, bucket: str, outside: Path) -> str:
    return config(sagemaker, OnCreate=ON_CREATE, OnStart=ON_START.format(bucket=bucket, outside=outside))


@pytest.fixture(scope="module")
def notebook(sagemaker, lifecycle: str, bucket: str) -> Iterator[str]:
    """An instance in service; stopped and deleted afterwards."""
    rights = statement("s3:GetObject", "s3:ListBucket", on=whole_bucket(bucket))
    name = create(sagemaker, lifecycle, role("sagemaker", rights))
    becomes(sagemaker, name, "InService")
    yield name
    sagemaker.stop_notebook_instance(NotebookInstanceName=name)
    becomes(sagemaker, name, "Stopped")
    sagemaker.delete_notebook_instance(NotebookInstanceName=name)
    gone(sagemaker.describe_notebook_instance, NotebookInstanceName=name)
    sagemaker.delete_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=lifecycle)


def test_a_notebook_is_described(sagemaker, notebook: str, lifecycle: str) -> None:
    found = sagemaker.describe_notebook_instance(NotebookInstanceName=notebook)
    assert found["InstanceType"] == "ml.t3.medium" and found["VolumeSizeInGB"] == 5
    assert found["NotebookInstanceLifecycleConfigName"] == lifecycle
    assert found["NotebookInstanceArn"].endswith(f":notebook-instance/{notebook}")
    listed = sagemaker.list_notebook_instances(NameContains=notebook, StatusEquals="InService")["NotebookInstances"]
    assert [each["NotebookInstanceName"] for each in listed] == [notebook]
    assert sagemaker.list_notebook_instances(NameContains=notebook, StatusEquals="Stopped")["NotebookInstances"] == []


def test_its_presigned_url_opens_jupyterlab(sagemaker, notebook: str) -> None:
    opened = lab(sagemaker, notebook)
    assert opened.url.startswith("http://127.0.0.1:")
    assert "<title>JupyterLab</title>" in opened.page()
    kernels = opened.api("kernelspecs")["kernelspecs"]
    for name in ("conda_python3", "python3"):
        assert "/artifacts/" in kernels[name]["spec"]["argv"][0], "a kernel is the instance's own Python"
    opened.token = "guessed"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        opened.api("contents")


@pytest.mark.parametrize("path", ["..%2F..%2F..%2FOnStart.log", "%2Fetc%2Fpasswd", "a%2F..%2F..%2Fjupyter.log", "%00"])
def test_its_contents_are_those_of_its_volume_alone(sagemaker, notebook: str, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="HTTP Error 40[034]"):
        lab(sagemaker, notebook).api(f"contents/{path}")


def test_a_network_of_ones_own_takes_a_subnet(sagemaker) -> None:
    instance = {"InstanceType": "ml.t3.medium", "RoleArn": role("sagemaker")}
    for network in ({"DirectInternetAccess": "Disabled"}, {"SecurityGroupIds": ["sg-0123abcd"]}):
        name = unique("closed").replace("_", "-")
        refused("ValidationException", sagemaker.create_notebook_instance, "SubnetId",
                NotebookInstanceName=name, **instance, **network)  # fmt: skip


def test_its_lifecycle_scripts_have_run_in_its_own_folder(sagemaker, notebook: str, outside: Path) -> None:
    opened = lab(sagemaker, notebook)
    assert opened.file("created.txt") == "once\n" and opened.file("hello.txt") == "from S3"
    assert ":assumed-role/" in opened.file("started.txt")
    assert list(outside.iterdir()) == []


def test_a_kernel_reaches_aws_as_the_role_and_nothing_outside(
    sagemaker, notebook: str, bucket: str, outside: Path, embedded_aws: Settings
) -> None:
    code = KERNEL.format(bucket=bucket, outside=outside, state=embedded_aws.state)
    seen = json.loads(lab(sagemaker, notebook).run(code))
    found = sagemaker.describe_notebook_instance(NotebookInstanceName=notebook)
    assert seen["arn"].endswith(f":assumed-role/{found['RoleArn'].rpartition('/')[2]}/sagemaker")
    assert seen["hello"] == "from S3"
    assert "AccessDenied" in seen["denied"] and "PutObject" in seen["denied"]
    assert "Permission denied" in seen["fenced"] and list(outside.iterdir()) == []
    assert "Permission denied" in seen["secret"], "there lies the root user's key"
    assert seen["environment"] == [], "no variable tells a notebook where it runs"
    assert (seen["sts"], seen["s3"]) == (seen["arn"], "from S3"), "the names of AWS's endpoints lead there, too"
    assert "AccessDenied" in seen["sagemaker"] and "ListNotebookInstances" in seen["sagemaker"]
    assert seen["instance"] == notebook, "SageMaker's folders are those of the instance"
    assert "/artifacts/" in seen["python"], "what a notebook installs goes to the instance"


def test_a_notebook_of_others_runs_to_its_first_error(sagemaker, notebook: str, bucket: str, tmp_path: Path) -> None:
    """As `python -m workshop.public` runs it: nothing is installed, nothing waits for long, the rest is as written."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "value.txt").write_text("41")
    cells = [
        "%%bash\npip install nothing-of-that-name",
        "!pip install nothing-of-that-name\nimport time, boto3",
        "time.sleep(100_000)\nvalue = int(open('value.txt').read()) + 1",
        "bucket_name = 'input your existing S3 bucket name'\nassert bucket_name == input('S3 bucket name: ')",
        "print(value, boto3.client('s3').get_object(Bucket=bucket_name, Key='hello.txt')['Body'].read().decode())",
        "",
        "1 / 0",
        "print('never')",
    ]
    path = tmp_path / "lab" / "one.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in cells]), path)
    opened = lab(sagemaker, notebook)
    opened.upload(tmp_path, "others")
    reader = {"BUCKET": bucket, "ROLE": "arn:aws:iam::1:role/r"}
    found, executed = public.run(opened, path, "others/lab/one.ipynb", reader, 0.0001, 60)
    assert (found.cells, found.ran, found.error) == (7, 5, "cell 6: ZeroDivisionError: division by zero")
    assert executed.cells[4].outputs[0].text == "42 from S3\n"
    assert "| others/lab/one.ipynb | 5/7 | cell 6: ZeroDivisionError: division by zero |" in public.table([found])


def test_a_notebook_is_stopped_by_the_clock_changed_and_started_and_keeps_its_files(
    sagemaker, notebook: str, lifecycle: str
) -> None:
    update, start = sagemaker.update_notebook_instance, sagemaker.start_notebook_instance
    name = {"NotebookInstanceName": notebook}
    refused("ValidationException", update, "InService", **name, InstanceType="ml.t3.large")
    expected = _recorded("StartNotebookInstance", "(Stopping)", notebook).replace("Stopping", "InService")
    assert refused("ValidationException", start, **name) == expected
    refused("ValidationException", sagemaker.delete_notebook_instance, "InService", **name)
    opened = lab(sagemaker, notebook)
    opened.api("contents/work.txt", "PUT", {"type": "file", "format": "text", "content": "an hour's work"})
    there = sagemaker.describe_notebook_instance(**name)
    passing = statement("iam:PassRole", on=there["RoleArn"])
    run = clock(NOTEBOOK_INSTANCE, notebook, on=there["NotebookInstanceArn"], starting=(passing,))
    run("stop")
    becomes(sagemaker, notebook, "Stopped")
    with pytest.raises(urllib.error.URLError):
        opened.page()
    refused("ValidationException", sagemaker.create_presigned_notebook_instance_url, "Stopped", **name)
    expected = _recorded("StopNotebookInstance", "(Pending)", notebook).replace("Pending", "Stopped")
    assert refused("ValidationException", sagemaker.stop_notebook_instance, **name) == expected
    update(**name, InstanceType="ml.t3.large", DisassociateLifecycleConfig=True)
    found = sagemaker.describe_notebook_instance(**name)
    assert found["InstanceType"] == "ml.t3.large" and "NotebookInstanceLifecycleConfigName" not in found
    refused("ValidationException", update, "RecordNotFound", "nothing", **name, LifecycleConfigName="nothing")
    update(**name, LifecycleConfigName=lifecycle)
    starting = client("sagemaker", user(statement("sagemaker:*")))
    refused("AccessDeniedException", starting.start_notebook_instance, "iam:PassRole", **name)
    run("start")
    becomes(sagemaker, notebook, "InService")
    opened = lab(sagemaker, notebook)
    assert opened.file("work.txt") == "an hour's work"
    assert len(opened.file("started.txt").splitlines()) == 2 and opened.file("created.txt") == "once\n"


def _recorded(operation: str, status: str, notebook: str) -> str:
    """The recorded text of what a status does not allow, for this notebook instance."""
    text = message("sagemaker", operation, "ValidationException", f"Status {status}")
    return re.sub(r"arn:.*/example", f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:notebook-instance/{notebook}", text)


def test_a_script_that_fails_fails_the_instance(sagemaker) -> None:
    name = create(sagemaker, config(sagemaker, OnStart="echo no such bucket; exit 3"), role("sagemaker"))
    assert eventually(lambda: status(sagemaker, name), lambda now: now != "Pending") == "Failed"
    reason = sagemaker.describe_notebook_instance(NotebookInstanceName=name)["FailureReason"]
    assert "OnStart failed with exit code 3: no such bucket" in reason
    sagemaker.delete_notebook_instance(NotebookInstanceName=name)
    gone(sagemaker.describe_notebook_instance, NotebookInstanceName=name)


def test_a_stack_waits_for_its_instance_and_fails_with_its_reason(sagemaker) -> None:
    name = unique("stack").replace("_", "-")
    instance = {
        "InstanceType": "ml.t3.medium",
        "RoleArn": role("sagemaker"),
        "NotebookInstanceName": name,
        "LifecycleConfigName": config(sagemaker, OnCreate="echo no such bucket; exit 3"),
    }
    template = {"Resources": {"Notebook": {"Type": "AWS::SageMaker::NotebookInstance", "Properties": instance}}}
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    eventually(
        lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"],
        lambda now: now == "ROLLBACK_COMPLETE",
    )
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    assert any("no such bucket" in event.get("ResourceStatusReason", "") for event in events)
    assert sagemaker.list_notebook_instances(NameContains=name)["NotebookInstances"] == []
    cloudformation.delete_stack(StackName=name)


def test_a_config_is_changed_and_stays_while_it_is_in_use(sagemaker, notebook: str, lifecycle: str) -> None:
    name = {"NotebookInstanceLifecycleConfigName": lifecycle}
    script = [{"Content": base64.b64encode(b"echo again").decode()}]
    sagemaker.update_notebook_instance_lifecycle_config(**name, OnCreate=script)
    found = sagemaker.describe_notebook_instance_lifecycle_config(**name)
    assert found["OnCreate"] == script != found["OnStart"]
    bad = [{"Content": "no base64!"}]
    refused("ValidationException", sagemaker.update_notebook_instance_lifecycle_config, "OnStart", **name, OnStart=bad)
    refused("ValidationException", sagemaker.delete_notebook_instance_lifecycle_config, notebook, **name)
    listed = sagemaker.list_notebook_instance_lifecycle_configs(NameContains=lifecycle)
    assert len(listed["NotebookInstanceLifecycleConfigs"]) == 1


def test_tags(sagemaker, notebook: str) -> None:
    arn = sagemaker.describe_notebook_instance(NotebookInstanceName=notebook)["NotebookInstanceArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "dataset", "Value": "grocery"}])
    expected = [{"Key": "dataset", "Value": "grocery"}, {"Key": "project", "Value": "storecast"}]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == expected
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["project"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == expected[:1]
    refused("ValidationException", sagemaker.add_tags, "x", ResourceArn=arn + "x", Tags=expected)


def test_a_notebook_that_cannot_be_made(sagemaker, notebook: str) -> None:
    create = sagemaker.create_notebook_instance
    good = {"NotebookInstanceName": notebook, "InstanceType": "ml.t3.medium", "RoleArn": role("sagemaker")}
    refused("ValidationException", create, notebook, "exists", **good)
    other = good | {"NotebookInstanceName": "other"}
    refused("ValidationException", create, "RecordNotFound", "nothing", **other, LifecycleConfigName="nothing")
    distrusted = role("forecast")
    refused("ValidationException", create, "assume", distrusted, **{**other, "RoleArn": distrusted})
    refused("ValidationException", create, "instanceType", "ml.t9.huge", **{**other, "InstanceType": "ml.t9.huge"})
    refused("ValidationException", sagemaker.describe_notebook_instance, "other", NotebookInstanceName="other")


def test_an_idle_instance_stops_by_the_script_that_the_workshop_brings(sagemaker) -> None:
    name = unique("notebook").replace("_", "-")
    sagemaker.create_notebook_instance(
        NotebookInstanceName=name,
        InstanceType="ml.t3.medium",
        RoleArn=role("sagemaker", statement("sagemaker:StopNotebookInstance")),
        LifecycleConfigName=config(sagemaker, OnStart=WATCHED.format(script=STOP_WHEN_IDLE, name=name)),
    )
    becomes(sagemaker, name, "Stopped")
    sagemaker.delete_notebook_instance(NotebookInstanceName=name)


def test_a_role_that_lost_sagemakers_trust_fails_the_next_start(sagemaker) -> None:
    arn = role("sagemaker")
    name = create(sagemaker, config(sagemaker, OnStart="exit 1"), arn)
    becomes(sagemaker, name, "Failed")
    boto3.client("iam").update_assume_role_policy(RoleName=arn.rpartition("/")[2], PolicyDocument=trust("forecast"))
    sagemaker.start_notebook_instance(NotebookInstanceName=name)
    reason = eventually(
        lambda: sagemaker.describe_notebook_instance(NotebookInstanceName=name).get("FailureReason", "")
    )
    assert "sagemaker.amazonaws.com is not authorized to perform: sts:AssumeRole" in reason
    sagemaker.delete_notebook_instance(NotebookInstanceName=name)
