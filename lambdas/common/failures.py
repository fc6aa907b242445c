"""What a failed step says."""

from __future__ import annotations

import json
import re


def in_words(message: str) -> str:
    """The message of a step's failure: a Lambda function's own error comes as `{errorMessage, errorType}`, and may be
    cut off at the end."""
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
