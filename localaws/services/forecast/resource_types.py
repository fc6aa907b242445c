"""Amazon Forecast's resource types.

Sources: docs/aws-sources.md#forecast-API_DeleteResourceTree (parents), the guide's pages on the List operations
(filters), docs/aws-sources.md#forecast-limits (quotas).
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from localaws.errors import invalid
from localaws.operations import Operations
from localaws.registration import Context
from localaws.resource_types import Members, Refusal, Refusals, ResourceType, ResourceTypes, States, table
from localaws.resources import Resource
from localaws.services.forecast.private import (
    DatasetPrivate,
    ForecastPrivate,
    MonitorPrivate,
    PredictorPrivate,
    WhatIfAnalysisPrivate,
)

STATES = States(
    pending="CREATE_PENDING",
    in_progress="CREATE_IN_PROGRESS",
    done="ACTIVE",
    failed="CREATE_FAILED",
    stopping="CREATE_STOPPING",
    stopped="CREATE_STOPPED",
    deleting="DELETE_IN_PROGRESS",
    locked=("CREATE_STOPPING",),
)
BUSY = (STATES.pending, STATES.in_progress)
UPDATING = "UPDATE_IN_PROGRESS"  # a monitor that evaluates
MONITOR_STATES = replace(
    STATES,
    stopping="ACTIVE_STOPPING",
    stopped="ACTIVE_STOPPED",
    settles={UPDATING: "ACTIVE"},
    locked=("ACTIVE_STOPPING", UPDATING),
)
MOST_PARALLEL = 3  # of each type (docs/aws-sources.md#forecast-limits: "Maximum parallel running ... tasks")


def _job(name: str, parent: str, *filters: str, **more: Any) -> ResourceType:
    """A type whose resources a job makes. Its List operation filters by `filters` and Status."""
    return ResourceType(
        name=name,
        states=STATES,
        parents=(parent,),
        filters=(*filters, "Status"),
        most_busy=MOST_PARALLEL,
        stops_from=BUSY,
        **more,
    )


def _predictor_path(params: Mapping) -> str:
    """Only CreatePredictor has an InputDataConfig; an AutoPredictor's ARN ends in an id."""
    name = params["PredictorName"]
    return f"predictor/{name}" if "InputDataConfig" in params else f"predictor/{name}_{_new_ulid()}"


def _new_ulid() -> str:
    """What ends the ARNs of AutoPredictors and monitors: the time in milliseconds and chance, in Crockford's base 32.

    Nobody can derive such an ARN from a name, and a name can be given twice.
    """
    number = int(time.time() * 1000) << 80 | secrets.randbits(80)
    return "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[number >> shift & 31] for shift in range(125, -1, -5))


TYPES = ResourceTypes(
    service="forecast",
    types=table(
        ResourceType(name="DatasetGroup", states=STATES, most=500, deletion_seconds=3.0),
        ResourceType(name="Dataset", states=STATES, most=1500, private=DatasetPrivate),
        _job("DatasetImportJob", "DatasetArn", "DatasetArn", nested=True, most=1000),
        _job(
            "Predictor",
            "DatasetGroupArn",
            "DatasetGroupArn",
            created_by=("CreatePredictor", "CreateAutoPredictor"),
            arn_path=_predictor_path,
            uses=("DatasetImportJobArns",),
            most=500,
            private=PredictorPrivate,
        ),
        _job("PredictorBacktestExportJob", "PredictorArn", "PredictorArn", nested=True, most=1000),
        _job("Forecast", "PredictorArn", "DatasetGroupArn", "PredictorArn", most=10, private=ForecastPrivate),
        _job("ForecastExportJob", "ForecastArn", "ForecastArn", nested=True, most=1000),
        ResourceType(
            name="Monitor",
            arn_path=lambda params: f"monitor/{params['MonitorName']}_{_new_ulid()}",
            states=MONITOR_STATES,
            parents=("ResourceArn",),
            filters=("Status",),
            stops_from=(MONITOR_STATES.done,),
            private=MonitorPrivate,
        ),
        _job("Explainability", "ResourceArn", "ResourceArn", plural="Explainabilities"),
        _job("ExplainabilityExport", "ExplainabilityArn", "ResourceArn"),
        _job(
            "WhatIfAnalysis",
            "ForecastArn",
            "WhatIfAnalysisArn",
            plural="WhatIfAnalyses",
            private=WhatIfAnalysisPrivate,
        ),
        _job("WhatIfForecast", "WhatIfAnalysisArn", "WhatIfForecastArn", nested=True),
        _job("WhatIfForecastExport", "WhatIfForecastArns", "WhatIfForecastExportArn"),
    ),
    members=Members(
        capitals=True,
        status="Status",
        created="CreationTime",
        modified="LastModificationTime",
        failure="Message",
        tag_key="Key",
        tag_value="Value",
    ),
    refusals=Refusals(
        missing=Refusal("ResourceNotFoundException", "No {type} found with arn: {arn}"),
        taken=Refusal("ResourceAlreadyExistsException", "A {words} already exists with the arn: {arn}"),
        not_active=Refusal("ResourceInUseException", "{arn} must be ACTIVE, but its status is {status}"),
        locked=Refusal("ResourceInUseException", "{arn} cannot be deleted while its status is {status}"),
        in_use=Refusal(
            "ResourceInUseException",
            "Operation not allowed when the resource {arn} is being referenced by these resources : [ {others} ]",
        ),
        unstoppable=Refusal("InvalidInputException", "{arn} cannot be stopped: it is a {type} that is {status}"),
        too_many=Refusal("LimitExceededException", "Maximum number of {plural} ({most}) reached: delete some first"),
        too_many_busy=Refusal("LimitExceededException", "Maximum parallel running Create{type} tasks ({most}) reached"),
        too_many_tags=Refusal("LimitExceededException", "A resource has at most {most} tags, not {count}"),
    ),
    wanted=lambda resource_type, params: filtered(resource_type.filters, params),
    newest_first=True,  # recorded of ListDatasetGroups and ListPredictors
)
FORECAST = Operations(TYPES)


def filtered(allowed: Sequence[str], params: Mapping) -> Callable[[Mapping], bool]:
    """What the call's Filters keep (docs/aws-sources.md#forecast-API_Filter).

    Raises ServiceError InvalidInputException naming a key that is not `allowed`.
    """
    filters = params.get("Filters", [])
    for each in filters:
        if each["Key"] not in allowed:
            raise invalid(f"Filters: Key {each['Key']!r} is not one of {', '.join(allowed)}")
    return lambda one: all((one.get(each["Key"]) == each["Value"]) == (each["Condition"] == "IS") for each in filters)


def delete_tree(context: Context, params: Mapping) -> None:
    """Deletes a resource and all that was made from it (docs/aws-sources.md#forecast-API_DeleteResourceTree)."""
    resource = FORECAST.existing(context, params["ResourceArn"])
    FORECAST.remove_all(context, FORECAST.descendants(context, resource))


def stop(context: Context, params: Mapping) -> None:
    """Ends a job: CREATE_STOPPING, then CREATE_STOPPED (docs/aws-sources.md#forecast-API_StopResource); pauses a
    monitor: ACTIVE_STOPPED."""
    FORECAST.stop(context, FORECAST.existing(context, params["ResourceArn"]))


def newest_of(context: Context, type_name: str, resource: Resource) -> Resource | None:
    """The newest resource of a type that was made from this one."""
    found = FORECAST.made_from(context, type_name, resource.arn)
    return found[-1] if found else None
