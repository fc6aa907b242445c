"""The words of a service's table of resource types; `operations.py` serves what such a table describes.

A service's own `resource_types.py` is a ResourceTypes: how its API spells what every service has (states, members,
errors), and one ResourceType for each kind of resource, with its quotas and what it is made from.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from localaws.errors import ServiceError


@dataclass(frozen=True, kw_only=True)
class States:
    """The statuses of a resource type, as its service spells them; "" for one that the type does not have.

    `stopping` and `stopped` are those of StopResource and the like. A type without `deleting` is gone as soon as it is
    deleted. `settles` says what a change that needs no job ends as (the start of a stopped recommender), and `locked`
    which statuses forbid a deletion besides the busy ones.
    """

    pending: str = ""
    in_progress: str = ""
    done: str = ""
    failed: str = ""
    stopping: str = ""
    stopped: str = ""
    deleting: str = ""
    settles: Mapping[str, str] = field(default_factory=dict)
    locked: tuple[str, ...] = ()

    def busy(self, status: str) -> bool:
        return bool(status) and status in (self.pending, self.in_progress)

    def over(self, status: str) -> bool:
        """Whether a customer has stopped or deleted the resource."""
        return bool(status) and status in (self.stopping, self.stopped, self.deleting)


class Nothing(TypedDict):
    """What the store keeps of most resources besides what the API shows."""


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """One type of resource. Members and operations are those of the API.

    name              as in Create<name>
    states            its statuses
    plural            as in List<plural>; default: <name>s
    listed_as         the member under which List answers; default: the plural
    prefix            starts the resource part of its ARN; default: the name as in dataset-group
    named_by          the member of the Create call that names it; default: <name>Name
    parents           members that hold the ARN, or the ARNs, that it is made from; the first one is its group
    nested            whether its ARN carries its parent's name
    arn_path          the ARN's resource part by the Create call's members, where it is not made as above
    created_by        operations that make it; default: Create<name>
    filters           what its List operation filters by
    most              how many an account may have besides those that are being deleted, None: not limited here
    most_busy         how many may be pending or in progress at once; None for types that no job makes
    most_per_parent   how many may be made from one parent
    stops_from        the statuses in which it can be stopped
    deleted_with      whether its parent's deletion removes it, instead of being refused because of it
    uses              members with the ARNs that cannot be deleted while it is there, although it is not made from them
    deletion_seconds  how long its deletion can be seen; default: as briefly as any other state
    update            the member that describes the newest update of what serves meanwhile
    private           a TypedDict: what the store keeps of it besides what the API shows
    """

    name: str
    states: States
    plural: str = ""
    listed_as: str = ""
    prefix: str = ""
    named_by: str = ""
    parents: tuple[str, ...] = ()
    nested: bool = False
    arn_path: Callable[[Mapping], str] | None = None
    created_by: tuple[str, ...] | None = None
    filters: tuple[str, ...] = ()
    most: int | None = None
    most_busy: int | None = None
    most_per_parent: int | None = None
    stops_from: tuple[str, ...] = ()
    deleted_with: bool = False
    uses: tuple[str, ...] = ()
    deletion_seconds: float = 0.0
    update: str = ""
    private: type = Nothing

    def __post_init__(self) -> None:
        defaults = {
            "plural": f"{self.name}s",
            "prefix": re.sub(r"(?<!^)(?=[A-Z])", "-", self.name).lower(),
            "named_by": f"{self.name}Name",
        }
        for member, default in defaults.items():
            object.__setattr__(self, member, getattr(self, member) or default)
        if self.created_by is None:
            object.__setattr__(self, "created_by", (f"Create{self.name}",))

    def check_private(self, private: Mapping) -> None:
        if unknown := private.keys() - self.private.__annotations__.keys():
            raise AssertionError(f"{self.name} keeps {sorted(unknown)}, which {self.private.__name__} does not declare")

    def resource_part(self, params: Mapping) -> str:
        """What follows the account in the ARN of the resource that a Create call makes."""
        if self.arn_path:
            return self.arn_path(params)
        parent = f"{params[self.parents[0]].rpartition('/')[2]}/" if self.nested else ""
        return f"{self.prefix}/{parent}{params[self.named_by]}"


@dataclass(frozen=True, kw_only=True)
class Members:
    """How a service spells the members that every service has. `status` may name the type: "{type}Status"."""

    capitals: bool  # DatasetArn, not datasetArn
    status: str
    created: str
    modified: str
    failure: str
    tag_key: str
    tag_value: str

    def spelled(self, name: str) -> str:
        """`name` is written as in Forecast: DatasetArn."""
        return name if self.capitals else name[0].lower() + name[1:]


@dataclass(frozen=True)
class Refusal:
    """An error code and its message, in which names in braces stand for what was found."""

    code: str
    message: str

    def error(self, **found: object) -> ServiceError:
        return ServiceError(self.code, self.message.format(**found))


@dataclass(frozen=True, kw_only=True)
class Refusals:
    """Why a call about a resource is refused, in the service's words."""

    missing: Refusal  # {type}, {words} (dataset group of DatasetGroup), {arn}
    taken: Refusal  # {type}, {words} (forecast export of ForecastExportJob), {name}, {arn}
    not_active: Refusal  # {arn}, {status}
    locked: Refusal  # {arn}, {status}: it may not be deleted now
    in_use: Refusal  # {arn}, {other}, {others}
    unstoppable: Refusal  # {type}, {arn}, {status}
    too_many_tags: Refusal  # {arn}, {count}, {most}
    too_many: Refusal = Refusal("LimitExceededException", "There are {most} {plural}, the most there may be")
    too_many_busy: Refusal = Refusal("LimitExceededException", "{most} {type} resources are being created")
    too_many_per_parent: Refusal = Refusal(
        "LimitExceededException", "{parent} has {most} {plural}, the most it may have: {others}"
    )


@dataclass(frozen=True, kw_only=True)
class ResourceTypes:
    """The table of a service.

    `wanted(type, params)` says which resources a List call keeps, by what Describe shows of each. With `by_name`, calls
    name a resource by <type>Name instead of its ARN. With `enveloped`, Describe answers under the type's name.
    `newest_first` is the order of lists. `verbs` are what the service calls Describe and List, and `tag_operations`
    list, add and remove tags.
    """

    service: str  # as in ARNs
    types: Mapping[str, ResourceType]
    members: Members
    refusals: Refusals
    wanted: Callable[[ResourceType, Mapping], Callable[[Mapping], bool]]
    by_name: bool = False
    newest_first: bool = False
    enveloped: bool = False
    verbs: tuple[str, str] = ("Describe", "List")
    most_tags: int = 50
    tag_operations: tuple[str, str, str] = ("ListTagsForResource", "TagResource", "UntagResource")

    def list_member(self, type_name: str) -> str:
        """The member under which a List operation answers."""
        resource_type = self.types[type_name]
        return resource_type.listed_as or self.members.spelled(resource_type.plural)


def table(*types: ResourceType) -> dict[str, ResourceType]:
    return {each.name: each for each in types}
