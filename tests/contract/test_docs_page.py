"""Does the page on the API keep to the policy that it is served under?"""

import re
from html.parser import HTMLParser
from importlib.resources import files

PAGE = files("okx_gateway.edge.rest") / "docs_page"
SERVED = {"/docs/docs.css", "/docs/docs.js", "/openapi.json"}


class References(HTMLParser):
    """Gathers what a page refers to, and what it has inside that the policy forbids."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.inline: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.found |= {value for key in ("href", "src") if (value := names.get(key))}
        self.inline += [key for key in names if key == "style" or key.startswith("on")]
        self.inline += [tag] if tag == "style" or (tag == "script" and "src" not in names) else []
        self.ids |= {value for key, value in attrs if key == "id" and value}


def text_of(name: str) -> str:
    return (PAGE / name).read_text("utf-8")


def references() -> References:
    parsed = References()
    parsed.feed(text_of("index.html"))
    return parsed


def test_the_page_refers_to_nothing_but_what_is_served_with_it() -> None:
    assert {each for each in references().found if not each.startswith("#")} == SERVED
    for name in ("index.html", "docs.css", "docs.js"):
        assert not re.search(r"https?://|\burl\(|@import", text_of(name))


def test_nothing_is_inline() -> None:
    assert references().inline == []


def test_text_of_others_never_becomes_markup_or_code() -> None:
    risky = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|\.style\b"
    assert not re.search(risky, text_of("docs.js"))


def test_the_script_finds_the_places_that_it_fills() -> None:
    wanted = set(re.findall(r'getElementById\("([a-z]+)"\)', text_of("docs.js")))
    assert wanted
    assert wanted <= references().ids
