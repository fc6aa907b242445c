"""Runs in a kernel of a notebook instance: what a learner may not do, to another learner and to the account.

NEIGHBOUR stands for the other learner's name; prints an error code, or "allowed", for each call.
"""

from pathlib import Path

import boto3
from botocore.exceptions import ClientError

env = dict(line.split("=", 1) for line in Path("storecast/storecast.env").read_text().splitlines())
account, region = boto3.client("sts").get_caller_identity()["Account"], boto3.Session().region_name
s3, bucket, neighbour = boto3.client("s3"), env["DATA_BUCKET"], "NEIGHBOUR"
group = f"arn:aws:forecast:{region}:{account}:dataset-group/lab_{neighbour}_sales"
for call in (
    lambda: s3.get_object(Bucket=bucket, Key=f"workshop/{neighbour}/sales.csv"),
    lambda: s3.put_object(Bucket=bucket, Key=f"workshop/{neighbour}/mine.csv", Body=b""),
    lambda: boto3.client("forecast").delete_dataset_group(DatasetGroupArn=group),
    lambda: boto3.client("personalize").create_dataset_group(name=f"lab_{neighbour}_more", domain="ECOMMERCE"),
    lambda: boto3.client("sagemaker").stop_notebook_instance(NotebookInstanceName=f"storecast-{neighbour}"),
    lambda: boto3.client("iam").list_roles(),
):
    try:
        call()
        print("allowed")
    except ClientError as error:
        print(error.response["Error"]["Code"])
