"""Runs in a kernel of a notebook instance: what a learner may not do, to another learner and to the account.

NEIGHBOUR stands for the other learner's name; prints an error, or "allowed", for each call. Runs after
learner_makes.py, whose datasets it imports into.
"""

from pathlib import Path

import boto3
from botocore.exceptions import ClientError

env = dict(line.split("=", 1) for line in Path("storecast/storecast.env").read_text().splitlines())
account, region = boto3.client("sts").get_caller_identity()["Account"], boto3.Session().region_name
s3, bucket, neighbour = boto3.client("s3"), env["DATA_BUCKET"], "NEIGHBOUR"
group = f"arn:aws:forecast:{region}:{account}:dataset-group/lab_{neighbour}_sales"
forecast, personalize = boto3.client("forecast"), boto3.client("personalize")
theirs, own = f"s3://{bucket}/workshop/{neighbour}", f"lab_{env['LEARNER']}"


def forecast_imports() -> None:
    """The neighbour's file, under the role that this learner passes."""
    forecast.create_dataset_import_job(
        DatasetImportJobName=f"{own}_theirs",
        DatasetArn=f"arn:aws:forecast:{region}:{account}:dataset/{own}_sales",
        TimestampFormat="yyyy-MM-dd",
        DataSource={"S3Config": {"Path": f"{theirs}/sales.csv", "RoleArn": env["FORECAST_ROLE_ARN"]}},
    )


def personalize_imports() -> None:
    personalize.create_dataset_import_job(
        jobName=f"{own}_theirs",
        datasetArn=f"arn:aws:personalize:{region}:{account}:dataset/{own}_shop/INTERACTIONS",
        dataSource={"dataLocation": f"{theirs}/events.csv"},
        roleArn=env["PERSONALIZE_ROLE_ARN"],
    )


for call in (
    lambda: s3.get_object(Bucket=bucket, Key=f"workshop/{neighbour}/sales.csv"),
    lambda: s3.put_object(Bucket=bucket, Key=f"workshop/{neighbour}/mine.csv", Body=b""),
    lambda: forecast.delete_dataset_group(DatasetGroupArn=group),
    lambda: personalize.create_dataset_group(name=f"lab_{neighbour}_more", domain="ECOMMERCE"),
    lambda: boto3.client("sagemaker").stop_notebook_instance(NotebookInstanceName=f"storecast-{neighbour}"),
    lambda: boto3.client("iam").list_roles(),
    forecast_imports,
    personalize_imports,
):
    try:
        call()
        print("allowed")
    except ClientError as error:
        print(error)
