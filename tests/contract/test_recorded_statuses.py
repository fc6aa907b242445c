"""The statuses that notebooks printed while they polled the real services, and those that polls here see."""

import pytest

from localaws.faults import Fault, write
from localaws.services.forecast.resource_types import STATES as FORECAST_STATES
from localaws.services.personalize.resource_types import BATCH_STATES
from localaws.services.personalize.resource_types import STATES as PERSONALIZE_STATES
from localaws.settings import Settings
from tests.contract.forecast_setup import create_dataset, import_from
from tests.contract.helpers import check_statuses, eventually, unique
from tests.contract.personalize_setup import create_group, delete_group
from tests.recordings import statuses


def test_the_states_of_the_services_are_those_that_notebooks_printed() -> None:
    service = {"forecast": FORECAST_STATES, "personalize": PERSONALIZE_STATES}
    known = {name: {states.pending, states.in_progress, states.done} for name, states in service.items()}
    batch, printed = BATCH_STATES, statuses()
    assert printed["describe_batch_inference_job"] == {batch.pending, batch.in_progress, batch.done}
    for name in ("solution_version", "campaign", "solution", "filter"):
        assert printed[f"describe_{name}"] == known["personalize"], name
    for name in ("predictor", "auto_predictor", "forecast", "forecast_export_job", "what_if_forecast"):
        assert printed[f"describe_{name}"] == known["forecast"], name
    assert {"UPDATE PENDING", "UPDATE IN_PROGRESS"} < printed["describe_dataset"]
    assert printed["describe_dataset_import_job"] == known["forecast"] | known["personalize"]


@pytest.mark.parametrize("seen", [["ACTIVE", "CREATE PENDING"], ["CREATE IN_PROGRESS", "CREATE PENDING", "ACTIVE"]])
def test_statuses_in_another_order_are_noticed(seen: list[str]) -> None:
    with pytest.raises(AssertionError, match="describe_filter answered"):
        check_statuses(seen, "describe_filter")
    with pytest.raises(AssertionError, match="answered {'CREATE_PENDING'}"):
        check_statuses(["CREATE_PENDING", "ACTIVE"], "describe_filter")


def test_a_poll_sees_an_import_wait_work_and_end(
    embedded_aws: Settings, forecast, personalize, bucket: str, forecast_role: str, personalize_role: str
) -> None:
    dataset = create_dataset(forecast)
    group = create_group(personalize, ("Users",))
    location = {"dataLocation": f"s3://{bucket}/recommending/sample/users/"}
    write(embedded_aws.faults, [Fault("job:*:DatasetImportJob", containing="import", delay=0.5)])
    try:
        job = import_from(forecast, dataset, f"s3://{bucket}/forecasting/sample/target/", forecast_role)
        other = personalize.create_dataset_import_job(
            jobName=unique("import"),
            datasetArn=group.datasets["Users"],
            roleArn=personalize_role,
            dataSource=location,
        )["datasetImportJobArn"]
        polled: dict[str, list[str]] = {"forecast": [], "personalize": []}

        def both_end() -> bool:
            mine = forecast.describe_dataset_import_job(DatasetImportJobArn=job)["Status"]
            theirs = personalize.describe_dataset_import_job(datasetImportJobArn=other)["datasetImportJob"]["status"]
            polled["forecast"].append(mine)
            polled["personalize"].append(theirs)
            return mine == theirs == "ACTIVE"

        eventually(both_end)
    finally:
        write(embedded_aws.faults, [])
    for service, seen in polled.items():
        check_statuses(seen, "describe_dataset_import_job")
        running = "CREATE_IN_PROGRESS" if service == "forecast" else "CREATE IN_PROGRESS"
        assert running in seen, seen
    delete_group(personalize, group)
