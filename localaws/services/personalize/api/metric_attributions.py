"""Metric attributions: what came of recommendations, counted as events come in, in CloudWatch.

Sources: docs/aws-sources.md#personalize-creating-metric-attribution,
docs/aws-sources.md#personalize-metric-attribution-requirements,
docs/aws-sources.md#personalize-metric-attribution-results. That names are in upper case in CloudWatch, and the
dimensions, is from AWS's notebook on measuring the impact of recommendations.
"""

import hashlib
import logging
import re
import time
from collections.abc import Mapping
from functools import partial

from localaws.errors import ServiceError, in_use, invalid, limit
from localaws.registration import Context
from localaws.resources import Resource, page
from localaws.s3 import Access
from localaws.services.personalize.access import PRINCIPAL
from localaws.services.personalize.datasets import fields_of, group_datasets
from localaws.services.personalize.jobs.metric_attributions import TryOut, publish, try_out
from localaws.services.personalize.records import records
from localaws.services.personalize.resource_types import PERSONALIZE, STATES

logger = logging.getLogger("storecast.personalize")

MOST_METRICS = 10
OLDEST_SECONDS = 14 * 86_400
UNDEFINED = "SOURCE_NAME_UNDEFINED"
NUMBERS = ("int", "long", "float", "double")
_SUM = re.compile(r"SUM\((Items|Interactions)\.(\w+)\)", re.IGNORECASE)
_COUNT = "SAMPLECOUNT()"


def create_metric_attribution(context: Context, params: dict) -> dict:
    group = PERSONALIZE.get(context, "DatasetGroup", params["datasetGroupArn"], active=True)
    _check(context, group.arn, params["metrics"])
    made = PERSONALIZE.create(context, "MetricAttribution", params)
    _try(context, made, params["metricsOutputConfig"])
    return {"metricAttributionArn": made.arn}


def update_metric_attribution(context: Context, params: dict) -> dict:
    """Other metrics, or another place and role for them."""
    arn = params.get("metricAttributionArn")
    if not arn:
        raise invalid("metricAttributionArn is required.")
    found = PERSONALIZE.get(context, "MetricAttribution", arn)
    if found.status not in (STATES.done, STATES.failed):
        raise in_use(f"Metric attribution {arn} is {found.status}; it must be ACTIVE.")
    removed = params.get("removeMetrics", [])
    names = [each["metricName"] for each in found.record["metrics"]]
    if unknown := [name for name in removed if name not in names]:
        raise invalid(f"removeMetrics: {', '.join(unknown)} is none of {', '.join(names)}.")
    kept = [each for each in found.record["metrics"] if each["metricName"] not in removed]
    metrics = kept + params.get("addMetrics", [])
    _check(context, found.record["datasetGroupArn"], metrics)
    output = params.get("metricsOutputConfig", found.record["metricsOutputConfig"])
    context.store.update(arn, STATES.pending, metrics=metrics, metricsOutputConfig=output)
    _try(context, found, output)
    return {"metricAttributionArn": arn}


def list_metrics(context: Context, params: dict) -> dict:
    arn = params.get("metricAttributionArn")
    attributions = [PERSONALIZE.get(context, "MetricAttribution", arn)] if arn else []
    metrics = [metric for each in attributions for metric in each.record["metrics"]]
    listed, token = page(metrics, params.get("nextToken"), params.get("maxResults"))
    return {"metrics": listed, "nextToken": token}


def _try(context: Context, attribution: Resource, output: Mapping) -> None:
    place = output.get("s3DataDestination", {}).get("path")
    if place is not None and not place.startswith("s3://"):
        raise invalid(f"Invalid S3 output path. {place!r} is not an s3:// path.")
    context.jobs.submit(
        attribution.arn, try_out, TryOut(place), access=partial(_access, context, attribution.arn, output["roleArn"])
    )


def _access(context: Context, arn: str, role: str) -> Access:
    return context.assume(role, PRINCIPAL, arn)


