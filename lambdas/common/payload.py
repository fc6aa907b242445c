"""What flows through both state machines: the types that Lambda handlers take and return, and whose field names the
JSONata of `infra/` is built from (`infra/expressions.py`).

A field that may be absent is `NotRequired`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

from common.tables import Layout

AwsJson = dict[str, Any]  # AWS's own JSON, such as the request of an operation or the answer to it


class Execution(TypedDict):
    """What every step receives beside its payload: the ARN of the execution, for its log lines."""

    execution: str


class Start(TypedDict):
    """The input of an execution. Uploads and the daily sweep give none of it."""

    force: NotRequired[bool]  # import and train also if nothing changed
    dry_run: NotRequired[bool]  # end with the plan, change nothing


class UploadEvent(TypedDict):
    """The input of an execution that an upload started: EventBridge's event, of which nothing but this is read."""

    source: str


class Wait(TypedDict):
    """The wait for a resource to become ACTIVE."""

    arn: str
    status: str
    message: NotRequired[str]  # the service's reason for a failure
    seconds: int  # until the next poll
    waited: int  # seconds since the first poll


class Waiting(TypedDict):
    """A payload with the wait for a resource."""

    wait: NotRequired[Wait]


class StepError(TypedDict):
    """Which step failed, and the message."""

    step: str
    message: str


class Failure(StepError):
    """Why a step failed, as it reaches the Fail state of its chain."""

    resource: NotRequired[str]  # its ARN
    error: str


class Failed(TypedDict):
    """The result of a chain whose failure doesn't fail the run."""

    failure: Failure


class CaughtError(TypedDict):
    """An error as Step Functions gives it to a catcher."""

    Error: str
    Cause: str


class Quarantined(TypedDict):
    """A file that was moved into quarantine, and why."""

    kind: str
    file: str  # its URI before
    movedTo: str  # its URI now
    message: str
    importJobArn: NotRequired[str]  # absent: it was refused before any import
    last: NotRequired[bool]  # it was the last file of its kind


class Refusals(TypedDict):
    """The files that Plan refused, and moved into quarantine unless the run is a dry one."""

    count: int
    files: list[Quarantined]  # the first of them


class Refusing(TypedDict):
    """What each of Plan's answers has beside all else."""

    refused: NotRequired[Refusals]
    lost: NotRequired[Failure]  # a kind of dataset lost its last file: the run fails


class NothingNew(Refusing):
    """Plan's answer that ends a run early, for whoever started it."""

    nothingNew: str
    waitsFor: NotRequired[str]  # the kind of dataset that a file is missing of


class PlanRequest(Execution):
    """What Plan works from, in both pipelines, beside the config."""

    dataset: str
    started: str  # ISO 8601, of the execution
    force: bool
    attempt: int  # of this run to import; from the second on, files had changed or gone into quarantine
    dryRun: NotRequired[bool]  # absent in a run that an earlier version began
    dataBucket: str
    resultsBucket: str
    roleArn: NotRequired[str]  # of the service; absent: the engine is not a service
    tags: dict[str, str]
    kmsKeyArn: NotRequired[str]


class Planned(TypedDict):
    """What the plans of both pipelines have, and a dry run leaves out."""

    config: Any


class DryRun(TypedDict):
    """What a run ends with that was to change nothing."""

    dryRun: Mapping[str, Any]  # the plan


class Inputs(TypedDict):
    """What a run works on: the checksums of the files by kind of dataset, and that of the config."""

    files: dict[str, str]
    config: str


class CopiedFile(TypedDict):
    """A file to copy before it is imported."""

    key: str
    etag: str
    layout: NotRequired[Layout]  # absent: it is copied as it is
    header: NotRequired[list[str]]  # of the copy, where it is rewritten
    escape: NotRequired[str]  # the character that escapes quotes, where quotes are not doubled


class PlannedRun(TypedDict):
    """Which files a run works on."""

    dataBucket: str
    resultsBucket: str
    run: str  # its id


class Copies(TypedDict):
    """Planned copies of files (lambdas/common/copies.py)."""

    dataBucket: str
    resultsBucket: str
    copies: str  # the key of the list of files to copy, in the results bucket; empty: none


class Import(Copies):
    """A planned import of a folder of the data bucket, or of copies of files in it."""

    kind: str  # of dataset, such as "target" or "users"
    dataset: str
    run: str
    attempt: int
    folder: str  # of the kind, in the data bucket
    changed: bool  # only those that changed are imported
    importedChecksum: str  # of what the dataset holds after the import
    plannedChecksum: str  # of the files as Plan saw them; empty if the import reads copies
    request: AwsJson


class ImportRequest(Import, Execution):
    """Load starts the import."""

    part: Literal["import"]


class ImportStarted(TypedDict):
    """Load's answer to an ImportRequest."""

    importJobArn: str


class ConfirmRequest(Import, Execution, ImportStarted):
    """Load confirms what an import that succeeded has read."""

    part: Literal["confirm"]


class QuarantineRequest(Import, Execution, ImportStarted):
    """Load moves the file that made an import fail into quarantine."""

    part: Literal["quarantine"]
    wait: Wait


class Reimport(TypedDict):
    """Load's answer to a ConfirmRequest or a QuarantineRequest."""

    reimport: NotRequired[bool]  # the run plans and imports again, as the files changed
    refused: NotRequired[Quarantined]


class NothingMoved(TypedDict):
    """Load's answer to a QuarantineRequest: why no file was moved, behind the service's message."""

    wait: Wait


class ImportResult(Import, ImportStarted, Reimport):
    """An import that ended, ACTIVE or failed."""

    wait: Wait


class Importing(TypedDict):
    """The payload of a pipeline around its imports, and what they add to it."""

    imports: list[Import]
    reimport: bool
    lost: NotRequired[Failure]  # the import that the run cannot do without


class Outcome(TypedDict):
    """How a run ended."""

    summary: NotRequired[Mapping[str, Any]]
    failure: NotRequired[CaughtError]
