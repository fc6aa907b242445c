"""What an ASGI scope says of its HTTP request."""

from urllib.parse import parse_qs


def headers_and_query(scope: dict) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Headers by lower-case name, and the query string's values by name."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return headers, parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
