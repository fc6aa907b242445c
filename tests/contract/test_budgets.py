"""A budget in a template: kept and shown by the embedded AWS, which bills nothing."""

import json

import boto3

from tests.contract.helpers import ACCOUNT, eventually, unique


def test_a_budget_of_a_template_is_made_changed_and_deleted(embedded_aws) -> None:
    cloudformation, name = boto3.client("cloudformation"), unique("budget").replace("_", "-")

    def template(usd: int) -> str:
        told = {
            "Notification": {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80},
            "Subscribers": [{"SubscriptionType": "SNS", "Address": f"arn:aws:sns:us-east-1:{ACCOUNT}:told"}],
        }
        limit = {"BudgetName": name, "BudgetType": "COST", "TimeUnit": "MONTHLY"}
        limit["BudgetLimit"] = {"Amount": usd, "Unit": "USD"}
        properties = {"Budget": limit, "NotificationsWithSubscribers": [told]}
        return json.dumps({"Resources": {"Budget": {"Type": "AWS::Budgets::Budget", "Properties": properties}}})

    def ended(status: str) -> None:
        describe = cloudformation.describe_stacks
        eventually(lambda: describe(StackName=name)["Stacks"][0]["StackStatus"], status.__eq__)

    def limits() -> list[str]:
        found = boto3.client("budgets").describe_budgets(AccountId=ACCOUNT).get("Budgets", [])
        return [budget["BudgetLimit"]["Amount"] for budget in found if budget["BudgetName"] == name]

    cloudformation.create_stack(StackName=name, TemplateBody=template(50))
    ended("CREATE_COMPLETE")
    assert limits() == ["50"]
    cloudformation.update_stack(StackName=name, TemplateBody=template(70))
    ended("UPDATE_COMPLETE")
    assert limits() == ["70"]
    cloudformation.delete_stack(StackName=name)
    eventually(lambda: limits() == [])
