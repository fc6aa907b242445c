"""Runs in a kernel of a notebook instance: what a learner may not do, to another learner and to the account.

NEIGHBOUR stands for the other learner's name; prints an error code, the message of a failed job, or "allowed", for
each call. Runs after learner_makes.py, whose datasets it imports into.
"""

import time
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

env = dict(line.split("=", 1) for line in Path("storecast/storecast.env").read_text().splitlines())
account, region = boto3.client("sts").get_caller_identity()["Account"], boto3.Session().region_name
s3, bucket, neighbour = boto3.client("s3"), env["DATA_BUCKET"], "NEIGHBOUR"
group = f"arn:aws:forecast:{region}:{account}:dataset-group/lab_{neighbour}_sales"
forecast, personalize = boto3.client("forecast"), boto3.client("personalize")
theirs, own = f"s3://{bucket}/workshop/{neighbour}", f"lab_{env['LEARNER']}"


def forecast_imports() -> str:
    """The message of an import of the neighbour's file, under the role that this learner passes."""
    job = forecast.create_dataset_import_job(
        DatasetImportJobName=f"{own}_theirs",
        DatasetArn=f"arn:aws:forecast:{region}:{account}:dataset/{own}_sales",
        TimestampFormat="yyyy-MM-dd",
        DataSource={"S3Config": {"Path": f"{theirs}/sales.csv", "RoleArn": env["FORECAST_ROLE_ARN"]}},
    )["DatasetImportJobArn"]
    while (found := forecast.describe_dataset_import_job(DatasetImportJobArn=job))["Status"] != "CREATE_FAILED":
        if found["Status"] == "ACTIVE":
            return "allowed"
        time.sleep(0.1)
    return found["Message"]


def personalize_imports() -> str:
    """Likewise. List gives the job's state: a learner may not describe it."""
    personalize.create_dataset_import_job(
        jobName=f"{own}_theirs",
        datasetArn=f"arn:aws:personalize:{region}:{account}:dataset/{own}_shop/INTERACTIONS",
        dataSource={"dataLocation": f"{theirs}/events.csv"},
        roleArn=env["PERSONALIZE_ROLE_ARN"],
    )
    while True:
        jobs = personalize.list_dataset_import_jobs()["datasetImportJobs"]
        [found] = [each for each in jobs if each["jobName"] == f"{own}_theirs"]
        if found["status"] in ("ACTIVE", "CREATE FAILED"):
            return found.get("failureReason", "allowed")
        time.sleep(0.1)


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
        found = call()
        print(found if isinstance(found, str) else "allowed")
    except ClientError as error:
        print(error.response["Error"]["Code"])
