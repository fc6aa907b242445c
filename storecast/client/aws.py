"""The connection to AWS, and what its errors mean to a person."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar

_In = TypeVar("_In")
_Out = TypeVar("_Out")
_AT_ONCE = 8  # calls in flight: latency is most of what a reader waits for


class Problem(Exception):
    """Something that a person has to know: what happened, and what to do next."""

    def __init__(self, what: str, next_step: str = "") -> None:
        super().__init__(what)
        self.what, self.next_step = what, next_step


class Unclear(Problem):
    """A question that can't be answered as it was asked."""


class NotThere(Problem):
    """A dataset, run, item or result that doesn't exist."""


class NoAnswer(Problem):
    """AWS refused or did not answer: credentials, permissions, network."""


class Aws:
    """A boto3 session with its clients, each made once. Safe to share between threads."""

    def __init__(self, profile: str | None = None, region: str | None = None) -> None:
        """Raises NoAnswer for a profile that is not configured, and where no region is given anywhere."""
        import boto3
        from botocore.exceptions import ProfileNotFound

        # AWS_REGION as the CDK CLI takes it; boto3 reads AWS_DEFAULT_REGION only.
        region = region or os.environ.get("AWS_REGION")
        try:
            self.session = boto3.Session(profile_name=profile, region_name=region)
        except ProfileNotFound as error:
            profiles = ", ".join(boto3.Session().available_profiles) or "none"
            raise NoAnswer(str(error), f"choose one of these: {profiles}; or run aws configure") from None
        if not self.session.region_name:
            raise NoAnswer(
                "no region is set",
                "say --region, or set AWS_REGION; for the embedded AWS, run storecast local start first",
            )
        self.region: str = self.session.region_name
        self.endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
        self._making = threading.Lock()
        self.ended: dict[str, Any] = {}  # what does not change any more, by ARN: whoever watches asks for it once

    @functools.cache  # noqa: B019  one Aws per process
    def client(self, service: str) -> Any:
        from botocore.config import Config

        settings = Config(connect_timeout=5, retries={"mode": "standard"}, max_pool_connections=2 * _AT_ONCE)
        with self._making:  # threads may share clients, but not make them at once
            return self.session.client(service, config=settings)

    @property
    def embedded(self) -> bool:
        """Whether the endpoint is on this machine."""
        return "://127.0.0.1" in self.endpoint or "://localhost" in self.endpoint

    @property
    def where(self) -> str:
        """For people: which AWS this is."""
        if self.embedded:
            return f"embedded AWS at {self.endpoint}"
        return f"AWS, {self.region}, profile {self.session.profile_name}"


def at_once(do: Callable[[_In], _Out], several: Iterable[_In]) -> list[_Out]:
    """What `do` returns for each, in their order, some of them at the same time."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(do, several))


def explained(error: Exception) -> Problem:
    """What an error of boto3 means, and what to do next."""
    from botocore import exceptions as boto

    if isinstance(error, (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError)):
        return NoAnswer(
            "no AWS credentials are found",
            "set AWS_PROFILE or say --profile; or for the embedded AWS run storecast local start",
        )
    if isinstance(error, (boto.TokenRetrievalError, boto.SSOError, boto.UnauthorizedSSOTokenError)):
        return NoAnswer(f"the sign-in has expired: {error}", "run aws sso login")
    if isinstance(error, (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError)):
        local = "127.0.0.1" in str(error)
        step = "run storecast local start" if local else "check the network and the region"
        return NoAnswer(str(error), step)
    if not isinstance(error, boto.ClientError):
        return NoAnswer(f"{type(error).__name__}: {error}", "try again, or say --profile and --region")
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    operation = f"{error.operation_name}: "
    if code in ("ExpiredToken", "ExpiredTokenException", "RequestExpired"):
        return NoAnswer(f"{operation}the credentials have expired", "sign in again, such as by aws sso login")
    if code in ("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidAccessKeyId"):
        return NoAnswer(f"{operation}AWS does not know these credentials", "check AWS_PROFILE, --profile or the keys")
    if "AccessDenied" in code or "NotAuthorized" in code or code in ("403", "UnauthorizedOperation"):
        return NoAnswer(
            f"{operation}access denied: {message}",
            f"ask for the permission for {error.operation_name}, or choose another --profile",
        )
    return NoAnswer(f"{operation}{code}: {message}", "try again")


def alike(wanted: str, known: Sequence[str], most: int = 6) -> list[str]:
    """What somebody may have meant; the first ones where nothing is like it."""
    import difflib

    spelled = {name.lower(): name for name in known}
    close = difflib.get_close_matches(wanted.lower(), spelled, n=most, cutoff=0.6)
    found = [spelled[name] for name in close] + [name for name in known if wanted.lower() in name.lower()]
    return list(dict.fromkeys(found))[:most] or list(known[:most])


def utc(moment: datetime) -> datetime:
    """boto3's moments are in the machine's time zone."""
    return moment.astimezone(UTC)


def gone(error: Exception) -> bool:
    """Whether boto3's error says that what was asked for doesn't exist."""
    response = getattr(error, "response", {})
    code, message = response.get("Error", {}).get("Code", ""), response.get("Error", {}).get("Message", "")
    missing = ("NoSuchKey", "404", "NotFound", "ResourceNotFoundException", "StateMachineDoesNotExist")
    return code in (*missing, "ExecutionDoesNotExist") or "does not exist" in message
