"""The operations that all services have in common: create, describe, list, delete, stop and tag a resource.

Each service's Operations serves the resource types in its table; see `resource_types.py`.
"""

import time
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from localaws.errors import ServiceError
from localaws.registration import Context
from localaws.resource_types import ResourceType, ResourceTypes, States
from localaws.resources import Resource, page


@dataclass(frozen=True)
class Operations:
    """What a service does to any of its resources. The errors are ServiceErrors in the service's words."""

    table: ResourceTypes

    def shared(self) -> dict[str, Callable]:
        """Describe, List and Delete of each type, and the operations on tags, by their names."""
        operations: dict[str, Callable] = {}
        describe, listing = self.table.verbs
        for name, resource_type in self.table.types.items():
            operations[f"{describe}{name}"] = partial(self.describe, name)
            operations[f"{listing}{resource_type.plural}"] = partial(self.list_all, name)
            operations[f"Delete{name}"] = partial(self.delete, name)
        tagging = (self.list_tags, self.tag, self.untag)
        return operations | dict(zip(self.table.tag_operations, tagging, strict=True))

    # --- names ------------------------------------------------------------------------------------------------------

    def named_by_call(self, operation: str, params: Mapping) -> list[str]:
        """The resource parts of the ARNs that a call makes, or names without an ARN: IAM is asked about these too."""
        return [
            self._resource_part(resource_type, params)
            for name, resource_type in self.table.types.items()
            if operation in (resource_type.created_by or ()) or (self.table.by_name and params.get(f"{name}Name"))
        ]

    def arn(self, context: Context, type_name: str, params: Mapping) -> str:
        """The ARN of the resource that a call names by the members of its type."""
        resource_type = self.table.types[type_name]
        if self.table.by_name:
            return context.arn(self.table.service, self._resource_part(resource_type, params))
        return params[self.table.members.spelled(f"{type_name}Arn")]

    def _resource_part(self, resource_type: ResourceType, params: Mapping) -> str:
        """Create may call Name what other operations call JobName."""
        name = params.get(f"{resource_type.name}Name") or params.get(resource_type.named_by)
        return resource_type.resource_part({**params, resource_type.named_by: name})

    # --- one resource -----------------------------------------------------------------------------------------------

    def create(
        self, context: Context, type_name: str, params: Mapping, status: str | None = None, **more: Any
    ) -> Resource:
        """A new resource with the call's members and `more` as its record, PENDING unless `status` says otherwise.

        Raises ServiceError when the name is taken or a quota is reached.
        """
        resource_type = self.table.types[type_name]
        status = resource_type.states.pending if status is None else status
        record = {key: value for key, value in params.items() if key != self.table.members.spelled("Tags")} | more
        arn = context.arn(self.table.service, resource_type.resource_part(record))
        if context.store.find(arn) is None:
            self._check_quotas(context, resource_type, record, resource_type.states.busy(status))
        tags = self._tags(params)
        self._check_tags(arn, tags)
        name = params[resource_type.named_by]
        try:
            return context.store.add(arn, type_name, name, status, record, tags.items())
        except ServiceError:
            words = resource_type.prefix.removesuffix("-job").replace("-", " ")
            raise self.table.refusals.taken.error(type=type_name, words=words, name=name, arn=arn) from None

    def _check_quotas(self, context: Context, resource_type: ResourceType, record: Mapping, busy: bool) -> None:
        refusals, existing = self.table.refusals, self.of_type(context, resource_type.name)
        staying = [each for each in existing if not resource_type.states.deleting == each.status != ""]
        if resource_type.most and len(staying) >= resource_type.most:
            raise refusals.too_many.error(type=resource_type.name, plural=resource_type.plural, most=resource_type.most)
        if (
            resource_type.most_busy
            and busy
            and sum(resource_type.states.busy(each.status) for each in existing) >= resource_type.most_busy
        ):
            raise refusals.too_many_busy.error(type=resource_type.name, most=resource_type.most_busy)
        if resource_type.most_per_parent:
            parent = record[resource_type.parents[0]]
            others = [each.arn for each in existing if each.record[resource_type.parents[0]] == parent]
            if len(others) >= resource_type.most_per_parent:
                words, most = resource_type.prefix.replace("-", " "), resource_type.most_per_parent
                raise refusals.too_many_per_parent.error(
                    parent=parent, plural=f"{words}s", most=most, others=", ".join(others)
                )

    def get(self, context: Context, type_name: str, arn: str, active: bool = False) -> Resource:
        """Raises ServiceError when there is none of this type, or when it should be active and is not."""
        resource = context.store.find(arn)
        if resource is None or resource.type != type_name:
            words = self.table.types[type_name].prefix.replace("-", " ")
            raise self.table.refusals.missing.error(type=type_name, words=words, arn=arn)
        if active and resource.status != self.states(resource).done:
            raise self.table.refusals.not_active.error(arn=arn, status=resource.status)
        return resource

    def existing(self, context: Context, arn: str) -> Resource:
        """A resource of any type. Raises ServiceError when there is none."""
        resource = context.store.find(arn)
        if resource is None:
            raise self.table.refusals.missing.error(type="resource", words="resource", arn=arn)
        return resource

    def states(self, resource: Resource) -> States:
        return self.table.types[resource.type].states

    def view(self, resource: Resource) -> dict[str, Any]:
        """All that Describe and List may answer with; the protocol drops what an operation does not have."""
        members, resource_type = self.table.members, self.table.types[resource.type]
        return resource.record | {
            resource_type.named_by: resource.name,
            members.spelled(f"{resource_type.name}Arn"): resource.arn,
            members.status.format(type=resource_type.name): resource.status,
            members.created: resource.created,
            members.modified: resource.modified,
        }

    def describe(self, type_name: str, context: Context, params: Mapping) -> dict[str, Any]:
        shown = self.view(self.get(context, type_name, self.arn(context, type_name, params)))
        return {self.table.members.spelled(type_name): shown} if self.table.enveloped else shown

    def keep(self, context: Context, arn: str, **private: Any) -> None:
        """Notes what no API shows; `private` are members of the type's own declaration."""
        resource_type = self.table.types[self.existing(context, arn).type]
        resource_type.check_private(private)
        context.store.update(arn, private=private)

    # --- many resources ---------------------------------------------------------------------------------------------

    def of_type(
        self, context: Context, type_name: str, where: Callable[[Resource], bool] = lambda resource: True
    ) -> list[Resource]:
        """Resources of a type, oldest first."""
        return context.store.all(type_name, self.table.service, where)

    def list_all(self, type_name: str, context: Context, params: Mapping) -> dict[str, Any]:
        resource_type = self.table.types[type_name]
        found = self.of_type(context, type_name)
        shown = map(self.view, reversed(found) if self.table.newest_first else found)
        listed, token = self.page(shown, self.table.wanted(resource_type, params), params)
        return {self.table.list_member(type_name): listed, self.table.members.spelled("NextToken"): token}

    def page(
        self, shown: Iterable[dict], wanted: Callable[[Mapping], bool], params: Mapping
    ) -> tuple[list[dict], str | None]:
        """The page of a listing that a call asks for, and the token of the next one."""
        spelled = self.table.members.spelled
        return page(
            [each for each in shown if wanted(each)],
            params.get(spelled("NextToken")),
            params.get(spelled("MaxResults")),
        )

    def having(self, context: Context, type_name: str, **record: Any) -> list[Resource]:
        """Resources of a type whose record has these values, oldest first."""
        return self.of_type(
            context, type_name, lambda each: all(each.record.get(name) == value for name, value in record.items())
        )

    def made_from(self, context: Context, type_name: str, arn: str) -> list[Resource]:
        """The resources of a type whose parent is `arn`, oldest first."""
        parents = self.table.types[type_name].parents
        return self.of_type(context, type_name, lambda each: any(_names(each.record.get(one), arn) for one in parents))

    def children(self, context: Context, arn: str) -> list[Resource]:
        """All that was made from `arn`."""
        return [child for name in self.table.types for child in self.made_from(context, name, arn)]

    def descendants(self, context: Context, resource: Resource) -> list[Resource]:
        """What was made from a resource, children before their parents, and the resource itself last."""
        below = {
            each.arn: each
            for child in self.children(context, resource.arn)
            for each in self.descendants(context, child)
        }
        return [*below.values(), resource]

    # --- states -----------------------------------------------------------------------------------------------------

    def move(self, context: Context, arn: str, *statuses: str) -> None:
        """Through `statuses`, one after the other, the first one at once: what happens without a job."""
        context.store.update(arn, statuses[0])
        for step, status in enumerate(statuses[1:], start=1):
            context.jobs.later(context.store.update, arn, status, step=step)

    def activate(self, context: Context, resource: Resource) -> None:
        """For resources that no job makes: active a moment after they were created."""
        states = self.states(resource)
        for step, status in enumerate((states.in_progress, states.done), start=1):
            context.jobs.later(context.store.update, resource.arn, status, step=step)

    def stop(self, context: Context, resource: Resource) -> None:
        """Ends a resource's job, or pauses a resource. Raises ServiceError in a status that cannot be stopped."""
        states = self.states(resource)
        if resource.status not in self.table.types[resource.type].stops_from:
            raise self.table.refusals.unstoppable.error(type=resource.type, arn=resource.arn, status=resource.status)
        context.store.update(resource.arn, states.stopping)
        context.jobs.stop(resource.arn)
        context.jobs.later(context.store.update, resource.arn, states.stopped)

    def mark_update(
        self, context: Context, arn: str, changed: dict[str, Any], status: str, message: str | None = None
    ) -> None:
        """Notes the state of an update under the type's `update` member; the change holds once the update is active."""
        resource = context.store.find(arn)
        if resource is None:
            return
        members, resource_type, now = self.table.members, self.table.types[resource.type], time.time()
        started = (
            now if status == resource_type.states.pending else resource.record[resource_type.update][members.created]
        )
        about = {members.created: started, members.modified: now, members.status: status, members.failure: message}
        noted: dict[str, Any] = {
            resource_type.update: changed | about,
            **(changed if status == resource_type.states.done else {}),
        }
        context.store.update(arn, **noted)

    def update_soon(self, context: Context, arn: str, changed: dict[str, Any]) -> None:
        """For updates that need no job: active a moment after they were asked for."""
        states = self.states(self.existing(context, arn))
        self.mark_update(context, arn, changed, states.pending)
        for step, status in enumerate((states.in_progress, states.done), start=1):
            context.jobs.later(self.mark_update, context, arn, changed, status, step=step)

    # --- deletion ---------------------------------------------------------------------------------------------------

    def delete(self, type_name: str, context: Context, params: Mapping) -> None:
        self.remove(context, self.get(context, type_name, self.arn(context, type_name, params)))

    def remove(self, context: Context, resource: Resource, along: Container[str] = ()) -> None:
        """Raises ServiceError while something is there that uses it, or was made from it and would not go with it.

        along: ARNs that go with it although others of their type would not.
        """
        children = self.children(context, resource.arn)
        staying = [each.arn for each in children if self._stays(each) and each.arn not in along]
        users = staying + self._users(context, resource.arn)
        if users:
            raise self.table.refusals.in_use.error(arn=resource.arn, other=users[-1], others=", ".join(users))
        self.remove_all(context, [resource])
        for child in children:
            context.store.remove(child.arn)

    def _stays(self, child: Resource) -> bool:
        """Whether a resource is in the way of its parent's deletion."""
        resource_type = self.table.types[child.type]
        running = resource_type.most_busy is not None and resource_type.states.busy(child.status)
        return running or not resource_type.deleted_with

    def _users(self, context: Context, arn: str) -> list[str]:
        """The ARNs of resources that use this one without being made from it."""
        return [
            each.arn
            for name, resource_type in self.table.types.items()
            if resource_type.uses
            for each in self.of_type(context, name)
            if any(_names(each.record.get(member), arn) for member in resource_type.uses)
        ]

    def remove_all(self, context: Context, resources: Iterable[Resource]) -> None:
        """All of them, or none. Raises ServiceError for one whose status forbids it."""
        for resource in resources:
            states = self.states(resource)
            if states.busy(resource.status) or resource.status in states.locked:
                raise self.table.refusals.locked.error(arn=resource.arn, status=resource.status)
        for resource in resources:
            deleting = self.states(resource).deleting
            if deleting and resource.status == deleting:
                continue
            if deleting:
                context.store.update(resource.arn, deleting)
                seconds = self.table.types[resource.type].deletion_seconds
                context.jobs.later(context.store.remove, resource.arn, seconds=seconds)
            else:
                context.store.remove(resource.arn)

    # --- tags -------------------------------------------------------------------------------------------------------

    def list_tags(self, context: Context, params: Mapping) -> dict[str, Any]:
        members, resource = self.table.members, self._tagged(context, params)
        tags = context.store.tags(resource.arn).items()
        return {members.spelled("Tags"): [{members.tag_key: key, members.tag_value: value} for key, value in tags]}

    def tag(self, context: Context, params: Mapping) -> dict[str, Any]:
        resource, tags = self._tagged(context, params), self._tags(params)
        self._check_tags(resource.arn, context.store.tags(resource.arn) | tags)
        context.store.tag(resource.arn, tags)
        return self.list_tags(context, params)

    def untag(self, context: Context, params: Mapping) -> None:
        context.store.untag(self._tagged(context, params).arn, params[self.table.members.spelled("TagKeys")])

    def _tagged(self, context: Context, params: Mapping) -> Resource:
        return self.existing(context, params[self.table.members.spelled("ResourceArn")])

    def _tags(self, params: Mapping) -> dict[str, str]:
        members = self.table.members
        tags = params.get(members.spelled("Tags"), [])
        return tags if isinstance(tags, dict) else {tag[members.tag_key]: tag[members.tag_value] for tag in tags}

    def _check_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        if len(tags) > self.table.most_tags:
            raise self.table.refusals.too_many_tags.error(arn=arn, count=len(tags), most=self.table.most_tags)


def _names(value: Any, arn: str) -> bool:
    """A parent member holds one ARN, or a list of them."""
    return arn in value if isinstance(value, list) else value == arn
