"""Data deletion jobs: all records of the users that a file lists leave a group's datasets (API_CreateDataDeletionJob).

What was trained before keeps what it learnt, as on AWS until the next training.
"""

from functools import partial

from localaws.errors import invalid
from localaws.jobs import Result
from localaws.registration import Context
from localaws.services.personalize.access import READ, check_readable, s3_access
from localaws.services.personalize.datasets import dataset_private, group_datasets, stream_of
from localaws.services.personalize.jobs.data_deletions import DeleteUsers, delete_users
from localaws.services.personalize.private import DeletionPrivate
from localaws.services.personalize.resource_types import PERSONALIZE

OF_USERS = ("INTERACTIONS", "USERS")


def create_data_deletion_job(context: Context, params: dict) -> dict:
    group = PERSONALIZE.get(context, "DatasetGroup", params["datasetGroupArn"], active=True)
    location = params["dataSource"].get("dataLocation")
    if not location or not location.startswith("s3://"):
        raise invalid(f"Invalid Data location. {location!r} is not an s3:// path.")
    name = context.arn("personalize", f"data-deletion-job/{params['jobName']}")
    check_readable(context, params["roleArn"], location, name)
    job = PERSONALIZE.create(context, "DataDeletionJob", params)
    datasets = [each for kind, each in group_datasets(context, group.arn).items() if kind in OF_USERS]
    files = [file for each in datasets for file in dataset_private(each).get("files", [])]

    def replace_data(result: Result) -> None:
        """What was imported meanwhile stays: the job read the files that were there when it began."""
        found: DeletionPrivate = result.private  # type: ignore[assignment]
        for dataset in group_datasets(context, group.arn).values():
            if dataset.record["datasetType"] not in OF_USERS:
                continue
            kept = [found["rewritten"].get(file, file) for file in dataset_private(dataset).get("files", [])]
            PERSONALIZE.keep(context, dataset.arn, files=kept)
            result.record["numDeleted"] += stream_of(context, dataset).remove_users(set(found["users"]))
        result.private = {}  # the list of users was to be forgotten too

    context.jobs.submit(
        job.arn,
        delete_users,
        DeleteUsers(location, files, job.name),
        access=partial(s3_access, context, job, [(READ, location)], "data deletion job"),
        then=replace_data,
    )
    return {"dataDeletionJobArn": job.arn}
