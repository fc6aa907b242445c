"""The words of a filter expression (docs/aws-sources.md#personalize-filter-expressions): names, strings, numbers,
parameters, symbols."""

from __future__ import annotations

from dataclasses import dataclass

SYMBOLS = ("<=", ">=", "!=", "<", ">", "=", "(", ")", ",", ".", "|", "*")  # the longer ones first
END = "end of expression"


class FilterError(ValueError):
    """A filter that cannot be made or used; the message says where and what was expected."""


@dataclass(frozen=True)
class Token:
    """`kind` is name, string, number, parameter, symbol or end; `text` as written; `value` what a literal stands for
    (a parameter's name without $); `position` counts characters from 1."""

    kind: str
    text: str
    position: int
    value: str | float = ""


def invalid_symbol(text: str, position: int, why: str) -> FilterError:
    """In the service's words (docs/aws-sources.md#personalize-error-messages), with the place and what belongs
    there."""
    return FilterError(f"Could not create filter. Invalid input symbol: {text}. {why} (character {position})")


def tokenize(text: str) -> list[Token]:
    """The tokens of an expression, the last of kind end. Raises FilterError at a character that fits none."""
    tokens, place = [], 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        token = _next(text, place)
        tokens.append(token)
        place += len(token.text)
    return [*tokens, Token("end", END, len(text) + 1)]


def _next(text: str, place: int) -> Token:
    first, position = text[place], place + 1
    if first == '"':
        return _string(text, place)
    if _in_number(first) or (first == "-" and _in_number(text[place + 1 : place + 2])):
        return _number(text, place)
    if first == "$":
        end = _end_of_name(text, place + 1)
        if end == place + 1:
            raise invalid_symbol("$", position, "Expected the name of a parameter behind it")
        return Token("parameter", text[place:end], position, text[place + 1 : end])
    end = _end_of_name(text, place)
    if end > place:
        return Token("name", text[place:end], position)
    for symbol in SYMBOLS:
        if text.startswith(symbol, place):
            return Token("symbol", symbol, position)
    raise invalid_symbol(first, position, "Expected a name, a value in double quotes, a number or a $parameter")


def _string(text: str, place: int) -> Token:
    """A value in double quotes; a backslash takes the next character as it stands."""
    value, here = [], place + 1
    while here < len(text) and text[here] != '"':
        if text[here] == "\\":
            here += 1
        value.append(text[here : here + 1])
        here += 1
    if here >= len(text):
        raise invalid_symbol(text[place:], place + 1, 'Expected a closing "')
    return Token("string", text[place : here + 1], place + 1, "".join(value))


def _number(text: str, place: int) -> Token:
    end = place + 1
    while end < len(text) and (_in_number(text[end]) or text[end] == "."):
        end += 1
    try:
        return Token("number", text[place:end], place + 1, float(text[place:end]))
    except ValueError:
        raise invalid_symbol(text[place:end], place + 1, "Expected a number") from None


def _in_number(character: str) -> bool:
    return character.isascii() and character.isdigit()


def _end_of_name(text: str, place: int) -> int:
    while place < len(text) and (text[place].isalnum() or text[place] == "_"):
        place += 1
    return place
