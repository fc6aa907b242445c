"""A Lambda function's error by the name of its class, and where its log lines go."""

import traceback

import pytest
from ministack.services import cloudwatch_logs

from localaws.emulator.functions import error_type, to_a_group_that_is_there


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ValueError("one line"), "ValueError"),
        (ValueError("a line: with a colon\nand another one"), "ValueError"),
        (ValueError(), "ValueError"),
        (UnicodeError("of the library's\n"), "UnicodeError"),
    ],
)
def test_the_name_is_at_the_end_of_the_traceback(error: Exception, name: str) -> None:
    try:
        try:
            raise KeyError("first")
        except KeyError:
            raise error from None
    except Exception:
        assert error_type(f"a line of the log\n{traceback.format_exc()}", str(error)) == name


def test_a_class_is_named_without_its_module() -> None:
    trace = "Traceback (most recent call last):\n  ...\nbotocore.errorfactory.LimitExceededException: full: wait"
    assert error_type(trace, "full: wait") == "LimitExceededException"


def test_a_log_without_a_traceback_names_nothing() -> None:
    assert error_type("the worker is gone", "the worker is gone") == "Runtime.HandlerError"


def test_lines_for_a_log_group_that_was_deleted_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    emit = to_a_group_that_is_there(lambda func, *arguments, **more: written.append(func["FunctionName"]))
    monkeypatch.setattr(cloudwatch_logs, "_log_groups", {"there": {}})
    for name, logging in (("own", {}), ("to a group", {"LogGroup": "there"}), ("deleted", {"LogGroup": "gone"})):
        emit({"FunctionName": name, "LoggingConfig": logging}, "request", "a line", error=False, duration_ms=1)
    assert written == ["own", "to a group"]
