"""Every page that code and documentation cite can be found, and every link inside the repository resolves."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_SOURCES = ROOT / "docs" / "aws-sources.md"
_FOLDERS = (
    *("benchmarks", "data", "demo", "docs", "engines", "examples", "infra", "lambdas", "localaws", "notebooks"),
    *("storecast", "tests", "workshop"),
)
_KINDS = {".md", ".py", ".sh", ".toml", ".txt", ".yaml"}
_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


@cache
def _texts() -> dict[Path, str]:
    inside = (path for folder in _FOLDERS for path in (ROOT / folder).rglob("*"))
    files = [path for path in (*ROOT.iterdir(), *inside) if path.suffix in _KINDS and path.is_file()]
    return {path: path.read_text() for path in files if "node_modules" not in path.parts}


def _pages() -> list[Path]:
    return sorted(path for path in _texts() if path.suffix == ".md")


def _cited() -> Iterator[tuple[Path, str]]:
    """The anchors of AWS pages, and who cites them."""
    for path, text in _texts().items():
        yield from ((path, anchor) for anchor in re.findall(r"aws-sources\.md#([\w-]+)", text) if path != _SOURCES)
    for path in (ROOT / "tests" / "contract" / "recorded").glob("*.json"):
        named = re.findall(r"awsdocs/amazon-(\w+)-developer-guide doc_source/([\w-]+)\.md", path.read_text())
        yield from ((path, f"{guide}-{page}") for guide, page in named)


def _anchors(page: str) -> set[str]:
    """Of headings, as GitHub and mkdocs make them, and of `<a id>`."""
    titles = re.findall(r"^#+ (.*?) *$", _FENCED.sub("", page), re.MULTILINE)
    slugs = {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}
    return slugs | set(re.findall(r'<a id="([\w-]+)">', page))


def test_each_cited_page_of_aws_has_an_anchor_with_its_address() -> None:
    known = set(re.findall(r'^- <a id="([\w-]+)"></a>\[.+\]\(https://\S+\)', _SOURCES.read_text(), re.MULTILINE))
    assert {(path.name, anchor) for path, anchor in _cited() if anchor not in known} == set()
    assert known - {anchor for _, anchor in _cited()} == set(), "nothing cites them: take them off the list"


def test_no_page_is_cited_by_a_name_that_leads_nowhere() -> None:
    """`limits.md` is a page of three guides and no file here: cite its anchor in docs/aws-sources.md."""
    there = {path.name for path in _texts()}
    lost = {
        (str(path.relative_to(ROOT)), name)
        for path, text in _texts().items()
        for name in re.findall(r"(?<![\w/*.#-])[A-Za-z][\w-]*\.md\b|guide, [A-Za-z]+(?:[-_][A-Za-z0-9]+)+", text)
        if name not in there and path != Path(__file__)
    }
    assert lost == set()


@pytest.mark.parametrize("page", _pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_resolves(page: Path) -> None:
    text = _FENCED.sub("", _texts()[page])
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in _anchors(file.read_text())):
            lost.append(target)
    assert lost == []
