"""A batch inference job, in a process of its own: a file of JSON lines in, one of the same name and .out out.

Each line is a request of its own; one that cannot be answered has no items and says why, and the job goes on. Lines
read and written have the forms of docs/aws-sources.md#personalize-batch-data-upload; a line's filterValues that of
docs/aws-sources.md#personalize-filter-batch.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from localaws.errors import JobFailed, ServiceError, invalid
from localaws.jobs import Result
from localaws.s3 import Access, File, check_folder, read, write
from localaws.services.personalize.answering import MOST_RESULTS, Deployed, served
from localaws.services.personalize.recipes import RECIPES
from localaws.services.personalize.records import of_files
from storecast_engines import recommending
from storecast_engines.files.rows import FileError, text_of

SUFFIXES = (".json", ".jsonl", ".txt")
MOST_FILES, MOST_BYTES = 1000, 10**9  # docs/aws-sources.md#personalize-limits


@dataclass(frozen=True)
class Infer:
    """`model`: the folder of a trained model. `expression`: of a filter. `files`: of the datasets, by their type."""

    source: str
    destination: str
    recipe: str
    model: Path
    settings: recommending.Settings
    results: int
    expression: str | None
    files: dict[str, list[str]]


def infer(job: Infer, access: Access) -> Result:
    """Answers each line of each input file."""
    inputs = read(access, job.source, " or ".join(SUFFIXES), only=SUFFIXES)
    size = sum(len(file.body) for file in inputs)
    if len(inputs) > MOST_FILES or size > MOST_BYTES:
        raise JobFailed(
            f"{job.source} holds {len(inputs):,} files of {size:,} bytes; a batch inference job may have "
            f"{MOST_FILES:,} files and {MOST_BYTES:,} bytes."
        )
    records = cache(lambda kind: of_files(job.files.get(kind, []), kind))
    by = Deployed(RECIPES[job.recipe], served(job.model), job.settings, records)
    check_folder(access, job.destination)
    for file in inputs:
        lines = [_answer(by, line, job.results, job.expression) for line in lines_of(file)]
        write(
            access,
            job.destination,
            output_name(file.uri, job.source) + ".out",
            "".join(f"{line}\n" for line in lines).encode(),
        )
    return Result()


def lines_of(file: File) -> list[str]:
    """The lines of an input file that are not empty."""
    try:
        return [line for line in text_of(file.uri, file.body).split("\n") if line.strip()]
    except FileError as error:
        raise JobFailed(str(error)) from None


def output_name(uri: str, source: str) -> str:
    """An input file's name, with its path below the input folder."""
    folder = source.rpartition("/")[0] if source.endswith(SUFFIXES) else source.rstrip("/")
    return uri.removeprefix(f"{folder}/")


def _answer(by: Deployed, line: str, results: int, expression: str | None) -> str:
    """A line of output; `error` is null in those of User-Personalization and missing elsewhere unless there is one."""
    asked: Any = line
    output: dict[str, list] = {"recommendedItems": []}
    error: str | None = None
    try:
        asked = parsed(line)
        output = _output(by, asked, results, expression)
    except ServiceError as wrong:
        error = f"User error: {wrong}"
    shown = {"error": error} if error or by.recipe.name == recommending.USER_PERSONALIZATION else {}
    return json.dumps({"input": asked, "output": output} | shown, separators=(",", ":"), ensure_ascii=False)


def parsed(line: str) -> Any:
    """A line's JSON. Raises InvalidInputException."""
    try:
        return json.loads(line)
    except ValueError as error:
        raise invalid(f"The line is not JSON: {error}") from None


def _output(by: Deployed, asked: Any, results: int, expression: str | None) -> dict:
    ranks = by.recipe.ranks
    _check(asked, ["itemId"] if by.recipe.needs_item else ["userId"], ranks)
    request = by.asked(asked, [])
    allowed = request.allowed(expression, asked.get("filterValues", {})) if expression else None
    if ranks:
        items = request.ranked(asked["itemList"], allowed)
    else:
        items = request.listed(request.ranking(results, allowed))
    scores = {"scores": [each.get("score") for each in items]} if any("score" in each for each in items) else {}
    return {"recommendedItems": [each["itemId"] for each in items]} | scores


def _check(asked: object, required: list[str], ranks: bool) -> None:
    """Raises InvalidInputException unless the line has the members that its recipe needs, of the right types."""
    wanted = required + ["itemList"] * ranks
    if not isinstance(asked, dict) or any(member not in asked for member in wanted):
        raise invalid(f"Required fields for the provided recipe are {', '.join(wanted)}")
    for member in required:
        if not isinstance(asked[member], str):
            raise invalid(f"{member} is {asked[member]!r}; it must be a string")
    listed = asked["itemList"] if ranks else []
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed) or len(listed) > MOST_RESULTS:
        raise invalid(f"itemList must be a list of at most {MOST_RESULTS} strings")
    values = asked.get("filterValues", {})
    if not isinstance(values, dict) or not all(isinstance(each, str) for each in values.values()):
        raise invalid(f"filterValues is {values!r}; it must be an object of strings")
