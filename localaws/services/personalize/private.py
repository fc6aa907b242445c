"""What the store keeps of Personalize's resources besides what the API shows."""

from typing import Any, NotRequired, TypedDict


class DatasetPrivate(TypedDict):
    files: NotRequired[list[str]]  # of bulk imports, oldest first


class TrainedPrivate(TypedDict):
    """Of a recommender or a solution version, once it is trained."""

    model: str  # the folder of its files
    settings: dict[str, Any]  # recommending.Settings by member
