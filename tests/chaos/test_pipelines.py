"""The blows' short form: two of the blows at the deployed pipeline that found the most, each in a state of its own.

`python -m tests.chaos pipelines` deals every blow in every state.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import boto3
import pytest

from demo import deploy
from localaws import process
from tests.chaos import blows
from tests.chaos.shop import Shop, open_shop

DEALT = (("kill -9 of the server", "Export forecast"), ("hostile files", "Publish"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """On a server of its own, which is killed; nothing in this process points at it afterwards."""
    before, root = dict(os.environ), deploy.ROOT
    boto3.DEFAULT_SESSION = None  # it would sign with the key of another test's server
    opened = open_shop(tmp_path_factory.mktemp("shop"), "forecasting")
    yield opened
    process.stop(opened.settings)
    os.environ.clear()
    os.environ.update(before)
    deploy.ROOT, boto3.DEFAULT_SESSION = root, None


def test_nothing_is_lost_and_each_end_is_reported_once(shop: Shop) -> None:
    result, queue, chance = blows.Result(), shop.mailbox(), random.Random(11)
    for name, state in DEALT:
        blows.strike(shop, queue, name, blows.BLOWS[name], state, chance, result)
    assert (result.lost, result.findings) == ([], [])
    assert sorted(result.survived) == sorted(f"{name} in {state}" for name, state in DEALT), result.unseen
    assert len([each for each in shop.quarantined() if not each.endswith(".reason.txt")]) == 2
