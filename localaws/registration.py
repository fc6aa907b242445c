"""How a service registers with the emulator, and what one of its operations knows about its call."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from localaws import protocol
from localaws.jobs import Jobs
from localaws.resource_types import ResourceTypes
from localaws.resources import Resource, Store
from localaws.s3 import Access


@dataclass(frozen=True)
class Context:
    """What an operation knows about its call besides its parameters."""

    account: str
    region: str
    store: Store
    jobs: Jobs
    assume: Callable[[str, str, str], Access]
    resource_policy_allows: Callable[[str, str, str, str], bool]
    require_key: Callable[[str, str, str, str, Iterable[str]], None]
    # Of a role, a service, what it works on: S3 actions on an s3:// path. And whether there is an object at a path.
    require_location: Callable[[str, str, str, Iterable[str], str], None]
    holds: Callable[[str], bool]
    # Of whoever calls, a further action on a resource, with condition keys; CloudFormation's own calls need none here.
    require: Callable[[str, str, dict[str, str]], None] = lambda action, resource, context: None

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True)
class Registration:
    """A service, or several behind one signing name, as the emulator serves it.

    `service_for(request)` picks the botocore service; `new_arns(operation, params)` names what a create operation
    makes, so that IAM is asked about it too; `sdk_prefix` is how Step Functions prefixes its errors. `event(resource)`
    is the detail-type and the detail of the EventBridge event that its new status sends, None for no event.
    `resume(context)` takes up, after a start, what the last process left.
    """

    types: ResourceTypes
    signing_name: str
    target_prefixes: tuple[str, ...]
    service_for: Callable[[protocol.Request], protocol.Service]
    new_arns: Callable[[str, dict], list[str]]
    sdk_prefix: str = ""
    cloudformation: Mapping[str, Mapping[str, Callable]] = field(default_factory=dict)
    event: Callable[[Resource], tuple[str, dict] | None] = lambda resource: None
    resume: Callable[[Context], None] = lambda context: None
