"""Exports of a dataset's records to Amazon S3 (export-data.md)."""

from functools import partial
from pathlib import Path

from localaws.registration import Context
from localaws.services.personalize.access import WRITE, s3_access
from localaws.services.personalize.api.datasets import data_files
from localaws.services.personalize.resource_types import create, get, invalid
from localaws.services.personalize.streams import FILE


def create_export(context: Context, params: dict) -> dict:
    """BULK exports what was imported, PUT (the default) what was put record by record, ALL both."""
    dataset = get(context, "Dataset", params["datasetArn"], active=True)
    path = params["jobOutput"]["s3DataDestination"]["path"]
    if not path.startswith("s3://"):
        raise invalid(f"Invalid S3 output path. {path!r} is not an s3:// path.")
    mode = params.get("ingestionMode", "PUT")
    job = create(context, "DatasetExportJob", params | {"ingestionMode": mode})
    files, kind = data_files(context, dataset), dataset.record["datasetType"]
    context.jobs.submit(
        job.arn,
        "localaws.services.personalize.jobs.training:export_dataset",
        {
            "access": partial(s3_access, context, job, [(WRITE, path)], f"data export job for {kind} dataset"),
            "path": path,
            "name": f"{job.name}.csv",
            "files": [file for file in files if mode == "ALL" or (Path(file).name == FILE) == (mode == "PUT")],
            "schema_text": context.store.get(dataset.record["schemaArn"]).record["schema"],
            "newest_only": mode == "ALL",
        },
    )
    return {"datasetExportJobArn": job.arn}
