"""What a learner left behind: nothing, if the notebooks' clean-up is complete."""

import boto3

LISTS = {
    "forecast": (
        "list_dataset_groups",
        "list_datasets",
        "list_dataset_import_jobs",
        "list_predictors",
        "list_forecasts",
        "list_forecast_export_jobs",
        "list_what_if_analyses",
        "list_what_if_forecasts",
    ),
    "personalize": (
        "list_dataset_groups",
        "list_schemas",
        "list_datasets",
        "list_dataset_import_jobs",
        "list_recommenders",
        "list_filters",
        "list_event_trackers",
    ),
}


def leftovers(learner: dict[str, str]) -> list[str]:
    """ARNs, databases and files of the learner with these settings (storecast.env) that still exist."""
    name = f"lab_{learner['LEARNER']}"
    return [*_arns(f"{name}_"), *_databases(name), *_files(learner)]


def _arns(begin: str) -> list[str]:
    found = []
    for service, operations in LISTS.items():
        client = boto3.client(service)
        for operation in operations:
            for page in client.get_paginator(operation).paginate():
                listed = next(value for value in page.values() if isinstance(value, list))
                arns = {value for each in listed for key, value in each.items() if key.lower().endswith("arn")}
                found += [arn for arn in arns if f"/{begin}" in arn]
    return sorted(set(found))


def _databases(name: str) -> list[str]:
    databases = boto3.client("glue").get_databases()["DatabaseList"]
    return [f"Glue database {each['Name']}" for each in databases if each["Name"] == name]


def _files(learner: dict[str, str]) -> list[str]:
    s3, prefix = boto3.resource("s3"), f"workshop/{learner['LEARNER']}/"
    return [
        f"s3://{bucket}/{each.object_key}"
        for bucket in (learner["DATA_BUCKET"], learner["RESULTS_BUCKET"])
        for each in s3.Bucket(bucket).object_versions.filter(Prefix=prefix)
    ]
