"""What public notebooks of Personalize rely on: calls in a row without waiting, and what they clean up at the end."""

import boto3
import pytest

from tests.contract.clients import refused
from tests.contract.helpers import avro, ended, gone, marked, unique
from tests.contract.personalize_setup import PERSONAL, RECIPE, create_group, import_from, sample_group

FEW_UNREADABLE = "ITEM_ID,GENRE,YEAR\n" + "i1,a,\ni2,b,2006–2007\n" + "".join(f"j{n},c,1995\n" for n in range(298))
YEARS = avro("Items", ("ITEM_ID", "string"), marked("GENRE", "categorical"), ("YEAR", "int"))


@pytest.fixture(scope="module")
def group(personalize, bucket: str, personalize_role: str):
    with sample_group(personalize, bucket, personalize_role, kinds=("Interactions",), domain=None) as made:
        yield made


def test_a_group_is_delete_pending_for_a_while(personalize) -> None:
    """Notebooks ask for its status after DeleteDatasetGroup, and loop for half an hour if it is gone."""
    arn = create_group(personalize, (), domain=None).arn
    personalize.delete_dataset_group(datasetGroupArn=arn)
    assert personalize.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"]["status"] == "DELETE PENDING"
    gone(personalize.describe_dataset_group, datasetGroupArn=arn)


def test_a_solution_is_trained_in_the_second_of_its_creation(personalize, group) -> None:
    """Recorded: 14:34:18.592 and 14:34:18.813; and the members of a version that was made so."""
    name = unique("solution")
    solution = personalize.create_solution(
        name=name, datasetGroupArn=group.arn, recipeArn=RECIPE + PERSONAL, performAutoTraining=False
    )["solutionArn"]
    version = personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    found = ended(personalize.describe_solution_version, "solutionVersion", solutionVersionArn=version)
    assert found["status"] == "ACTIVE" and found["trainingHours"] >= 0
    assert found["name"] == f"{name}/{version.rpartition('/')[2]}"
    assert found["solutionConfig"] == {}, "as recorded of solutions that name none"
    described = personalize.describe_solution(solutionArn=solution)["solution"]
    assert described["creationDateTime"] == described["lastUpdatedDateTime"]


def test_a_tracker_leaves_a_dataset_of_its_events(personalize) -> None:
    """Notebooks delete dataset/GROUP/EVENT_INTERACTIONS beside the others, and the group with or without that."""
    group = create_group(personalize, ("Interactions",), domain=None)
    tracker = personalize.create_event_tracker(name=unique("tracker"), datasetGroupArn=group.arn)["eventTrackerArn"]
    ended(personalize.describe_event_tracker, "eventTracker", eventTrackerArn=tracker)
    arn = group.datasets["Interactions"].replace("INTERACTIONS", "EVENT_INTERACTIONS")
    assert ended(personalize.describe_dataset, "dataset", datasetArn=arn)["datasetType"] == "EVENT_INTERACTIONS"
    refused(
        "InvalidInputException", personalize.update_dataset, datasetArn=arn, schemaArn=group.schemas["Interactions"]
    )
    listed = [each["datasetArn"] for each in personalize.list_datasets(datasetGroupArn=group.arn)["datasets"]]
    assert listed == [group.datasets["Interactions"]]
    personalize.delete_event_tracker(eventTrackerArn=tracker)
    gone(personalize.describe_event_tracker, eventTrackerArn=tracker)
    assert personalize.describe_dataset(datasetArn=arn)["dataset"]["status"] == "ACTIVE"
    refused("ResourceInUseException", personalize.delete_dataset_group, listed[0], datasetGroupArn=group.arn)
    for dataset in (arn, listed[0]):
        personalize.delete_dataset(datasetArn=dataset)
        gone(personalize.describe_dataset, datasetArn=dataset)
    personalize.create_event_tracker(name=unique("tracker"), datasetGroupArn=group.arn)
    tracker = personalize.list_event_trackers(datasetGroupArn=group.arn)["eventTrackers"][0]["eventTrackerArn"]
    ended(personalize.describe_event_tracker, "eventTracker", eventTrackerArn=tracker)
    personalize.delete_event_tracker(eventTrackerArn=tracker)
    gone(personalize.describe_event_tracker, eventTrackerArn=tracker)
    personalize.delete_dataset_group(datasetGroupArn=group.arn)
    gone(personalize.describe_dataset_group, datasetGroupArn=group.arn)
    refused("ResourceNotFoundException", personalize.describe_dataset, datasetArn=arn)


def test_a_few_unreadable_numbers_do_not_fail_the_import(
    personalize, group, bucket: str, personalize_role: str
) -> None:
    boto3.client("s3").put_object(Bucket=bucket, Key="years/items.csv", Body=FEW_UNREADABLE.encode())
    schema = personalize.create_schema(name=unique("years"), schema=YEARS)["schemaArn"]
    items = personalize.create_dataset(
        name=unique("years"), schemaArn=schema, datasetGroupArn=group.arn, datasetType="Items"
    )["datasetArn"]
    ended(personalize.describe_dataset, "dataset", datasetArn=items)
    job = import_from(personalize, items, f"s3://{bucket}/years/items.csv", personalize_role)
    assert job["status"] == "ACTIVE", job
    personalize.delete_dataset(datasetArn=items)
    gone(personalize.describe_dataset, datasetArn=items)
    personalize.delete_schema(schemaArn=schema)
