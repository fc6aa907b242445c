"""Campaigns: solution versions that answer requests."""

from localaws.errors import in_use, invalid, limit
from localaws.registration import Context
from localaws.services.personalize.recipes import check_config, recipe
from localaws.services.personalize.resource_types import PERSONALIZE, STATES

MOST_PER_GROUP = 5  # quotas page of the guide
UNBUILT = ("syncWithLatestSolutionVersion", "rankingInfluence")


def create_campaign(context: Context, params: dict) -> dict:
    version = PERSONALIZE.get(context, "SolutionVersion", params["solutionVersionArn"], active=True)
    config = params.get("campaignConfig", {})
    _check(version.record["recipeArn"], config)
    group = version.record["datasetGroupArn"]
    others = [
        campaign
        for solution in PERSONALIZE.having(context, "Solution", datasetGroupArn=group)
        for campaign in PERSONALIZE.having(context, "Campaign", solutionArn=solution.arn)
    ]
    if len(others) >= MOST_PER_GROUP and params["name"] not in [each.name for each in others]:
        raise limit(
            f"Cannot create a campaign. More than {MOST_PER_GROUP} resources in ACTIVE state. "
            "Please delete some and try again."
        )
    defaults = {"minProvisionedTPS": 1, "campaignConfig": config, "solutionArn": version.record["solutionArn"]}
    campaign = PERSONALIZE.create(context, "Campaign", defaults | params)
    PERSONALIZE.activate(context, campaign)
    return {"campaignArn": campaign.arn}


def _check(recipe_arn: str, config: dict) -> None:
    if unbuilt := [name for name in UNBUILT if config.get(name)]:
        raise invalid(f"campaignConfig: {', '.join(unbuilt)} is not built in Storecast's embedded AWS.")
    deployed = recipe(recipe_arn)
    if deployed.segments:
        raise invalid(f"Recipe {deployed.name} makes user segments by batch segment jobs; no campaign can deploy it.")
    check_config(deployed, config)


def update_campaign(context: Context, params: dict) -> dict:
    """Another version of the same solution, or another configuration; the old ones serve until it is done."""
    campaign = PERSONALIZE.get(context, "Campaign", params["campaignArn"])
    if campaign.status != STATES.done:
        raise in_use(f"Campaign {campaign.arn} is {campaign.status}; it must be ACTIVE.")
    given = {name: params[name] for name in ("minProvisionedTPS", "campaignConfig") if name in params}
    changed = {"solutionVersionArn": params.get("solutionVersionArn", campaign.record["solutionVersionArn"])} | given
    version = PERSONALIZE.get(context, "SolutionVersion", changed["solutionVersionArn"], active=True)
    if version.record["solutionArn"] != campaign.record["solutionArn"]:
        raise invalid(f"{version.arn} is no version of solution {campaign.record['solutionArn']}.")
    _check(version.record["recipeArn"], changed.get("campaignConfig", campaign.record["campaignConfig"]))
    PERSONALIZE.update_soon(context, campaign.arn, changed)
    return {"campaignArn": campaign.arn}
