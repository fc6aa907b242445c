"""Just enough of Personalize to see what is taken away, and in which order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.unit.lambdas.conftest import arn

# by kind: the member that names its parent in a List call, and the kinds that must be gone before it
_KINDS = {
    "dataset_group": (None, ("recommender", "event_tracker", "solution", "dataset")),
    "recommender": ("datasetGroupArn", ()),
    "filter": ("datasetGroupArn", ()),
    "event_tracker": ("datasetGroupArn", ()),
    "solution": ("datasetGroupArn", ("campaign",)),
    "solution_version": ("solutionArn", ()),
    "campaign": ("solutionArn", ()),
    "dataset": ("datasetGroupArn", ("recommender",)),
    "schema": (None, ()),
}


class InUse(Exception):
    pass


class Gone(Exception):
    pass


class Personalize:
    """Resources `(kind, name, parent's name)`; one under deletion is gone at the second look."""

    meta = SimpleNamespace(service_model=SimpleNamespace(service_name="personalize"))
    exceptions = SimpleNamespace(ResourceInUseException=InUse, ResourceNotFoundException=Gone)

    def __init__(self, *resources: tuple[str, str, str]) -> None:
        self.there = {(kind, name): [parent, "ACTIVE"] for kind, name, parent in resources}
        self.deleted: list[str] = []
        self.stopped: list[str] = []

    def get_paginator(self, operation: str) -> Any:
        kind = operation.removeprefix("list_").removesuffix("s")
        return SimpleNamespace(paginate=lambda **narrower: [{_listing(kind): self._listed(kind, narrower)}])

    def _listed(self, kind: str, narrower: dict[str, str]) -> list[dict[str, str]]:
        [parent] = [value.rsplit("/", 1)[1] for value in narrower.values()] or [None]
        assert list(narrower) == ([_KINDS[kind][0]] if parent else [])
        found = [(key, state) for key, state in self.there.items() if key[0] == kind and parent in (None, state[0])]
        for key, state in found:
            if state[1] == "DELETE IN_PROGRESS":
                del self.there[key]
        ages = list(self.there)
        return [
            {
                "name": key[1],
                f"{_member(kind)}Arn": _arn(*key),
                "status": state[1],
                "creationDateTime": ages.index(key) if key in ages else -1,
            }
            for key, state in found
        ]

    def stop_solution_version_creation(self, solutionVersionArn: str) -> None:
        self.stopped.append(name := solutionVersionArn.rsplit("/", 1)[1])
        self.there["solution_version", name][1] = "CREATE STOPPED"

    def __getattr__(self, operation: str) -> Any:
        kind = operation.removeprefix("delete_")

        def delete(**request: str) -> None:
            name = request[f"{_member(kind)}Arn"].rsplit("/", 1)[1]
            if (kind, name) not in self.there:
                raise Gone
            if self.there[kind, name][1] in ("CREATE PENDING", "CREATE IN_PROGRESS"):
                raise InUse
            if any(other in _KINDS[kind][1] and state[0] == name for (other, _), state in self.there.items()):
                raise InUse
            self.there[kind, name][1] = "DELETE IN_PROGRESS"
            self.deleted.append(name)
            for version in [key for key, state in self.there.items() if key[0] == "solution_version"]:
                if kind == "solution" and self.there[version][0] == name:
                    del self.there[version]

        return delete


def _member(kind: str) -> str:
    first, *others = kind.split("_")
    return first + "".join(word.capitalize() for word in others)


def _listing(kind: str) -> str:
    """The member of a List answer."""
    return "Filters" if kind == "filter" else f"{_member(kind)}s"


def _arn(kind: str, name: str) -> str:
    return arn("personalize", f"{kind.replace('_', '-')}/{name}")
