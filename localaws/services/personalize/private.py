"""What the store keeps of Personalize's resources besides what the API shows."""

from typing import Any, NotRequired, TypedDict


class DatasetPrivate(TypedDict):
    files: NotRequired[list[str]]  # of bulk imports, oldest first


class DeletionPrivate(TypedDict):
    """Of a data deletion job, until it has ended."""

    rewritten: dict[str, str]  # files of bulk imports, and those that take their place
    users: list[str]


class TrainedPrivate(TypedDict):
    """Of a recommender or a solution version, once it is trained."""

    model: str  # the folder of its files
    settings: dict[str, Any]  # recommending.Settings by member
