"""The AWS CLI as a client, with nothing but the environment that `localaws env` prints."""

import json
import os
import subprocess
import sys
from pathlib import Path

from localaws.settings import Settings
from tests.contract.helpers import unique

AWS = Path(sys.executable).parent / "aws"


def aws(*arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "AWS_PAGER": ""}
    return subprocess.run([AWS, *arguments, "--output", "json"], capture_output=True, text=True, env=environment)


def test_the_cli_creates_and_lists(embedded_aws: Settings, forecast) -> None:
    name = unique("cli")
    made = aws("forecast", "create-dataset-group", "--dataset-group-name", name, "--domain", "CUSTOM")
    assert made.returncode == 0, made.stderr
    arn = json.loads(made.stdout)["DatasetGroupArn"]
    listed = json.loads(aws("forecast", "list-dataset-groups").stdout)["DatasetGroups"]
    assert arn in [each["DatasetGroupArn"] for each in listed]
    forecast.delete_dataset_group(DatasetGroupArn=arn)
    again = aws("forecast", "describe-dataset-group", "--dataset-group-arn", arn + "x")
    assert again.returncode != 0 and "ResourceNotFoundException" in again.stderr
