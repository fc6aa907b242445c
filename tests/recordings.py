"""What the real services answered, as public notebooks recorded it; contract/recorded/README.md explains the files."""

import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "contract" / "recorded"


@cache
def samples(service: str, operation: str) -> list[dict[str, Any]]:
    """The complete recordings of an operation; the guide's examples only where nothing else is there."""
    found = json.loads((FOLDER / f"{service}.{operation}.json").read_text())
    notebooks = [each for each in found if "documentation" not in each["source"] and not each.get("partial")]
    return notebooks or found


def recorded(service: str, operation: str, **changes: Any) -> dict[str, Any]:
    """A real answer made to be about another resource: `changes` replace its members, and None removes one."""
    answer = samples(service, operation)[0]["response"] | changes
    return {name: value for name, value in answer.items() if value is not None and name != "ResponseMetadata"}


def without_empty(value: Any) -> Any:
    """An answer without its empty structures: a service sends one for a structure that is not set (EncryptionConfig),
    whatever members the model requires of it."""
    if isinstance(value, dict):
        return {name: without_empty(each) for name, each in value.items() if each != {}}
    return [without_empty(each) for each in value] if isinstance(value, list) else value


@cache
def statuses() -> dict[str, set[str]]:
    """What notebooks printed while they polled, by the Describe call; only of cells with one such call."""
    found: dict[str, set[str]] = {}
    for each in json.loads((FOLDER / "statuses.json").read_text()):
        found.setdefault(each["called in the cell"], set()).add(each["status printed"])
    return {call: printed for call, printed in found.items() if "," not in call}


def message(service: str, operation: str, code: str | None, like: str) -> str:
    """The recorded text in which `like` occurs."""
    found = [
        each["message"]
        for each in json.loads((FOLDER / "errors.json").read_text())
        if (each["service"], each["operation"], each["code"]) == (service, operation, code)
        and like in (each["message"] or "")
    ]
    assert len(found) == 1, found
    return found[0]
