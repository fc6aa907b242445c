"""Where the services of a config exist: a region without one of them is refused at synth (botocore's endpoint data)."""

from __future__ import annotations

import boto3

from infra.config import ConfigError, Pipeline

_NAMES = {"forecast": "Amazon Forecast", "personalize": "Amazon Personalize", "glue": "AWS Glue"}


def check(config: Pipeline, region: str | None) -> None:
    """Raises ConfigError if the region, where the CDK CLI knows it, lacks a service that a section needs."""
    if region is None:
        return
    services = {"forecasting": "forecast", "recommending": "personalize"}
    if config.forecasting and config.forecasting.engine == "storecast":
        services["forecasting"] = "glue"
    problems = []
    for section, service in services.items():
        there = available(service)
        if getattr(config, section) and region not in there:
            problems.append(
                f"{section}: {_NAMES[service]} does not exist in the region {region}. Deploy to one of "
                f"{', '.join(there)} (AWS_REGION), or leave out the section."
            )
    if problems:
        raise ConfigError("\n".join(problems))


def available(service: str) -> list[str]:
    """The regions of a service, of all partitions."""
    session = boto3.Session()
    return sorted(
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions(service, partition_name=partition)
    )
