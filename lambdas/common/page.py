"""The shell of a report: one HTML file with nothing to fetch, readable in light and dark."""

from __future__ import annotations

import html
import json
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --ink:#1b2430; --soft:#5d6b7c; --paper:#f6f7f9; --card:#fff; --line:#e1e5ea;
  --accent:#1f6feb; --past:#39424e; --band50:rgba(31,111,235,.30); --band90:rgba(31,111,235,.14); --good:#1a7f4b }
@media (prefers-color-scheme: dark) { :root { --ink:#e8edf3; --soft:#97a5b5; --paper:#11161d; --card:#1a212b; --line:#2b3542;
  --accent:#6aa8ff; --past:#c3ccd8; --band50:rgba(106,168,255,.34); --band90:rgba(106,168,255,.16); --good:#5fd09a } }
* { box-sizing:border-box } body { margin:0; background:var(--paper); color:var(--ink);
  font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif }
main { max-width:1080px; margin:0 auto; padding:32px 20px 64px }
h1 { font-size:26px; line-height:1.2; margin:0 0 4px; letter-spacing:-.01em } h2 { font-size:17px; margin:0 0 12px }
p { margin:0 0 10px } .soft { color:var(--soft) } .small { font-size:13px }
section { background:var(--card); border:1px solid var(--line); border-radius:12px; padding:20px; margin-top:20px }
table { border-collapse:collapse; width:100%; font-variant-numeric:tabular-nums } .scroll { overflow-x:auto }
th { text-align:left; font-weight:600; color:var(--soft); font-size:13px } td,th { padding:7px 12px 7px 0; border-bottom:1px solid var(--line) }
tr:last-child td { border-bottom:0 } .n { text-align:right } .best { color:var(--good); font-weight:600 }
select,input { font:inherit; color:inherit; background:var(--paper); border:1px solid var(--line); border-radius:8px; padding:6px 10px }
.figures { display:flex; flex-wrap:wrap; gap:12px; margin-top:20px } .figure { background:var(--card); border:1px solid var(--line);
  border-radius:12px; padding:12px 18px; min-width:150px } .figure b { display:block; font-size:22px; font-weight:650 }
.row { display:flex; flex-wrap:wrap; gap:12px; align-items:center; justify-content:space-between; margin-bottom:12px }
.key { display:inline-flex; align-items:center; gap:6px; margin-left:14px } .key i { width:16px; height:10px; border-radius:2px; display:inline-block }
.grid { display:grid; grid-template-columns:repeat(auto-fill,minmax(290px,1fr)); gap:16px } .grid article { border:1px solid var(--line);
  border-radius:10px; padding:14px 16px } ol { margin:8px 0 0; padding-left:22px } li { padding:2px 0 } li::marker { color:var(--soft) }
code { font-size:.92em }
"""


def page(title: str, subtitle: str, body: str, data: Any = None, script: str = "") -> str:
    """A whole HTML document; `data` is what the script finds as `DATA`. Title and subtitle are escaped, the body is not."""
    inline = "" if data is None else f"<script>const DATA={_embedded(data)};\n{script}</script>"
    return (f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,'
            f'initial-scale=1"><title>{escape(title)}</title><style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>'
            f'<p class="soft">{escape(subtitle)}</p>{body}</main>{inline}</body></html>')


def figures(shown: list[tuple[str, str]]) -> str:
    """A row of figures, each `(value, what it is)`."""
    cells = "".join(f'<div class="figure"><b>{escape(value)}</b><span class="soft small">{escape(what)}</span></div>'
                    for value, what in shown)
    return f'<div class="figures">{cells}</div>'


def number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def escape(text: Any) -> str:
    return html.escape(str(text))


def _embedded(data: Any) -> str:
    """JSON that no text in it can break out of the script element."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/").replace("<!--", "<\\!--")
