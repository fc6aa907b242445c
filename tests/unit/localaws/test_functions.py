"""A Lambda function's error by the name of its class."""

import traceback

import pytest

from localaws.gateway.functions import error_type


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ValueError("one line"), "ValueError"),
        (ValueError("a line: with a colon\nand another one"), "ValueError"),
        (ValueError(), "ValueError"),
        (UnicodeError("of the library's\n"), "UnicodeError"),
    ],
)
def test_the_name_stands_at_the_end_of_the_traceback(error: Exception, name: str) -> None:
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
