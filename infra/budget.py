"""The budget of a dataset: notifies the topic when a month's bill approaches the config's limit, or will exceed it."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_sns as sns

_TOLD = (("ACTUAL", 80), ("FORECASTED", 100))  # percent of the limit


def monthly(stack: Stack, *, dataset: str, usd: float, topic: sns.Topic) -> budgets.CfnBudget:
    """A cost budget over what carries the tag of the dataset (AWS Budgets: CostFilters, TagKeyValue).

    Bills know a tag only once it is activated as a cost allocation tag.
    """
    subscriber = budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=topic.topic_arn)
    return budgets.CfnBudget(
        stack,
        "Budget",
        budget=budgets.CfnBudget.BudgetDataProperty(
            budget_name=f"storecast-{dataset}-{stack.region}",  # an account has one of a name, whatever the region
            budget_type="COST",
            time_unit="MONTHLY",
            budget_limit=budgets.CfnBudget.SpendProperty(amount=usd, unit="USD"),
            cost_filters={"TagKeyValue": [f"user:dataset${dataset}"]},
        ),
        notifications_with_subscribers=[
            budgets.CfnBudget.NotificationWithSubscribersProperty(
                notification=budgets.CfnBudget.NotificationProperty(
                    notification_type=kind, comparison_operator="GREATER_THAN", threshold=percent
                ),
                subscribers=[subscriber],
            )
            for kind, percent in _TOLD
        ],
    )
