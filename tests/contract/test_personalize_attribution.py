"""What came of recommendations, in CloudWatch; the deletion of users' data; objectives and weights of solutions."""

import time
from datetime import datetime, timedelta

import boto3
import pytest

from tests.contract.clients import client, refused
from tests.contract.helpers import avro, ended, eventually, gone, marked, role, statement, unique, whole_bucket
from tests.contract.personalize_setup import PERSONAL, POPULAR, RANKING, RECIPE, create_group, delete_group, import_from

INVALID = "InvalidInputException"
PRICED = avro(
    "Items", ("ITEM_ID", "string"), ("MARGIN", "float"), ("LEFT", ["int", "null"]), marked("KIND", "categorical")
)
HEADER = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n"
EVENTS = HEADER + "".join(
    f"u{row % 50},i{(row * 7 + row % 50) % 20:02d},{1_700_000_000 + row},{('View', 'Purchase')[row % 3 == 0]}\n"
    for row in range(1500)
)
ITEMS = "ITEM_ID,MARGIN,LEFT,KIND\n" + "".join(f"i{n:02d},{n}.5,{n},k{n % 3}\n" for n in range(20))


@pytest.fixture(scope="module")
def group(personalize, bucket: str, personalize_role: str):
    made = create_group(personalize, ("Interactions", "Users"), domain=None)
    made.schemas["Items"] = personalize.create_schema(name=unique("priced"), schema=PRICED)["schemaArn"]
    made.datasets["Items"] = personalize.create_dataset(
        name=unique("priced"), schemaArn=made.schemas["Items"], datasetGroupArn=made.arn, datasetType="Items"
    )["datasetArn"]
    ended(personalize.describe_dataset, "dataset", datasetArn=made.datasets["Items"])
    users = "USER_ID,AGE\n" + "".join(f"u{n},old\n" for n in range(50))
    for kind, body in {"Interactions": EVENTS, "Items": ITEMS, "Users": users}.items():
        boto3.client("s3").put_object(Bucket=bucket, Key=f"attribution/{kind}.csv", Body=body.encode())
        location = f"s3://{bucket}/attribution/{kind}.csv"
        job = import_from(personalize, made.datasets[kind], location, personalize_role)
        assert job["status"] == "ACTIVE", job
    yield made
    delete_group(personalize, made)


@pytest.fixture(scope="module")
def tracking(personalize, group):
    tracker = personalize.create_event_tracker(name=unique("tracker"), datasetGroupArn=group.arn)
    ended(personalize.describe_event_tracker, "eventTracker", eventTrackerArn=tracker["eventTrackerArn"])
    yield tracker["trackingId"]
    personalize.delete_event_tracker(eventTrackerArn=tracker["eventTrackerArn"])
    gone(personalize.describe_event_tracker, eventTrackerArn=tracker["eventTrackerArn"])


METRICS = [
    {"eventType": "View", "expression": "SAMPLECOUNT()", "metricName": "countViews"},
    {"eventType": "Purchase", "expression": "SUM(ITEMS.MARGIN)", "metricName": "sumMargin"},
]


def _measured(name: str, source: str, group: str) -> float:
    dimensions = {"EventAttributionSource": source, "DatasetGroupArn": group}
    found = boto3.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Personalize",
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=datetime.now() - timedelta(hours=2),
        EndTime=datetime.now() + timedelta(hours=1),
        Period=900,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in found["Datapoints"])