def _check(context: Context, group_arn: str, metrics: list[dict]) -> None:
    """Raises InvalidInputException for an expression that the datasets cannot answer, LimitExceededException."""
    if len(metrics) > MOST_METRICS:
        raise limit(f"A metric attribution may have {MOST_METRICS} metrics, not {len(metrics)}.")
    names = [each["metricName"] for each in metrics]
    if len(set(names)) < len(names):
        raise invalid(f"Each metric needs a name that no other has: {', '.join(names)}.")
    datasets = group_datasets(context, group_arn)
    fields = {kind: {one.name.upper(): one for one in fields_of(context, each)} for kind, each in datasets.items()}
    if "EVENT_TYPE" not in fields.get("INTERACTIONS", {}):
        raise invalid(f"Dataset group {group_arn} needs an Interactions dataset with the field EVENT_TYPE.")
    for metric in metrics:
        expression = metric["expression"].replace(" ", "")
        summed = _SUM.fullmatch(expression)
        if expression.upper() == _COUNT:
            continue
        if not summed:
            raise invalid(f"The expression {metric['expression']!r} is neither SUM(Dataset.COLUMN) nor {_COUNT}.")
        kind, column = (each.upper() for each in summed.groups())
        field = fields.get(kind, {}).get(column)
        if field is None or field.kind not in NUMBERS:
            raise invalid(f"{metric['expression']}: {column} is no numeric column of the dataset {kind}.")


def note_events(context: Context, group_arn: str, events: list[dict]) -> None:
    """Sends what a group's metric attribution counts of events that came in, soon, without making their call wait."""
    for attribution in PERSONALIZE.having(context, "MetricAttribution", datasetGroupArn=group_arn):
        if attribution.status == STATES.done and (data := _data(context, attribution, events)):
            context.jobs.later(_send, context, attribution, data)


def _send(context: Context, attribution: Resource, data: list[dict]) -> None:
    try:
        publish(_access(context, attribution.arn, attribution.record["metricsOutputConfig"]["roleArn"]), data)
    except ServiceError as error:  # the role has gone, or its rights have
        logger.warning("%s: %s", attribution.arn, error)


def _data(context: Context, attribution: Resource, events: list[dict]) -> list[dict]:
    """CloudWatch's metric data; an event counts if it is at most 14 days old, and has the column that is summed."""
    group_arn, found = attribution.record["datasetGroupArn"], []
    for metric in attribution.record["metrics"]:
        summed = _SUM.fullmatch(metric["expression"].replace(" ", ""))
        for event in events:
            if event["EVENT_TYPE"].lower() != metric["eventType"].lower():
                continue
            value: object = 1
            if summed:
                kind, column = (each.upper() for each in summed.groups())
                record = event if kind != "ITEMS" else records(context, group_arn, kind).by_id.get(event["ITEM_ID"], {})
                value = {name.upper(): each for name, each in record.items()}.get(column)
            if isinstance(value, int | float) and event["TIMESTAMP"] > time.time() - OLDEST_SECONDS:
                source = {"EventAttributionSource": _source(context, group_arn, event), "DatasetGroupArn": group_arn}
                found.append(
                    {
                        "MetricName": metric["metricName"].upper(),
                        "Dimensions": [{"Name": name, "Value": each} for name, each in source.items()],
                        "Timestamp": event["TIMESTAMP"],
                        "Value": float(value),
                    }
                )
    return found


def _source(context: Context, group_arn: str, event: Mapping) -> str:
    """The event's own source, else the campaign or recommender that its recommendationId is from."""
    if event.get("EVENT_ATTRIBUTION_SOURCE"):
        return event["EVENT_ATTRIBUTION_SOURCE"].upper()
    digits = (event.get("RECOMMENDATION_ID") or "").rpartition("-CID-")[2]
    recommenders = PERSONALIZE.having(context, "Recommender", datasetGroupArn=group_arn)
    solutions = PERSONALIZE.having(context, "Solution", datasetGroupArn=group_arn)
    campaigns = [each for one in solutions for each in PERSONALIZE.having(context, "Campaign", solutionArn=one.arn)]
    return next((each.arn for each in (*recommenders, *campaigns) if deployed_digits(each.arn) == digits), UNDEFINED)


def deployed_digits(arn: str) -> str:
    """The 6 digits of what answered, in a recommendationId."""
    return hashlib.sha256(arn.encode()).hexdigest()[:6]
