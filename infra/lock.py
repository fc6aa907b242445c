"""The lock of a pipeline: one run at a time, and one more after it for data that came in between.

The lock is one DynamoDB item per pipeline: `holder`, the execution that runs, and `pending`, whether data came in after
its plan. An execution that finds the lock held marks it as pending and ends; if it is marked, the holder's last step
hands the lock to a next execution. If the holder is no longer running, the next execution takes the lock over.

Each of these steps may run twice, as its response may get lost. A run that cannot release the lock despite its retries
ends as it would have: the next start takes the lock over, and the daily sweep covers data that came in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from aws_cdk import Aws

from common.payload import CaughtError, Outcome, Start, StepError
from infra.expressions import Expression, built, merged, payload, record, template
from infra.steps import CAUGHT, EXECUTION, State, patient

ME = template(EXECUTION)
INPUT = "{% $states.input %}"
_CONDITION_FAILED = "DynamoDb.ConditionalCheckFailedException"
_NEXT_NAME = "$substring($hash($states.context.Execution.Name, 'SHA-256'), 0, 32)"


class Held(Start):
    """The payload of an execution that found the lock held."""

    holder: str  # the ARN of the execution that holds it
    status: str  # of that execution


class Joined(TypedDict):
    """The output of an execution whose data the run after the holder's serves."""

    joined: str
    meaning: str


_HELD = payload(Held)


@dataclass(frozen=True)
class Lock:
    pipeline: str
    table: str

    def taking(self, then: str) -> dict[str, State]:
        return {
            **self._put(
                "Take the lock",
                "attribute_not_exists(pipeline) OR holder = :me",
                {},
                next_state=then,
                otherwise="Mark the lock",
            ),
            **self._update(
                "Mark the lock",
                "SET pending = :pending",
                "attribute_exists(pipeline)",
                {":pending": {"S": "yes"}},
                output=template(merged(_HELD, holder=Expression("$states.result.Attributes.holder.S"))),
                next_state="Look at the holder",
                otherwise="Take the lock",
            ),
            **_call(
                "Look at the holder",
                "sfn:describeExecution",
                {"ExecutionArn": template(_HELD.holder)},
                output=template(merged(_HELD, status=Expression("$states.result.Status"))),
                next_state="Is the holder at work?",
                expected={
                    "ErrorEquals": ["Sfn.ExecutionDoesNotExistException"],
                    "Next": "Is the holder at work?",
                    "Output": template(merged(_HELD, status="GONE")),
                },
            ),
            "Is the holder at work?": {
                "Type": "Choice",
                "Default": "Take over the lock",
                "Choices": [
                    {
                        "Condition": template(f"{_HELD.status} = 'RUNNING' and {_HELD.force} = true"),
                        "Next": "Busy",
                    },
                    {
                        "Condition": template(f"{_HELD.status} = 'RUNNING'"),
                        "Next": "Joined",
                        "Output": record(
                            Joined,
                            joined=_HELD.holder,
                            meaning="that run is in progress; the next run processes later files",
                        ),
                    },
                ],
            },
            "Joined": {"Type": "Succeed"},
            "Busy": {
                "Type": "Fail",
                "Error": "Storecast.Busy",
                "Cause": template(f"'not forced: ' & {_HELD.holder} & ' is running; start again when it has ended'"),
            },
            **self._put(
                "Take over the lock",
                "holder = :ended OR holder = :me",
                {":ended": {"S": template(_HELD.holder)}},
                next_state=then,
                otherwise="Mark the lock",
            ),
        }

    def unmarking(self, then: str) -> dict[str, State]:
        """What came while settling belongs to this run."""
        return self._update(
            "Unmark the lock",
            "SET pending = :pending",
            "holder = :me",
            {":pending": {"S": "no"}, ":me": {"S": ME}},
            next_state=then,
        )

    def releasing(self, then: str) -> dict[str, State]:
        """The pipeline's outcome goes through: the Parallel's list of one, or its failure."""
        summary = built(Outcome, summary=payload(list[Outcome])[0].summary)
        outcome = template(f"$type($states.input) = 'array' ? {summary} : $states.input")
        successor = (
            "$substring($states.context.Execution.Id, 0, $length($states.context.Execution.Id)"
            f" - $length($states.context.Execution.Name)) & {_NEXT_NAME}"
        )
        return {
            **_call(
                "Release the lock",
                "dynamodb:deleteItem",
                {
                    "TableName": self.table,
                    "Key": self._key(),
                    "ConditionExpression": "holder = :me AND pending = :pending",
                    "ExpressionAttributeValues": {":me": {"S": ME}, ":pending": {"S": "no"}},
                },
                output=outcome,
                next_state=then,
                expected=_condition_failed("Hand over the lock", outcome),
                giving_up={"Next": then, "Output": outcome},
            ),
            **self._update(
                "Hand over the lock",
                "SET pending = :pending, holder = :next",
                "holder = :me OR holder = :next",
                {":pending": {"S": "no"}, ":next": {"S": template(successor)}, ":me": {"S": ME}},
                next_state="Start the next run",
                otherwise=then,
                giving_up={"Next": then, "Output": INPUT},
            ),
            **_call(
                "Start the next run",
                "sfn:startExecution",
                {
                    "StateMachineArn": "{% $states.context.StateMachine.Id %}",
                    "Name": template(_NEXT_NAME),
                    "Input": "{}",
                },
                output=INPUT,
                next_state=then,
                # It was started, and has ended already.
                expected={
                    "ErrorEquals": ["Sfn.ExecutionAlreadyExistsException"],
                    "Next": then,
                    "Output": INPUT,
                },
                giving_up={"Next": then, "Output": INPUT},
            ),
        }

    def _key(self) -> State:
        return {"pipeline": {"S": self.pipeline}}

    def _put(self, name: str, condition: str, values: State, *, next_state: str, otherwise: str) -> dict[str, State]:
        """The lock is mine if the condition holds, `:me` being this execution."""
        return _call(
            name,
            "dynamodb:putItem",
            {
                "TableName": self.table,
                "Item": {**self._key(), "holder": {"S": ME}, "pending": {"S": "no"}},
                "ConditionExpression": condition,
                "ExpressionAttributeValues": {":me": {"S": ME}, **values},
            },
            output=INPUT,
            next_state=next_state,
            expected=_condition_failed(otherwise),
        )

    def _update(
        self,
        name: str,
        update: str,
        condition: str,
        values: State,
        *,
        next_state: str,
        otherwise: str | None = None,
        output: str = INPUT,
        giving_up: State | None = None,
    ) -> dict[str, State]:
        return _call(
            name,
            "dynamodb:updateItem",
            {
                "TableName": self.table,
                "Key": self._key(),
                "UpdateExpression": update,
                "ConditionExpression": condition,
                "ExpressionAttributeValues": values,
                "ReturnValues": "ALL_NEW",
            },
            output=output,
            next_state=next_state,
            expected=_condition_failed(otherwise) if otherwise else None,
            giving_up=giving_up,
        )


