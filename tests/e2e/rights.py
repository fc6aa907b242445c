"""The rights of an app's roles, as they were deployed, beside those that the embedded AWS saw in use."""

import fnmatch
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import boto3

from localaws.settings import Settings

Right = tuple[str, str, str]  # role, action, resource; of a right that was granted, with wildcards

# Patterns of rights that no test of the whole line makes use of, and why the roles have them all the same.
Unseen = Mapping[Right, str]
_EVERYWHERE: Unseen = {
    ("*", "logs:*", "*"): "Lambda and Step Functions write logs; the embedded AWS keeps them without asking the role",
    ("*", "xray:*", "*"): "Lambda and Step Functions write traces; the embedded AWS has none",
    ("*ScheduleRole", "sqs:SendMessage", "*"): "for a start that fails for a day; the embedded Scheduler tries once",
}
OF_THE_APP: Unseen = _EVERYWHERE | {
    ("forecasting/PublishRole", "glue:*", "*:table/*"): "Glue asks about a table too, the embedded AWS does not",
    ("*/*Role", "s3:GetObjectVersion", "*-data*"): "for a file that is replaced while a run works on it",
    ("*/[LP]*Role", "s3:ListBucketVersions", "*-data*"): "likewise",
    ("*/CompareRole", "s3:ListBucketVersions", "*-data*"): "likewise",
    ("forecasting/LoadRole", "s3:PutObject", "*/quarantine/*"): "for a file that the plan accepts and Forecast refuses",
    ("forecasting/LoadRole", "s3:DeleteObject", "*"): "likewise",
    ("recommending/EnsureRole", "personalize:DeleteDataset*", "*"): "for one that an earlier run could not make",
    ("recommending/EnsureRole", "personalize:ListDatasetImportJobs", "*"): "for one that never held data",
}
_WITHOUT_GLUE: Unseen = {key: why for key, why in _EVERYWHERE.items() if key != ("*", "logs:*", "*")}
OF_STORECAST: Unseen = _WITHOUT_GLUE | {
    ("forecasting/F*JobRole", "logs:CreateLogGroup", "*"): "for a group that somebody deleted",
    ("forecasting/MachineRole", "states:StartExecution", "*"): "for files that arrive while a run works",
    ("*/[!F]*", "logs:*", "*"): "as everywhere, but for the job, which writes its logs under its role",
    ("forecasting/F*JobRole", "cloudwatch:PutMetricData", "*"): "Glue sends metrics, the embedded AWS has none",
    ("forecasting/PublishRole", "glue:*", "*:table/*"): "Glue asks about a table too, the embedded AWS does not",
    ("forecasting/PublishRole", "s3:PutObject", "*/tables/*"): "for names in capitals, or several kinds of forecast",
    (
        "forecasting/PublishRole",
        "s3:DeleteObject",
        "*",
    ): "for predictors of old runs; here the first one serves to the end",
    ("forecasting/[CLP]*Role", "s3:GetObjectVersion", "*-data*"): "for a file that is replaced while a run works on it",
    ("forecasting/LoadRole", "s3:ListBucketVersions", "*-data*"): "likewise",
    ("forecasting/PublishRole", "s3:ListBucketVersions", "*-data*"): "likewise",
    ("forecasting/CompareRole", "s3:ListBucketVersions", "*-data*"): "likewise",
    ("forecasting/ScheduleRole", "states:StartExecution", "*"): "the clock is held here; test_app.py lets it strike",
    ("operations/CleanupRole", "lambda:InvokeFunction", "*"): "for a destroy that outlasts an invocation",
}
OF_THE_WORKSHOP: Unseen = _EVERYWHERE | {
    ("CleanupRole", "glue:GetDatabases", "*:database/*"): "Glue asks about each database and what is in it,",
    ("CleanupRole", "glue:*", "*/*/*"): "the embedded AWS about the catalog and the database",
    ("CleanupRole", "forecast:ListExplainabilit*", "*"): "for jobs of predictors; the learners here train none",
    ("CleanupRole", "forecast:List*ExportJobs", "*"): "likewise",
}
OF_A_LEARNER: Unseen = {
    ("Learner", "glue:CreateDatabase", "*:database/*"): "as of the workshop's clean-up",
    ("Learner", "glue:*Database", "*:table/*/*"): "likewise",
    ("Learner", "glue:*", "*:userDefinedFunction/*"): "likewise",
    ("Learner", "glue:GetPartitions", "*"): "Athena's guide asks for it; the labs' table has no partitions",
}


def granted(roles: Mapping[str, str], policies: str = "*") -> dict[Right, str]:
    """All that the roles may do by the policies whose names fit, given by what the roles are called in the rights, and
    the role's own name."""
    return {
        (label, action, resource): name
        for label, name in roles.items()
        for statement in _statements(name, policies)
        for action in _several(statement["Action"])
        for resource in _several(statement["Resource"])
    }


def walk(rights: Mapping[Right, str], settings: Settings, unseen: Unseen) -> None:
    """Fails where nobody made use of a right that fits no pattern of `unseen`, or `unseen` has a pattern too many."""
    used = [json.loads(line) for line in settings.used_rights.read_text().splitlines()]
    unused = {
        right
        for right, name in rights.items()
        if not any(
            role == name and action == right[1] and fnmatch.fnmatchcase(on, right[2]) for role, action, on in used
        )
    }
    known = {
        patterns: {right for right in rights if all(map(fnmatch.fnmatchcase, right, patterns))} for patterns in unseen
    }
    needless = sorted(unused - set().union(*known.values()))
    assert not needless, f"nobody needs {needless}"
    assert [entry for entry, fitting in known.items() if not fitting] == [], "no role has such a right any more"
    needed = sorted(set().union(*known.values()) - unused)
    assert not needed, f"used after all, their entry is wrong: {needed}"


@contextmanager
def without(function: str, action: str) -> Iterator[None]:
    """The function's role without the right to one action."""
    arn = boto3.client("lambda").get_function(FunctionName=function)["Configuration"]["Role"]
    with role_without(arn.rpartition("/")[2], action):
        yield


@contextmanager
def role_without(role: str, action: str) -> Iterator[None]:
    """The role without the right to one action."""
    iam = boto3.client("iam")
    name = iam.list_role_policies(RoleName=role)["PolicyNames"][0]
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    narrowed = json.loads(json.dumps(document))
    for statement in narrowed["Statement"]:
        actions = _several(statement["Action"])
        statement["Action"] = [each for each in actions if each != action] or ["forecast:ListTagsForResource"]
    assert narrowed != document, f"{role} does not have {action}"
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(narrowed))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


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


def _statements(role: str, policies: str) -> Iterator[dict]:
    iam = boto3.client("iam")
    for policy in fnmatch.filter(iam.list_role_policies(RoleName=role)["PolicyNames"], policies):
        yield from iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]["Statement"]


def _several(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]
