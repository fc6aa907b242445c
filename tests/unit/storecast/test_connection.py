"""Which AWS commands talk to: what somebody chose, or else the embedded one that runs here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from localaws import process
from localaws.settings import prepare
from storecast import connection
from storecast.client.aws import NoAnswer


@pytest.fixture
def nothing_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment and a home without a word of AWS, and the folder of an embedded AWS that seems to run."""
    monkeypatch.setattr(os, "environ", {name: value for name, value in os.environ.items() if "AWS" not in name})
    monkeypatch.setattr(connection.Path, "home", lambda: tmp_path)
    monkeypatch.setenv("LOCALAWS_STATE", str(tmp_path / "state"))
    prepare(tmp_path / "state")
    monkeypatch.setattr(process, "running", lambda settings: 42)
    return tmp_path


def test_without_any_choice_it_is_the_embedded_aws(nothing_chosen: Path) -> None:
    aws = connection.connect()
    assert aws.embedded and aws.region == "us-east-1"
    assert aws.where == f"embedded AWS at {os.environ['AWS_ENDPOINT_URL']}"


@pytest.mark.parametrize("chosen", ["environment", "file"])
def test_what_somebody_chose_stays(nothing_chosen: Path, monkeypatch: pytest.MonkeyPatch, chosen: str) -> None:
    if chosen == "environment":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    else:
        (nothing_chosen / ".aws").mkdir()
        (nothing_chosen / ".aws" / "credentials").write_text("[default]\n")
    aws = connection.connect(region="eu-west-1")
    assert not aws.embedded and "AWS_ENDPOINT_URL" not in os.environ
    assert aws.where == "AWS, eu-west-1, profile default"


def test_where_nothing_runs_and_nothing_is_chosen_the_next_step_is_said(
    nothing_chosen: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "running", lambda settings: None)
    with pytest.raises(NoAnswer, match="no region is set") as caught:
        connection.connect()
    assert "--region" in caught.value.next_step


def test_a_profile_that_is_not_configured_is_said(nothing_chosen: Path) -> None:
    with pytest.raises(NoAnswer, match="nobody") as caught:
        connection.connect(profile="nobody", region="eu-west-1")
    assert "aws configure" in caught.value.next_step
