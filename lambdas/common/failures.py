"""What a failed step says."""

from __future__ import annotations

import json
import re

_NEXT = {  # by what the error or its message begins with; the operations guide says more
    "LimitExceededException": "see what else uses the quota, or ask AWS for a higher one, then start with {}",
    "AccessDeniedException": "a permission was removed: deploy again, which restores the roles, then start with {}",
    "Storecast.BudgetSpent": "see the job in the service's console; when it has ended, start with {}",
}
_FIX = "fix the cause, then start the state machine with {}, or upload the corrected file, which starts it"
# How Glue begins the message of a script's own error.
_OF_A_SCRIPT = re.compile(r"(Error Category: \w+; )?(Failed Line Number: \d+; )?JobFailed: ")


def in_words(message: str) -> str:
    """The message of a step's failure: a Lambda function's own error comes as `{errorMessage, errorType}`, and may be
    cut off at the end; one of the job on Glue begins with the name of its exception."""
    if found_of_job := _OF_A_SCRIPT.match(message):
        return message[found_of_job.end() :]
    if found := parsed(message).get("errorMessage"):
        return found
    cut_off = re.match(r'\s*\{"errorMessage":\s*"((?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-f]{4})*)', message, re.IGNORECASE)
    return str(json.loads(f'"{cut_off[1]}"', strict=False)) if cut_off else message


def parsed(text: str) -> dict[str, str]:
    """The JSON object that the text is, an empty one if it is none."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def next_step(failure: str) -> str:
    """What a person should do after a run failed with this error and message."""
    return next((advice for what, advice in _NEXT.items() if what in failure), _FIX)
