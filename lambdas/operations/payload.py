"""What the state machines give to Notify."""

from __future__ import annotations

from typing import final

import forecasting.summary
import recommending.payload
from common.payload import CaughtError, Execution, Quarantined, Refusals

Summary = forecasting.summary.Summary | recommending.payload.Summary


@final
class SuccessNotification(Execution):
    """Notify says what a run made."""

    pipeline: str
    summary: Summary


@final
class FailureNotification(Execution):
    """Notify says why a run failed."""

    pipeline: str
    failure: CaughtError


@final
class QuarantineNotification(Execution):
    """Notify says which file is in quarantine."""

    pipeline: str
    quarantined: Quarantined


@final
class RefusalNotification(Execution):
    """Notify says which files Plan put into quarantine."""

    pipeline: str
    refused: Refusals


Notification = SuccessNotification | FailureNotification | QuarantineNotification | RefusalNotification
