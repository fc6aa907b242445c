"""The fuzzer's short form: `python -m tests.chaos fuzz` sends as many requests as you give it time for."""

from __future__ import annotations

from localaws.settings import Settings
from tests.chaos import fuzz, watch

_SEED, _REQUESTS = 14, 2_100  # each operation once


def test_no_request_is_answered_with_a_server_error_or_leaves_a_trace_or_a_file_open(victim: Settings) -> None:
    known = fuzz.resources(victim)
    before = watch.of_server(victim)
    outcome = fuzz.fuzz(victim, seed=_SEED, requests=_REQUESTS, known=known)
    after = watch.of_server(victim)
    assert [str(each) for each in outcome.findings] == []
    assert outcome.sent > 0.9 * _REQUESTS and outcome.answers[200] > 50, outcome.answers
    assert after.descriptors <= before.descriptors + 50  # idle connections of its clients
    assert after.megabytes <= before.megabytes + 500


def test_a_finding_is_sent_again_by_its_number(victim: Settings) -> None:
    """The same requests, whatever came before them; of an operation that answers with what it is given."""
    services = ("forecast", "kms")
    seen: list[str] = []
    for first, requests in ((0, 3), (2, 1)):
        fuzz.fuzz(victim, seed=1, requests=requests, first=first, services=services, sent=seen.append)
    assert len(seen) == 4 and seen[2] == seen[3] != seen[1]
