"""CloudFormation's AWS::Budgets::Budget, in ministack's own service of budgets: kept and shown, never spent from, as
nothing here is billed."""

import json

from ministack.core.responses import get_account_id
from ministack.services import budgets
from ministack.services.cloudformation import provisioners


def register() -> None:
    handlers = {"create": _create, "update": _update, "delete": _delete}
    provisioners._RESOURCE_HANDLERS["AWS::Budgets::Budget"] = handlers


def _create(logical_id: str, properties: dict, stack: str) -> tuple[str, dict]:
    name = properties["Budget"].get("BudgetName") or provisioners._physical_name(stack, logical_id, max_len=100)
    budget = properties["Budget"] | {"BudgetName": name}
    limit = budget.get("BudgetLimit", {})
    budget["BudgetLimit"] = limit | {"Amount": str(limit["Amount"])} if limit else limit  # text in the API's model
    notified = properties.get("NotificationsWithSubscribers", [])
    status, _, body = budgets._create_budget(
        {"AccountId": get_account_id(), "Budget": budget, "NotificationsWithSubscribers": notified}
    )
    if status != 200:
        raise ValueError(json.loads(body).get("message", body))
    return name, {}


def _update(name: str, old: dict, new: dict, stack: str) -> tuple[str, dict]:
    _delete(name, old)
    return _create(name, new, stack)


def _delete(name: str, properties: dict) -> None:
    budgets._delete_budget({"AccountId": get_account_id(), "BudgetName": name})
