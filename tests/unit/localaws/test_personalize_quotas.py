"""The quotas of a region: so many of a kind, so many of them at work at once (quotas page of the guide)."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from localaws.errors import ServiceError
from localaws.resources import Store
from localaws.services.personalize.resource_types import PERSONALIZE, TYPES

ARN = "arn:aws:personalize:us-east-1:000000000000:"


@pytest.fixture
def context(tmp_path: Path) -> Iterator[SimpleNamespace]:
    store = Store(tmp_path)
    yield SimpleNamespace(store=store, arn=lambda service, resource: ARN + resource)
    store.close()


def _create(context: SimpleNamespace, kind: str, number: int):
    params = {
        "name": f"n{number}",
        "jobName": f"n{number}",
        "version": f"{number:08x}",
        "solutionArn": f"{ARN}solution/s",
        "datasetGroupArn": f"{ARN}dataset-group/g{number // 5}",
    }
    return PERSONALIZE.create(context, kind, params)


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ("DatasetImportJob", 5),
        ("DatasetExportJob", 5),
        ("BatchInferenceJob", 5),
        ("SolutionVersion", 20),
    ],
)
def test_so_many_may_be_in_progress(context, kind: str, most: int) -> None:
    made = [_create(context, kind, number) for number in range(most)]
    context.store.update(made[0].arn, TYPES.types[kind].states.in_progress)
    with pytest.raises(ServiceError, match=f"More than {most} resources with PENDING or IN_PROGRESS") as refused:
        _create(context, kind, most)
    assert refused.value.code == "LimitExceededException"
    context.store.update(made[0].arn, TYPES.types[kind].states.done)
    _create(context, kind, most)


@pytest.mark.parametrize(("kind", "most"), [("DatasetGroup", 5), ("Recommender", 15), ("Schema", 500)])
def test_so_many_may_exist(context, kind: str, most: int) -> None:
    for number in range(most):
        context.store.update(_create(context, kind, number).arn, "ACTIVE")
    with pytest.raises(ServiceError, match=f"maximum of {most} resources of type {kind}") as refused:
        _create(context, kind, most)
    assert refused.value.code == "LimitExceededException"
    with pytest.raises(ServiceError) as refused:
        _create(context, kind, 0)
    assert refused.value.code == "ResourceAlreadyExistsException"


def test_a_group_is_seen_to_be_deleted_and_counts_no_more(context) -> None:
    """Notebooks ask for the status of a group after its deletion, a call later; other types are gone after a moment."""
    asked: list[float] = []
    context.jobs = SimpleNamespace(later=lambda function, *arguments, seconds=0.0: asked.append(seconds))
    groups = [_create(context, "DatasetGroup", number) for number in range(5)]
    for each in groups:
        context.store.update(each.arn, "ACTIVE")
    PERSONALIZE.remove(context, context.store.get(groups[0].arn))
    assert context.store.get(groups[0].arn).status == "DELETE PENDING"
    assert asked[0] >= 1
    _create(context, "DatasetGroup", 5)
    PERSONALIZE.remove(context, context.store.get(groups[0].arn))
    assert len(asked) == 1, "deleted once, or a later group of the name would go too"