def test_events_are_counted_and_summed_by_their_source(personalize, group, tracking: str, out: str) -> None:
    able = role("personalize", statement("cloudwatch:PutMetricData"), statement("s3:PutObject", on=whole_bucket(out)))
    output = {"roleArn": able, "s3DataDestination": {"path": f"s3://{out}/metrics/"}}
    arn = personalize.create_metric_attribution(
        name=unique("attribution"), datasetGroupArn=group.arn, metrics=METRICS, metricsOutputConfig=output
    )["metricAttributionArn"]
    found = ended(personalize.describe_metric_attribution, "metricAttribution", metricAttributionArn=arn)
    assert found["status"] == "ACTIVE" and found["metricsOutputConfig"] == output, found
    listed = personalize.list_metric_attributions(datasetGroupArn=group.arn)["metricAttributions"]
    assert [each["metricAttributionArn"] for each in listed] == [arn]
    assert personalize.list_metric_attribution_metrics(metricAttributionArn=arn)["metrics"] == METRICS
    now = int(time.time())
    kinds = [("View", "i03", "shelf"), ("View", "i04", "shelf"), ("Purchase", "i04", "shelf"), ("View", "i05", None)]
    events = [
        {"eventType": kind, "itemId": item, "sentAt": now - n}
        | ({"metricAttribution": {"eventAttributionSource": source}} if source else {})
        for n, (kind, item, source) in enumerate(kinds)
    ]
    put = client("personalize-events").put_events
    put(trackingId=tracking, userId="u1", sessionId="s", eventList=events)
    assert eventually(lambda: _measured("SUMMARGIN", "SHELF", group.arn)) == 4.5
    assert _measured("COUNTVIEWS", "SHELF", group.arn) == 2
    assert _measured("COUNTVIEWS", "SOURCE_NAME_UNDEFINED", group.arn) == 1
    more = {"eventType": "Cart", "expression": "SUM(Items.LEFT)", "metricName": "left"}
    personalize.update_metric_attribution(metricAttributionArn=arn, addMetrics=[more], removeMetrics=["countViews"])
    ended(personalize.describe_metric_attribution, "metricAttribution", metricAttributionArn=arn)
    assert personalize.list_metric_attribution_metrics(metricAttributionArn=arn)["metrics"] == [METRICS[1], more]
    refused(INVALID, personalize.update_metric_attribution, "other", metricAttributionArn=arn, removeMetrics=["other"])
    create = personalize.create_metric_attribution
    given = {"datasetGroupArn": group.arn, "metricsOutputConfig": output}
    refused("LimitExceededException", create, name="second", metrics=METRICS, **given)
    personalize.delete_metric_attribution(metricAttributionArn=arn)
    gone(personalize.describe_metric_attribution, metricAttributionArn=arn)


def test_metric_attributions_that_cannot_be(personalize, group, personalize_role: str) -> None:
    create, output = personalize.create_metric_attribution, {"roleArn": personalize_role}
    given = {"datasetGroupArn": group.arn, "metricsOutputConfig": output}
    for expression in ("MEAN(Items.MARGIN)", "SUM(Items.KIND)", "SUM(Users.AGE)", "SUM(Items.PRICE)"):
        wrong = [METRICS[0] | {"expression": expression}]
        refused(INVALID, create, expression, name="wrong", metrics=wrong, **given)
    arn = create(name=unique("attribution"), metrics=METRICS, **given)["metricAttributionArn"]
    found = ended(personalize.describe_metric_attribution, "metricAttribution", metricAttributionArn=arn)
    assert found["status"] == "CREATE FAILED" and "cloudwatch:PutMetricData" in found["failureReason"]
    personalize.delete_metric_attribution(metricAttributionArn=arn)


