"""Campaigns: solution versions that answer requests."""

from localaws.jobs import PERSONALIZE as STATES
from localaws.registration import Context
from localaws.services.personalize.api.recipes import check_config, recipe
from localaws.services.personalize.resource_types import (
    activate,
    children,
    create,
    get,
    in_use,
    invalid,
    limit,
    remove,
    update_soon,
)

MOST_PER_GROUP = 5  # quotas page of the guide
UNBUILT = ("syncWithLatestSolutionVersion", "rankingInfluence")


def create_campaign(context: Context, params: dict) -> dict:
    version = get(context, "SolutionVersion", params["solutionVersionArn"], active=True)
    config = params.get("campaignConfig", {})
    _check(version.record["recipeArn"], config)
    group = version.record["datasetGroupArn"]
    others = [
        campaign
        for solution in children(context, "Solution", "datasetGroupArn", group)
        for campaign in children(context, "Campaign", "solutionArn", solution.arn)
    ]
    if len(others) >= MOST_PER_GROUP and params["name"] not in [each.name for each in others]:
        raise limit(
            f"Cannot create a campaign. More than {MOST_PER_GROUP} resources in ACTIVE state. "
            "Please delete some and try again."
        )
    defaults = {"minProvisionedTPS": 1, "campaignConfig": config, "solutionArn": version.record["solutionArn"]}
    campaign = create(context, "Campaign", defaults | params)
    activate(context, campaign)
    return {"campaignArn": campaign.arn}


def _check(recipe_arn: str, config: dict) -> None:
    if unbuilt := [name for name in UNBUILT if config.get(name)]:
        raise invalid(f"campaignConfig: {', '.join(unbuilt)} is not built in Storecast's embedded AWS.")
    check_config(recipe(recipe_arn), config)


def update_campaign(context: Context, params: dict) -> dict:
    """Another version of the same solution, or another configuration; the old ones serve until it is done."""
    campaign = get(context, "Campaign", params["campaignArn"])
    if campaign.status != STATES.done:
        raise in_use(f"Campaign {campaign.arn} is {campaign.status}; it must be ACTIVE.")
    names = ("solutionVersionArn", "minProvisionedTPS", "campaignConfig")
    changed = {name: params.get(name, campaign.record[name]) for name in names}
    version = get(context, "SolutionVersion", changed["solutionVersionArn"], active=True)
    if version.record["solutionArn"] != campaign.record["solutionArn"]:
        raise invalid(f"{version.arn} is no version of solution {campaign.record['solutionArn']}.")
    _check(version.record["recipeArn"], changed["campaignConfig"])
    update_soon(context, campaign.arn, "latestCampaignUpdate", changed)
    return {"campaignArn": campaign.arn}


def delete_campaign(context: Context, params: dict) -> None:
    remove(context, get(context, "Campaign", params["campaignArn"]))
