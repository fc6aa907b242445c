"""The sample dataset in Personalize: schemas, a dataset group, its datasets and their imports."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.contract.helpers import INTERACTIONS, ITEMS, USERS, avro, ended, gone, marked, unique

RECIPE = "arn:aws:personalize:::recipe/"
VIEWS, PURCHASES = "aws-ecomm-popular-items-by-views", "aws-ecomm-popular-items-by-purchases"
TOGETHER, ALSO_VIEWED = "aws-ecomm-frequently-bought-together", "aws-ecomm-customers-who-viewed-x-also-viewed"
FOR_YOU = "aws-ecomm-recommended-for-you"
PERSONAL, RANKING, SIMILAR = "aws-user-personalization", "aws-personalized-ranking", "aws-similar-items"
SIMS, ITEM_AFFINITY, ITEM_ATTRIBUTE_AFFINITY = "aws-sims", "aws-item-affinity", "aws-item-attribute-affinity"
POPULAR, TRENDING = "aws-popularity-count", "aws-trending-now"
ALL = (PERSONAL, RANKING, SIMILAR, POPULAR, TRENDING)
SCHEMAS = {"Interactions": INTERACTIONS, "Items": ITEMS, "Users": USERS}
VIDEO_SCHEMAS = SCHEMAS | {
    "Items": avro("Items", ("ITEM_ID", "string"), marked("GENRES", "categorical"), ("CREATION_TIMESTAMP", "long"))
}


@dataclass(frozen=True)
class Group:
    arn: str
    schemas: dict[str, str]
    datasets: dict[str, str]


def create_group(personalize, kinds: tuple[str, ...] = tuple(SCHEMAS), domain: str | None = "ECOMMERCE") -> Group:
    """A group of a domain, or a custom one, with empty datasets of the sample's schemas, or a video shop's."""
    texts = VIDEO_SCHEMAS if domain == "VIDEO_ON_DEMAND" else SCHEMAS
    of_domain = {"domain": domain} if domain else {}
    arn = personalize.create_dataset_group(name=unique("group"), **of_domain)["datasetGroupArn"]
    assert ended(personalize.describe_dataset_group, "datasetGroup", datasetGroupArn=arn)["status"] == "ACTIVE"
    schemas, datasets = {}, {}
    for kind in kinds:
        made = personalize.create_schema(name=unique(kind), schema=texts[kind], **of_domain)
        schemas[kind] = made["schemaArn"]
        datasets[kind] = personalize.create_dataset(
            name=unique(kind), schemaArn=schemas[kind], datasetGroupArn=arn, datasetType=kind
        )["datasetArn"]
        assert ended(personalize.describe_dataset, "dataset", datasetArn=datasets[kind])["status"] == "ACTIVE"
    return Group(arn, schemas, datasets)


def import_from(personalize, dataset: str, location: str, role: str, **more) -> dict:
    """The import job when it has ended."""
    arn = personalize.create_dataset_import_job(
        jobName=unique("import"), datasetArn=dataset, roleArn=role, dataSource={"dataLocation": location}, **more
    )["datasetImportJobArn"]
    return ended(personalize.describe_dataset_import_job, "datasetImportJob", datasetImportJobArn=arn)


def import_sample(personalize, group: Group, bucket: str, role: str) -> None:
    for kind, dataset in group.datasets.items():
        job = import_from(personalize, dataset, f"s3://{bucket}/recommending/sample/{kind.lower()}/", role)
        assert job["status"] == "ACTIVE", job


@contextmanager
def sample_group(personalize, bucket: str, role: str, **settings) -> Iterator[Group]:
    """A group with the sample's data for a while; `settings` are create_group's."""
    made = create_group(personalize, **settings)
    import_sample(personalize, made, bucket, role)
    yield made
    delete_group(personalize, made)


def create_recommenders(personalize, group: Group, *recipes: str) -> dict[str, str]:
    """ACTIVE recommenders by recipe."""
    made = {
        recipe: personalize.create_recommender(
            name=unique("recommender"), datasetGroupArn=group.arn, recipeArn=RECIPE + recipe
        )["recommenderArn"]
        for recipe in recipes
    }
    for arn in made.values():
        found = ended(personalize.describe_recommender, "recommender", recommenderArn=arn)
        assert found["status"] == "ACTIVE", found
    return made


def create_solutions(personalize, group: Group, *recipes: str, **more) -> dict[str, str]:
    """ACTIVE solutions by recipe."""
    made = {
        recipe: personalize.create_solution(
            performAutoTraining=False,
            name=unique("solution"),
            datasetGroupArn=group.arn,
            recipeArn=RECIPE + recipe,
            **more,
        )["solutionArn"]
        for recipe in recipes
    }
    for arn in made.values():
        assert ended(personalize.describe_solution, "solution", solutionArn=arn)["status"] == "ACTIVE"
    return made


def create_versions(personalize, solutions: dict[str, str]) -> dict[str, str]:
    """ACTIVE solution versions by recipe."""
    made = {
        recipe: personalize.create_solution_version(solutionArn=arn)["solutionVersionArn"]
        for recipe, arn in solutions.items()
    }
    for arn in made.values():
        found = ended(personalize.describe_solution_version, "solutionVersion", solutionVersionArn=arn)
        assert found["status"] == "ACTIVE", found
    return made


def delete_group(personalize, group: Group) -> None:
    """Group and all below it, in the order that the service asks for; the group itself takes some seconds to go."""
    for solution in personalize.list_solutions(datasetGroupArn=group.arn)["solutions"]:
        for campaign in personalize.list_campaigns(solutionArn=solution["solutionArn"])["campaigns"]:
            personalize.delete_campaign(campaignArn=campaign["campaignArn"])
            gone(personalize.describe_campaign, campaignArn=campaign["campaignArn"])
        personalize.delete_solution(solutionArn=solution["solutionArn"])
        gone(personalize.describe_solution, solutionArn=solution["solutionArn"])
        assert personalize.list_solution_versions(solutionArn=solution["solutionArn"])["solutionVersions"] == []
    for each in personalize.list_recommenders(datasetGroupArn=group.arn)["recommenders"]:
        personalize.delete_recommender(recommenderArn=each["recommenderArn"])
        gone(personalize.describe_recommender, recommenderArn=each["recommenderArn"])
    for arn in group.datasets.values():
        personalize.delete_dataset(datasetArn=arn)
        gone(personalize.describe_dataset, datasetArn=arn)
    for arn in group.schemas.values():
        personalize.delete_schema(schemaArn=arn)
    personalize.delete_dataset_group(datasetGroupArn=group.arn)
