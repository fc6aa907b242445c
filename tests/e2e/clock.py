"""The clock of the deployed app: it stands still, but for what a test has it do."""

from datetime import UTC, datetime, timedelta

import boto3


def hold(names: str) -> None:
    """No schedule whose name begins with `names` starts anything by itself, at whatever hour the tests run."""
    scheduler = boto3.client("scheduler")
    for page in scheduler.get_paginator("list_schedules").paginate(NamePrefix=names):
        for found in page["Schedules"]:
            schedule = scheduler.get_schedule(Name=found["Name"])
            kept = {key: schedule[key] for key in ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")}
            scheduler.update_schedule(**kept, State="DISABLED")


def strike(name: str) -> None:
    """What the schedule `name` would start at its time is started at once, once, under the same role."""
    scheduler = boto3.client("scheduler")
    scheduler.create_schedule(
        Name=f"{name}-at-once",
        ScheduleExpression="at(2026-01-01T00:00:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=scheduler.get_schedule(Name=name)["Target"],
        ActionAfterCompletion="DELETE",
    )


def hours_of_another_day() -> dict:
    """Of a config: hours in which nothing is due while a test runs."""
    day = datetime.now(UTC) + timedelta(days=3)
    return {"start": "00:00", "stop": "23:59", "days": [day.strftime("%a").upper()]}