def _call(
    name: str,
    operation: str,
    arguments: State,
    *,
    output: str,
    next_state: str,
    expected: State | None = None,
    giving_up: State | None = None,
) -> dict[str, State]:
    """The state `name`: a call of the AWS SDK, retried unless it ends in the `expected` error, a catcher.

    When the retries are used up, the catcher `giving_up` applies, by default reporting the run's failure.
    """
    retry = [{"ErrorEquals": expected["ErrorEquals"], "MaxAttempts": 0}] if expected else []
    cause = Expression(f"$string({built(StepError, step=name, message=CAUGHT.Cause)})")
    reported = record(Outcome, failure=record(CaughtError, Error=CAUGHT.Error, Cause=cause))
    return {
        name: {
            "Type": "Task",
            "Resource": f"arn:{Aws.PARTITION}:states:::aws-sdk:{operation}",
            "Arguments": arguments,
            "Output": output,
            "Retry": [*retry, patient("States.TaskFailed")],
            "Catch": [
                *([expected] if expected else []),
                {"ErrorEquals": ["States.ALL"], **(giving_up or {"Next": "Notify failure", "Output": reported})},
            ],
            "Next": next_state,
        }
    }


def _condition_failed(following: str, output: str = INPUT) -> State:
    """A catcher."""
    return {"ErrorEquals": [_CONDITION_FAILED], "Next": following, "Output": output}
