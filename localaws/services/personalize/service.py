"""Amazon Personalize: its operations by name, as they register with the emulator."""

from localaws import protocol
from localaws.registration import Registration
from localaws.services.personalize.api import (
    algorithms,
    automatic_training,
    batch_inference,
    batch_segments,
    campaigns,
    data_deletions,
    datasets,
    events,
    exports,
    filters,
    metric_attributions,
    recipes,
    recommenders,
    runtime,
    solution_versions,
    solutions,
)
from localaws.services.personalize.resource_types import PERSONALIZE as OPERATIONS
from localaws.services.personalize.resource_types import TYPES

PERSONALIZE = protocol.Service(
    "personalize",
    OPERATIONS.shared()
    | {
        "CreateSchema": datasets.create_schema,
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
        "CreateFilter": filters.create_filter,
        "CreateEventTracker": events.create_event_tracker,
        "CreateSolution": solutions.create_solution,
        "DescribeSolution": solutions.describe_solution,
        "DeleteSolution": solutions.delete_solution,
        "UpdateSolution": solutions.update_solution,
        "CreateSolutionVersion": solution_versions.create_solution_version,
        "StopSolutionVersionCreation": solution_versions.stop_solution_version_creation,
        "GetSolutionMetrics": solution_versions.get_solution_metrics,
        "CreateCampaign": campaigns.create_campaign,
        "UpdateCampaign": campaigns.update_campaign,
        "CreateBatchInferenceJob": batch_inference.create_batch_inference_job,
        "CreateBatchSegmentJob": batch_segments.create_batch_segment_job,
        "CreateDataDeletionJob": data_deletions.create_data_deletion_job,
        "CreateMetricAttribution": metric_attributions.create_metric_attribution,
        "UpdateMetricAttribution": metric_attributions.update_metric_attribution,
        "ListMetricAttributionMetrics": metric_attributions.list_metrics,
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


REGISTRATION = Registration(
    types=TYPES,
    signing_name="personalize",
    target_prefixes=("AmazonPersonalize.",),
    service_for=_service_for,
    new_arns=OPERATIONS.named_by_call,
    sdk_prefix="Personalize",
    resume=automatic_training.resume,
)
