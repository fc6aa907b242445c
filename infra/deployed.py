"""What a deploy or a destroy of a dataset must do first, because of how it is deployed: `python -m infra.deployed`.

CloudFormation refuses to remove what another stack imports, and the CDK reaches only the stacks of the config at hand:
a pipeline whose section has left the config would keep both the deploy and itself.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError, WaiterError

from infra import config
from infra.config import ConfigError, Pipeline
from infra.tables import columns

_NEXT = (
    "Next: choose the account, by AWS_PROFILE or the variables of your credentials and AWS_REGION; for the embedded "
    'AWS by eval "$(storecast local env)".'
)
_DATA = Path(__file__).resolve().parent.parent / "data"
_PIPELINES = ("forecasting", "recommending")
# of Personalize, by default (docs/aws-sources.md#personalize-limits)
_GROUPS_OF_A_REGION, _RECOMMENDERS_OF_A_REGION = 5, 15
_GONE = {"Delay": 5, "MaxAttempts": 840}  # of the waiter: the clean-up has an hour, a second try may follow


def delete_leftovers(settings: Pipeline, cloudformation: Any) -> list[str]:
    """Delete the stacks of pipelines that the config no longer has, with what their runs made, and return their names.
    The data and the results stay: they are in the buckets of another stack."""
    left = [
        name
        for pipeline in _PIPELINES
        if getattr(settings, pipeline) is None and _exists(cloudformation, name := _stack(settings, pipeline))
    ]
    for name in left:
        print(f"{name}: its section is not in pipeline.yaml any more; deleting it, the data in the buckets stay")
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=_GONE)
    return left


def check_key(settings: Pipeline, cloudformation: Any) -> None:
    """What is in the buckets, and the datasets of Forecast and Personalize, keep the key that they were made with.

    Raises ConfigError if the app is deployed with another setting of customer_managed_key.
    """
    name = _stack(settings, "storage")
    if not _exists(cloudformation, name):
        return
    template = cloudformation.get_template(StackName=name)["TemplateBody"]
    keyed = "aws:kms" in str(template)
    if keyed != settings.customer_managed_key:
        there, wanted = str(keyed).lower(), str(settings.customer_managed_key).lower()
        raise ConfigError(
            f"{settings.dataset}: customer_managed_key = {wanted} in pipeline.yaml, and deployed is {there}: "
            "Forecast, Personalize and the files in the buckets keep the key that they were made with. Set it back to "
            f"{there}; or run make destroy, then make deploy with {wanted}, and upload the files again (with purpose: "
            "production the old buckets and their key stay, to copy from; with purpose: workshop they are deleted)."
        )


def check_engine(settings: Pipeline, cloudformation: Any) -> None:
    """Raises ConfigError if the app is deployed with another engine: neither can read what the other has made, and the
    stacks export roles to each other that an update cannot take away."""
    name, section = _stack(settings, "forecasting"), settings.forecasting
    if section is None or not _exists(cloudformation, name):
        return
    resources = cloudformation.get_template(StackName=name)["TemplateBody"]["Resources"].values()
    there = "storecast" if any(each["Type"] == "AWS::Glue::Job" for each in resources) else "amazon-forecast"
    if there != section.engine:
        raise ConfigError(
            f"{settings.dataset}: forecasting.engine = {section.engine} in pipeline.yaml, and deployed is {there}. Set "
            f"it back to {there}; or run make destroy, then make deploy with {section.engine}, and upload the files "
            "again (with purpose: production the old buckets stay, to copy from; with purpose: workshop they go)."
        )


def check_tables(settings: Pipeline, cloudformation: Any) -> None:
    """A table of Athena over CSV files knows columns by their places, in the files of earlier runs too.

    Raises ConfigError for kinds of forecast that are deployed with other columns. What becomes of the table of a kind
    that has left the config is printed.
    """
    name, section = _stack(settings, "forecasting"), settings.forecasting
    if section is None or not _exists(cloudformation, name):
        return
    problems = []
    for table, there in _tables(cloudformation.get_template(StackName=name)["TemplateBody"]).items():
        if table not in section.forecasts:
            print(
                f"{name}: forecasts.{table} is not in pipeline.yaml any more: Athena's table {table} goes, its files "
                f"stay under forecasting/{settings.dataset}/exports/{table}/ of the results bucket"
            )
        elif there != (wanted := [column for column, _ in columns(section, table)]):
            problems.append(
                f"forecasts.{table} would have the columns {', '.join(wanted)}, and deployed are {', '.join(there)}: "
                f"in Athena's table {table} the figures of earlier runs would be in wrong columns. Give the new types "
                f"another name, such as {table[:11]}2, and keep {table} for as long as its table is read"
            )
    if problems:
        raise ConfigError("\n".join([f"{settings.dataset}:", *problems]))


def room_for_runs(settings: Pipeline, forecast: Any, personalize: Any) -> list[str]:
    """What will not fit beside what the account has already, of quotas that all its datasets share; and what to do."""
    found, raised = [], "or have the quota raised (console, Service Quotas)"
    section = settings.forecasting
    if section and section.most_forecasts is not None:
        group = f"dataset-group/storecast_{settings.identifier}"
        pages = forecast.get_paginator("list_forecasts").paginate()
        listed = [each for page in pages for each in page["Forecasts"]]
        others = [each["ForecastName"] for each in listed if not each["DatasetGroupArn"].endswith(group)]
        needed = section.keep * len(section.forecasts)
        if len(others) + needed > section.most_forecasts:
            found.append(
                f"Forecast: this dataset keeps up to {needed} forecasts (keep x forecasts), and others of the account "
                f"have {len(others)} ({', '.join(sorted(others)[:5])}), of {section.most_forecasts} in all: a run will "
                f"fail before it trains. Lower keep or forecasts, delete forecasts that nobody uses, {raised} and "
                "write the new one as forecasting.most_forecasts"
            )
    if shop := settings.recommending:
        name = f"storecast-{settings.dataset}"
        groups = [
            each["name"]
            for page in personalize.get_paginator("list_dataset_groups").paginate()
            for each in page["datasetGroups"]
        ]
        if name not in groups and len(groups) >= _GROUPS_OF_A_REGION:
            found.append(
                f"Personalize: this dataset needs a dataset group, and this region has {len(groups)} "
                f"({', '.join(sorted(groups))}), of {_GROUPS_OF_A_REGION} by default. Delete one that nobody uses, "
                f"{raised}"
            )
        recommenders = [
            each["name"]
            for page in personalize.get_paginator("list_recommenders").paginate()
            for each in page["recommenders"]
            if not each["name"].startswith(f"{name}-")
        ]
        if len(recommenders) + len(shop.use_cases) > _RECOMMENDERS_OF_A_REGION:
            found.append(
                f"Personalize: this dataset makes {len(shop.use_cases)} recommenders, and this region has "
                f"{len(recommenders)} others, of {_RECOMMENDERS_OF_A_REGION} by default. Use fewer use_cases, delete "
                f"some that nobody uses, {raised}"
            )
    return found


def room_for_learners(learners: int, personalize: Any) -> str:
    """What to do first, if the learners' lab needs more dataset groups than Personalize has in a region; else nothing.

    Each learner makes one in the lab of recommendations, and the pipeline of the dataset has one.
    """
    pages = personalize.get_paginator("list_dataset_groups").paginate()
    there = [group["name"] for page in pages for group in page["datasetGroups"]]
    if len(there) + learners <= _GROUPS_OF_A_REGION:
        return ""
    return (
        f"Personalize: {learners} learners make a dataset group each, and this region has {len(there)} "
        f"({', '.join(sorted(there)) or 'none'}), of {_GROUPS_OF_A_REGION} by default. Before the workshop, have the "
        'quota "Dataset groups" raised (console, Service Quotas, Amazon Personalize), delete groups that nobody uses, '
        f"or invite {max(0, _GROUPS_OF_A_REGION - len(there))} learners; those beyond cannot do Lab 2, whose clean-up "
        "frees theirs."
    )


def _tables(template: dict[str, Any]) -> dict[str, list[str]]:
    """The columns of the Glue tables in a template, by the tables' names."""
    inputs = [
        each["Properties"]["TableInput"]
        for each in template["Resources"].values()
        if each["Type"] == "AWS::Glue::Table"
    ]
    return {each["Name"]: [column["Name"] for column in each["StorageDescriptor"]["Columns"]] for each in inputs}


