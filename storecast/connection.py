"""Which AWS a command or the console talks to: that of the caller's credentials, or the embedded one."""

from __future__ import annotations

import os
from pathlib import Path

from storecast.client.aws import Aws

# What says that somebody chose an account, or an endpoint.
_CHOSEN = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_ENDPOINT_URL",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


def connect(profile: str | None = None, region: str | None = None) -> Aws:
    """The account of the profile, the environment or ~/.aws; without any of them, the embedded AWS that runs here."""
    if profile is None and not _chosen():
        _use_embedded(state_folder())
    return Aws(profile, region)


def state_folder() -> Path:
    """Where the embedded AWS keeps its state: LOCALAWS_STATE, or .localaws."""
    return Path(os.environ.get("LOCALAWS_STATE", ".localaws"))


def _chosen() -> bool:
    home = Path.home() / ".aws"
    return any(os.environ.get(name) for name in _CHOSEN) or any(
        Path(os.environ.get(name, home / default)).exists()
        for name, default in (("AWS_SHARED_CREDENTIALS_FILE", "credentials"), ("AWS_CONFIG_FILE", "config"))
    )


def _use_embedded(state: Path) -> None:
    """Its endpoint and credentials into the environment, as `storecast local env` prints them, if it runs."""
    if not state.is_dir():
        return
    from localaws import process
    from localaws.settings import client_environment, prepare

    settings = prepare(state)
    if process.running(settings):
        os.environ.update(client_environment(settings))
