"""Load: start the import of one dataset's files (CreateDatasetImportJob), of copies where it cannot read them as
they are; when it has ended, confirm what it read, or find out which file made it fail and move that into quarantine.
For the job on Glue, copies are all there is to do: it reads the files themselves."""

from __future__ import annotations

import functools

from common import copies
from common.clients import client
from common.deliveries import confirm
from common.names import forecast_name
from common.quarantine import take_out
from common.resources import create
from common.step import LambdaContext, step
from forecasting.payload import LoadAnswer, LoadRequest


@step
def handler(event: LoadRequest, context: LambdaContext) -> LoadAnswer:
    """Do the part of the event."""
    if event["part"] == "copy":
        copies.make(event)
        return {"copied": len(copies.copies(event))}
    forecast, named = client("forecast"), functools.partial(forecast_name, event["dataset"])
    if event["part"] == "confirm":
        return confirm(forecast, event, named)
    if event["part"] == "quarantine":
        return take_out(forecast, copies.about_deliveries(event), named, copies.by_uri(event))
    copies.make(event)
    return {"importJobArn": create(forecast, "dataset_import_job", event["request"])}