def _stack(settings: Pipeline, which: str) -> str:
    return f"storecast-{settings.dataset}-{which}"


def _exists(cloudformation: Any, name: str) -> bool:
    try:
        return bool(cloudformation.describe_stacks(StackName=name)["Stacks"])
    except ClientError as error:
        if "does not exist" in str(error):
            return False
        raise


def _say_what_will_not_fit(settings: Pipeline) -> None:
    """It keeps no deploy: a run that finds no room says so, and whoever deploys may not look at all that there is."""
    try:
        for line in room_for_runs(settings, boto3.client("forecast"), boto3.client("personalize")):
            print(line)
    except (BotoCoreError, ClientError) as error:
        print(f"shared quotas were not looked at: {error}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.deployed", description=__doc__.partition("\n")[0])
    parser.add_argument("--dataset", required=True, help="a folder of data/")
    parser.add_argument("--destroy", action="store_true", help="before a destroy rather than a deploy")
    parser.add_argument("--workshop", action="store_true", help="before a deploy of the workshop")
    parser.add_argument("--engine", help="that forecasts, instead of what pipeline.yaml says")
    parser.add_argument("--learners", help="of the workshop, instead of as many as pipeline.yaml says")
    options = parser.parse_args()
    session = boto3.Session(region_name=os.environ.get("AWS_REGION"))  # as the CDK CLI takes it, and boto3 does not
    try:
        cloudformation = session.client("cloudformation")
        settings = config.of_dataset(_DATA, options.dataset, options.learners, options.engine)
        if options.workshop:
            print(room_for_learners(settings.workshop.learners, session.client("personalize")))
        if not options.destroy:
            check_engine(settings, cloudformation)
            check_key(settings, cloudformation)
            check_tables(settings, cloudformation)
            _say_what_will_not_fit(settings)
        delete_leftovers(settings, cloudformation)
    except (ConfigError, BotoCoreError, ClientError, WaiterError) as error:
        print(error, file=sys.stderr)
        if isinstance(error, NoRegionError | NoCredentialsError):
            print(_NEXT, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
