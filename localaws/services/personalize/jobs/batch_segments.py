"""A batch segment job, in a process of its own: a file of JSON lines in, one of the same name and .out out.

Each line asks for the users of an item, or of item attributes, and is answered with their ids, best first, under
`usersList`, as recorded (docs/aws-sources.md#personalize-batch-data-upload writes recommendedUsers). A line that cannot
be answered says why.
"""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from localaws.errors import JobFailed, ServiceError, invalid
from localaws.jobs import Result
from localaws.s3 import Access, check_folder, read, write
from localaws.services.personalize.answering import Served, served
from localaws.services.personalize.jobs.batch_inference import SUFFIXES, lines_of, output_name, parsed
from localaws.services.personalize.training_data import frame_of
from storecast_engines import recommending

# docs/aws-sources.md#personalize-item-affinity-recipe, docs/aws-sources.md#personalize-item-attribute-affinity-recipe
MOST_QUERIES = {recommending.ITEM_AFFINITY: 500, recommending.ITEM_ATTRIBUTE_AFFINITY: 10}
_CONDITION = re.compile(r'ITEMS\.(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|(-?\d+(?:\.\d+)?))', re.IGNORECASE)


@dataclass(frozen=True)
class Segments:
    """`model`: the folder of a trained model. `items`: the files of the Items dataset."""

    source: str
    destination: str
    recipe: str
    model: Path
    settings: recommending.Settings
    users: int
    items: list[str]


def find_segments(job: Segments, access: Access) -> Result:
    """Answers each line of each input file."""
    inputs = {file.uri: lines_of(file) for file in read(access, job.source, " or ".join(SUFFIXES), only=SUFFIXES)}
    queries, most = sum(map(len, inputs.values())), MOST_QUERIES[job.recipe]
    if queries > most:
        raise JobFailed(f"{job.source} has {queries:,} lines; a batch segment job of {job.recipe} may have {most}.")
    check_folder(access, job.destination)
    users = _Users(job, served(job.model))
    for uri, lines in inputs.items():
        body = "".join(f"{_answer(users, line)}\n" for line in lines)
        write(access, job.destination, output_name(uri, job.source) + ".out", body.encode())
    return Result()


@dataclass(frozen=True, eq=False)
class _Users:
    """All users with their histories, to choose segments from."""

    job: Segments
    by: Served

    @cached_property
    def matrix(self):  # type: ignore[no-untyped-def]  # scipy has no types
        return recommending.histories(self.by.events, self.job.settings)

    @cached_property
    def attributes(self) -> dict[tuple[str, str], list[int]]:
        return recommending.attributes(self.by.model["item_ids"], frame_of(self.job.items, "ITEM_ID"))

    def of(self, asked: object) -> list[str]:
        """The user ids of a line's segment. Raises InvalidInputException."""
        member = "itemId" if self.job.recipe == recommending.ITEM_AFFINITY else "itemAttributes"
        text = asked.get(member) if isinstance(asked, dict) else None
        if not isinstance(text, str):
            raise invalid(f"Required fields for the provided recipe are {member}")
        wanted = self._item(text) if member == "itemId" else self._having(text)
        affinity = recommending.affinities(self.by.model, self.matrix, wanted)
        return self.by.events.user_ids[recommending.segment(self.by.events, affinity, self.job.users)].tolist()

    def _item(self, name: str) -> np.ndarray:
        found = self.by.model["item_ids"] == name
        if not found.any():
            raise invalid(f"Item {name} was not in the data that the solution version was trained on")
        return found

    def _having(self, expression: str) -> np.ndarray:
        """The items that have all attributes of an expression such as ITEMS.genres = "Comedy" AND ITEMS.year = 1999."""
        having = np.ones(len(self.by.model["item_ids"]), dtype=bool)
        rest = expression
        while True:
            found = _CONDITION.match(rest.strip())
            if not found:
                raise invalid(f'itemAttributes is {expression!r}; it must be such as ITEMS.genres = "Comedy" AND ...')
            column, word, number = found.groups()
            value = f"{float(number):g}" if word is None else re.sub(r"\\(.)", r"\1", word)
            items = self.attributes.get((column.upper(), value))
            if items is None:
                raise invalid(f"No item had {column} {value} when the solution version was trained")
            having &= recommending.having(len(having), items)
            rest = rest.strip()[found.end() :].strip()
            if not rest:
                return having
            if not re.match(r"AND\s", rest, re.IGNORECASE):
                raise invalid(f"itemAttributes is {expression!r}; conditions may be joined by AND alone")
            rest = rest[3:]


def _answer(users: _Users, line: str) -> str:
    asked: object = line
    output: dict[str, list[str]] = {"usersList": []}
    error: str | None = None
    try:
        asked = parsed(line)
        output = {"usersList": users.of(asked)}
    except ServiceError as wrong:
        error = f"User error: {wrong}"
    return json.dumps({"input": asked, "output": output, "error": error}, ensure_ascii=False)
