"""Runs in a kernel of a notebook instance: what a learner makes and leaves behind, in both services, S3 and Glue."""

import json
from pathlib import Path

import boto3

env = dict(line.split("=", 1) for line in Path("storecast/storecast.env").read_text().splitlines())
names, folder = f"lab_{env['LEARNER']}", f"workshop/{env['LEARNER']}/"
forecast, personalize = boto3.client("forecast"), boto3.client("personalize")

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
personalize.create_schema(name=f"{names}_events", domain="ECOMMERCE", schema=json.dumps(schema))
personalize.create_dataset_group(name=f"{names}_shop", domain="ECOMMERCE")
boto3.client("glue").create_database(DatabaseInput={"Name": names})
print("made")