def test_an_objective_and_weights_of_events(personalize, group) -> None:
    create, given = personalize.create_solution, {"datasetGroupArn": group.arn, "performAutoTraining": False}

    def trained(recipe: str, config: dict) -> dict:
        solution = create(name=unique("solution"), recipeArn=RECIPE + recipe, solutionConfig=config, **given)
        version = personalize.create_solution_version(solutionArn=solution["solutionArn"])["solutionVersionArn"]
        found = ended(personalize.describe_solution_version, "solutionVersion", solutionVersionArn=version)
        assert found["status"] == "ACTIVE" and found["solutionConfig"] == config, found
        return personalize.get_solution_metrics(solutionVersionArn=version)["metrics"]

    objective = {"itemAttribute": "MARGIN", "objectiveSensitivity": "HIGH"}
    assert 0 < trained(PERSONAL, {"optimizationObjective": objective})["average_rewards_at_k"] <= 1
    weights = {"eventParametersList": [{"eventType": "Purchase", "weight": 1.0}, {"eventType": "View", "weight": 0.1}]}
    assert "average_rewards_at_k" not in trained(f"{PERSONAL}-v2", {"eventsConfig": weights})

    def wrong(recipe: str, config: dict, *words: str) -> None:
        refused(INVALID, create, *words, name="wrong", recipeArn=RECIPE + recipe, solutionConfig=config, **given)

    wrong(POPULAR, {"optimizationObjective": objective}, "optimizationObjective", PERSONAL, RANKING)
    for column in ("LEFT", "KIND", "PRICE"):
        wrong(PERSONAL, {"optimizationObjective": objective | {"itemAttribute": column}}, column, "MARGIN")
    wrong(PERSONAL, {"eventsConfig": weights}, "eventsConfig", f"{PERSONAL}-v2")
    low = {"eventParametersList": [{"eventType": "View", "eventValueThreshold": 0.5}]}
    wrong(f"{PERSONAL}-v2", {"eventsConfig": low}, "EVENT_VALUE")
    refused(INVALID, create, "semantic-similarity", name="wrong", recipeArn=RECIPE + PERSONAL,
            performIncrementalUpdate=True, **given)  # fmt: skip


def test_the_data_of_users_is_deleted(
    personalize, group, tracking: str, bucket: str, out: str, exporter: str, personalize_role: str
) -> None:
    put = client("personalize-events").put_events
    event = {"eventType": "View", "itemId": "i03", "sentAt": int(time.time())}
    for user in ("u1", "u2"):
        put(trackingId=tracking, userId=user, sessionId=user, eventList=[event])
    boto3.client("s3").put_object(Bucket=bucket, Key="deletion/users.csv", Body=b"USER_ID\nu1\nu9\nnobody\n")
    given = {"datasetGroupArn": group.arn, "roleArn": personalize_role}
    arn = personalize.create_data_deletion_job(
        jobName=unique("deletion"), dataSource={"dataLocation": f"s3://{bucket}/deletion/users.csv"}, **given
    )["dataDeletionJobArn"]
    seen: list[str] = []

    def now() -> dict:
        job = personalize.describe_data_deletion_job(dataDeletionJobArn=arn)["dataDeletionJob"]
        seen.append(job["status"])
        return job

    job = eventually(now, lambda each: each["status"] in ("COMPLETED", "FAILED"))
    assert job["status"] == "COMPLETED" and set(seen) <= {"PENDING", "IN_PROGRESS", "COMPLETED"}, job
    assert job["numDeleted"] >= 2 * (1500 // 50) + 2 + 1
    listed = personalize.list_data_deletion_jobs(datasetGroupArn=group.arn)["dataDeletionJobs"]
    assert [each["dataDeletionJobArn"] for each in listed] == [arn]
    export = personalize.create_dataset_export_job(
        jobName=unique("export"),
        datasetArn=group.datasets["Interactions"],
        roleArn=exporter,
        ingestionMode="ALL",
        jobOutput={"s3DataDestination": {"path": f"s3://{out}/after-deletion/"}},
    )["datasetExportJobArn"]
    name = ended(personalize.describe_dataset_export_job, "datasetExportJob", datasetExportJobArn=export)["jobName"]
    body = boto3.client("s3").get_object(Bucket=out, Key=f"after-deletion/{name}.csv")["Body"].read().decode()
    users = {line.split(",")[0] for line in body.splitlines()[1:]}
    assert not users & {"u1", "u9"} and {"u2", "u10"} <= users
    refused(
        INVALID, personalize.create_data_deletion_job, "/tmp", jobName="j", dataSource={"dataLocation": "/tmp"}, **given
    )
