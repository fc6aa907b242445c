"""The shell of a report: one HTML file with nothing to fetch, readable in light and dark."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

_STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def page(title: str, subtitle: str, body: str, data: Any = None, script: str = "") -> str:
    """A complete HTML document; the script finds `data` as DATA. Title and subtitle are escaped, the body is not."""
    inline = "" if data is None else f"<script>const DATA={_embedded(data)};\n{script}</script>"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,'
        f'initial-scale=1"><title>{escape(title)}</title><style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>'
        f'<p class="soft">{escape(subtitle)}</p>{body}</main>{inline}</body></html>'
    )


def figures(shown: list[tuple[str, str]]) -> str:
    """A row of figures, each `(value, what it is)`."""
    cells = "".join(
        f'<div class="figure"><b>{escape(value)}</b><span class="soft small">{escape(what)}</span></div>'
        for value, what in shown
    )
    return f'<div class="figures">{cells}</div>'


def section(title: str, content: str, note: str = "") -> str:
    """A card with a heading, HTML content and a note under it."""
    below = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section><h2>{escape(title)}</h2>{content}{below}</section>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of HTML cells: what a row is about on the left, its figures on the right."""

    def line(cells: Sequence[str], tag: str) -> str:
        first, *figures_ = cells
        return f"<tr><{tag}>{first}</{tag}>" + "".join(f'<{tag} class="n">{c}</{tag}>' for c in figures_) + "</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f'<div class="scroll"><table>{line([escape(h) for h in head], "th")}{body}</table></div>'


def number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def escape(text: Any) -> str:
    return html.escape(str(text))


def _embedded(data: Any) -> str:
    """JSON that no text in it can break out of the script element."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/").replace("<!--", "<\\!--")
