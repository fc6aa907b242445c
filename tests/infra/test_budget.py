"""The budget of a dataset, in a stack of its own: the sample has none."""

from __future__ import annotations

from aws_cdk import App, Stack
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from infra import budget


def test_the_topic_is_told_before_the_limit_is_reached_and_when_it_will_be_passed() -> None:
    stack = Stack(App(), "s")
    budget.monthly(stack, dataset="shop", usd=50, topic=sns.Topic(stack, "Topic"))
    [made] = Template.from_stack(stack).find_resources("AWS::Budgets::Budget").values()
    limit = made["Properties"]["Budget"]
    assert (limit["BudgetName"], limit["BudgetType"], limit["TimeUnit"]) == ("storecast-shop", "COST", "MONTHLY")
    assert limit["BudgetLimit"] == {"Amount": 50, "Unit": "USD"}
    assert limit["CostFilters"] == {"TagKeyValue": ["user:dataset$shop"]}
    told = made["Properties"]["NotificationsWithSubscribers"]
    assert [(each["Notification"]["NotificationType"], each["Notification"]["Threshold"]) for each in told] == [
        ("ACTUAL", 80),
        ("FORECASTED", 100),
    ]
    assert all(each["Subscribers"][0]["SubscriptionType"] == "SNS" for each in told)
