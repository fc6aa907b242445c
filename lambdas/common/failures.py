"""What a failed step says."""

from __future__ import annotations

import json


def in_words(message: str) -> str:
    """The message of a step's failure: a Lambda function's own error comes as `{errorMessage, errorType}`."""
    return parsed(message).get("errorMessage", message)


def parsed(text: str) -> dict[str, str]:
    """The JSON object that the text is, an empty one if it is none."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
