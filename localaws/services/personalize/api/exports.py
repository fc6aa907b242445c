"""Exports of a dataset's records to Amazon S3 (docs/aws-sources.md#personalize-export-data)."""

from functools import partial
from pathlib import Path

from localaws.errors import invalid
from localaws.registration import Context
from localaws.services.personalize.access import WRITE, s3_access
from localaws.services.personalize.datasets import bulk_dataset, data_files, schema_text
from localaws.services.personalize.jobs.exports import ExportDataset, export_dataset
from localaws.services.personalize.resource_types import PERSONALIZE
from localaws.services.personalize.streams import FILE


def create_export(context: Context, params: dict) -> dict:
    """BULK exports what was imported, PUT (the default) what was put record by record, ALL both."""
    dataset = bulk_dataset(context, params["datasetArn"])
    path = params["jobOutput"]["s3DataDestination"]["path"]
    if not path.startswith("s3://"):
        raise invalid(f"Invalid S3 output path. {path!r} is not an s3:// path.")
    mode = params.get("ingestionMode", "PUT")
    job = PERSONALIZE.create(context, "DatasetExportJob", params | {"ingestionMode": mode})
    files, kind = data_files(context, dataset), dataset.record["datasetType"]
    wanted = [file for file in files if mode == "ALL" or (Path(file).name == FILE) == (mode == "PUT")]
    context.jobs.submit(
        job.arn,
        export_dataset,
        ExportDataset(path, f"{job.name}.csv", wanted, schema_text(context, dataset), newest_only=mode == "ALL"),
        access=partial(s3_access, context, job, [(WRITE, path)], f"data export job for {kind} dataset"),
    )
    return {"datasetExportJobArn": job.arn}
