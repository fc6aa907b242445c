"""Amazon Personalize: its operations by name, as they register with the emulator."""

from localaws import protocol
from localaws.registration import Registration
from localaws.services.personalize.api import (
    algorithms,
    batch_inference,
    campaigns,
    datasets,
    events,
    exports,
    filters,
    recipes,
    recommenders,
    runtime,
    solution_versions,
    solutions,
)
from localaws.services.personalize.resource_types import KINDS, resource_part, shared_operations

PERSONALIZE = protocol.Service(
    "personalize",
    shared_operations()
    | {
        "CreateSchema": datasets.create_schema,
        "DeleteSchema": datasets.delete_schema,
        "CreateDatasetGroup": datasets.create_dataset_group,
        "DeleteDatasetGroup": datasets.delete_dataset_group,
        "CreateDataset": datasets.create_dataset,
        "UpdateDataset": datasets.update_dataset,
        "DeleteDataset": datasets.delete_dataset,
        "CreateDatasetImportJob": datasets.create_import,
        "CreateDatasetExportJob": exports.create_export,
        "CreateRecommender": recommenders.create_recommender,
        "UpdateRecommender": recommenders.update_recommender,
        "StartRecommender": recommenders.start_recommender,
        "StopRecommender": recommenders.stop_recommender,
        "DeleteRecommender": recommenders.delete_recommender,
        "CreateFilter": filters.create_filter,
        "DeleteFilter": filters.delete_filter,
        "CreateEventTracker": events.create_event_tracker,
        "DeleteEventTracker": events.delete_event_tracker,
        "CreateSolution": solutions.create_solution,
        "DescribeSolution": solutions.describe_solution,
        "DeleteSolution": solutions.delete_solution,
        "UpdateSolution": solutions.update_solution,
        "CreateSolutionVersion": solution_versions.create_solution_version,
        "StopSolutionVersionCreation": solution_versions.stop_solution_version_creation,
        "GetSolutionMetrics": solution_versions.get_solution_metrics,
        "CreateCampaign": campaigns.create_campaign,
        "UpdateCampaign": campaigns.update_campaign,
        "DeleteCampaign": campaigns.delete_campaign,
        "CreateBatchInferenceJob": batch_inference.create_batch_inference_job,
        "ListRecipes": recipes.list_recipes,
        "DescribeRecipe": recipes.describe_recipe,
        "DescribeAlgorithm": algorithms.describe_algorithm,
        "DescribeFeatureTransformation": algorithms.describe_feature_transformation,
    },
    invalid_input="InvalidInputException",
)
RUNTIME = protocol.Service(
    "personalize-runtime",
    {
        "GetRecommendations": runtime.get_recommendations,
        "GetPersonalizedRanking": runtime.get_personalized_ranking,
    },
    invalid_input="InvalidInputException",
)
EVENTS = protocol.Service(
    "personalize-events",
    {"PutEvents": events.put_events, "PutItems": events.put_items, "PutUsers": events.put_users},
    invalid_input="InvalidInputException",
)


def _service_for(request: protocol.Request) -> protocol.Service:
    """All three sign as personalize; only the control plane names its operation in a header."""
    if request.headers.get("x-amz-target"):
        return PERSONALIZE
    paths = {RUNTIME.model.operation_model(name).http["requestUri"] for name in RUNTIME.model.operation_names}
    return RUNTIME if request.path in paths else EVENTS


def _new_arns(operation: str, params: dict) -> list[str]:
    kind = operation.removeprefix("Create")
    if not operation.startswith("Create") or kind not in KINDS or kind == "SolutionVersion":
        return []  # a version's name is made up later; IAM is asked about its solution
    return [resource_part(kind, params)]


REGISTRATION = Registration(
    signing_name="personalize",
    target_prefixes=("AmazonPersonalize.",),
    service_for=_service_for,
    new_arns=_new_arns,
    sdk_prefix="Personalize",
)
