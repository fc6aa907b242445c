"""Algorithms and feature transformations, as the recipes of custom solutions name them.

ARNs: the guide's pages on recipes. The defaults are those of the engines here, not AWS'; bptt has none: without it all
of a user's recent items count.
"""

from localaws.errors import ServiceError
from localaws.registration import Context
from localaws.services.personalize.hyperparameters import HYPERPARAMETERS, Choice, Range
from localaws.services.personalize.recipes import RECIPES_SINCE, TRANSFORMATIONS
from localaws.services.personalize.resource_types import STATES
from localaws.services.personalize.training_data import PERCENTILES
from storecast_engines import recommending

PREFIX = "arn:aws:personalize:::"
TIMES = {"creationDateTime": RECIPES_SINCE, "lastUpdatedDateTime": RECIPES_SINCE}


def describe_algorithm(context: Context, params: dict) -> dict:
    arn = params["algorithmArn"]
    name = arn.removeprefix(f"{PREFIX}algorithm/")
    if name not in recommending.CUSTOM_RECIPES:
        raise ServiceError("ResourceNotFoundException", f"Resource Arn {arn} does not exist.")
    algorithm = {"name": name, "algorithmArn": arn} | TIMES
    known = HYPERPARAMETERS.get(name)
    if known is None:
        return {"algorithm": algorithm}
    numbers = {each: allowed for each, allowed in known.items() if isinstance(allowed, Range)}
    ranges = {
        member: [
            {"name": each, "minValue": allowed.low, "maxValue": allowed.high, "isTunable": True}
            for each, allowed in numbers.items()
            if allowed.continuous == continuous
        ]
        for member, continuous in (("integerHyperParameterRanges", False), ("continuousHyperParameterRanges", True))
    }
    ranges["categoricalHyperParameterRanges"] = [
        {"name": each, "values": allowed.values(), "isTunable": True}
        for each, allowed in known.items()
        if isinstance(allowed, Choice)
    ]
    defaults = {each: allowed.default for each, allowed in known.items() if allowed.default}
    return {"algorithm": algorithm | {"defaultHyperParameters": defaults, "defaultHyperParameterRanges": ranges}}


def describe_feature_transformation(context: Context, params: dict) -> dict:
    arn = params["featureTransformationArn"]
    name = arn.removeprefix(f"{PREFIX}feature-transformation/")
    if name not in TRANSFORMATIONS.values():
        raise ServiceError("ResourceNotFoundException", f"Resource Arn {arn} does not exist.")
    found = {"name": name, "featureTransformationArn": arn, "status": STATES.done} | TIMES
    return {"featureTransformation": found | {"defaultParameters": dict(zip(PERCENTILES, ("0.0", "1.0"), strict=True))}}
