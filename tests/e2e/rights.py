"""The rights of an app's roles, as they were deployed, beside those that the embedded AWS saw in use."""

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

import boto3

from localaws.settings import Settings

Right = tuple[str, str, str]  # role, action, resource; of a right that was granted, with wildcards

# Patterns of rights that no test of the whole line makes use of, and why the roles have them all the same.
UNSEEN: dict[Right, str] = {
    ("*", "logs:*", "*"): "Lambda and Step Functions write logs; the embedded AWS keeps them without asking the role",
    ("*", "xray:*", "*"): "Lambda and Step Functions write traces; the embedded AWS has none",
    ("*/PlanRole", "s3:ListBucket", "*-results*"): "without it S3 says AccessDenied of what is not there yet",
    ("storage/PersonalizeRole", "s3:ListBucket", "*-results*"): "granting-personalize-s3-access.md asks for it",
    ("forecasting/PublishRole", "glue:*", "*:catalog"): "Glue asks about catalog, database and table in one call,",
    ("forecasting/PublishRole", "glue:*", "*:table/*"): "the embedded AWS about the database alone",
    ("forecasting/MachineRole", "states:StartExecution", "*"): "the run after an upload during a run is recommending's",
    ("*/ScheduleRole", "*", "*"): "the clock starts nothing in the minutes of a test",
    ("recommending/RecommendRole", "personalize:StartRecommender", "*"): "for a recommender that somebody stopped",
    ("recommending/EnsureRole", "personalize:DeleteDataset*", "*"): "for one that an earlier run could not make",
    ("operations/NotifyRole", "kms:*", "*"): "the emulator forgets the key of a topic that CloudFormation makes",
    ("operations/CleanupRole", "s3:Delete*", "*-accesslogs*"): "the embedded AWS writes no access logs",
    ("operations/CleanupRole", "personalize:DeleteEventTracker", "*"): "the tracker has gone with the changed config",
    ("operations/CleanupRole", "lambda:InvokeFunction", "*"): "for a clean-up that takes longer than 15 minutes",
    ("operations/CleanupRole", "states:StopExecution", "*"): "for a run that is at work when its stack goes",
    ("operations/CleanupRole", "forecast:StopResource", "*"): "for a job that is at work when its stack goes",
}


def granted(roles: Mapping[str, str]) -> dict[Right, str]:
    """All that the roles may do, given by what they are called in the rights, and the role's own name."""
    return {
        (label, action, resource): name
        for label, name in roles.items()
        for statement in _statements(name)
        for action in _several(statement["Action"])
        for resource in _several(statement["Resource"])
    }


def unused(rights: dict[Right, str], settings: Settings) -> set[Right]:
    """Those of the rights that nobody made use of."""
    used = [json.loads(line) for line in settings.used_rights.read_text().splitlines()]
    return {
        right
        for right, name in rights.items()
        if not any(role == name and action == right[1] and fnmatchcase(on, right[2]) for role, action, on in used)
    }


def unseen(rights: dict[Right, str]) -> dict[Right, set[Right]]:
    """By entry of UNSEEN, the rights that it fits."""
    return {patterns: {right for right in rights if all(map(fnmatchcase, right, patterns))} for patterns in UNSEEN}


def roles_of(stacks: str) -> dict[str, str]:
    """The names of the roles of the stacks whose names begin with `stacks`, by their own in the templates, such as
    `forecasting/TrainRole`."""
    cloudformation, found = boto3.client("cloudformation"), {}
    for stack in cloudformation.get_paginator("describe_stacks").paginate().search("Stacks[].StackName"):
        if stack.startswith(stacks):
            for resource in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]:
                if resource["ResourceType"] == "AWS::IAM::Role":
                    role = re.sub("[0-9A-F]{8}$", "", resource["LogicalResourceId"])  # CDK's hash of its path
                    found[f"{stack.removeprefix(stacks)}/{role}"] = resource["PhysicalResourceId"]
    return found


def _statements(role: str) -> Iterator[dict]:
    iam = boto3.client("iam")
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield from iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]["Statement"]


def _several(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]
