"""Runs in a kernel of a notebook instance: what a learner makes and leaves behind, in both services, S3 and Glue."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import boto3

env = dict(line.split("=", 1) for line in Path("storecast/storecast.env").read_text().splitlines())
names, folder = f"lab_{env['LEARNER']}", f"workshop/{env['LEARNER']}/"
forecast, personalize = boto3.client("forecast"), boto3.client("personalize")


def settled(listing: Callable[[], dict], member: str) -> None:
    while any(each["status"] != "ACTIVE" for each in listing()[member] if names in str(each)):
        time.sleep(0.1)


attributes = [("item_id", "string"), ("timestamp", "timestamp"), ("demand", "float")]
dataset = forecast.create_dataset(
    DatasetName=f"{names}_sales",
    Domain="RETAIL",
    DatasetType="TARGET_TIME_SERIES",
    DataFrequency="D",
    Schema={"Attributes": [{"AttributeName": name, "AttributeType": kind} for name, kind in attributes]},
)["DatasetArn"]
forecast.create_dataset_group(DatasetGroupName=f"{names}_sales", Domain="RETAIL", DatasetArns=[dataset])
lines = "".join(f"milk,2026-01-{day:02},{day}\n" for day in range(1, 29))
boto3.client("s3").put_object(Bucket=env["DATA_BUCKET"], Key=f"{folder}sales.csv", Body=lines)
path = f"s3://{env['DATA_BUCKET']}/{folder}sales.csv"
forecast.create_dataset_import_job(
    DatasetImportJobName=f"{names}_sales",
    DatasetArn=dataset,
    TimestampFormat="yyyy-MM-dd",
    DataSource={"S3Config": {"Path": path, "RoleArn": env["FORECAST_ROLE_ARN"]}},
)

columns = {"USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long", "EVENT_TYPE": "string"}
schema = {
    "type": "record",
    "name": "Interactions",
    "namespace": "com.amazonaws.personalize.schema",
    "fields": [{"name": name, "type": kind} for name, kind in columns.items()],
    "version": "1.0",
}
schema = personalize.create_schema(name=f"{names}_events", domain="ECOMMERCE", schema=json.dumps(schema))["schemaArn"]
shop = personalize.create_dataset_group(name=f"{names}_shop", domain="ECOMMERCE")["datasetGroupArn"]
settled(personalize.list_dataset_groups, "datasetGroups")
events = personalize.create_dataset(
    name=f"{names}_events", schemaArn=schema, datasetGroupArn=shop, datasetType="Interactions"
)["datasetArn"]
settled(personalize.list_datasets, "datasets")
lines = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n" + "".join(
    f"u{at % 30},i{at % 20},{1_760_000_000 + at},View\n" for at in range(1000)
)
boto3.client("s3").put_object(Bucket=env["DATA_BUCKET"], Key=f"{folder}events.csv", Body=lines)
personalize.create_dataset_import_job(
    jobName=f"{names}_events",
    datasetArn=events,
    dataSource={"dataLocation": f"s3://{env['DATA_BUCKET']}/{folder}events.csv"},
    roleArn=env["PERSONALIZE_ROLE_ARN"],
)
settled(personalize.list_dataset_import_jobs, "datasetImportJobs")
personalize.create_event_tracker(name=f"{names}_tracker", datasetGroupArn=shop)
viewed = 'INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("View")'
personalize.create_filter(name=f"{names}_viewed", datasetGroupArn=shop, filterExpression=viewed)
popular = "arn:aws:personalize:::recipe/aws-ecomm-popular-items-by-views"
personalize.create_recommender(name=f"{names}_viewed", recipeArn=popular, datasetGroupArn=shop)
boto3.client("s3").put_object(Bucket=env["RESULTS_BUCKET"], Key=f"{folder}export/part0.csv", Body=b"milk,1")
boto3.client("glue").create_database(DatabaseInput={"Name": names})
print("made")
