"""A page read back: its elements with their texts, the rows of its tables, and how means stand in them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pandas as pd

VOID = {"br", "canvas", "hr", "img", "input", "link", "meta", "rect", "path", "line"}


@dataclass
class Element:
    """An element with its attributes, what it holds, and the text between."""

    tag: str
    attributes: dict[str, str]
    parts: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        whole = "".join(part if isinstance(part, str) else part.text for part in self.parts)
        return re.sub(r"\s+", " ", whole.replace("\u00a0", " ")).strip()

    def every(self, tag: str = "", **wanted: str) -> Iterator[Element]:
        for part in self.parts:
            if isinstance(part, Element):
                if tag in ("", part.tag) and all(
                    value in part.attributes.get(name.rstrip("_"), "").split(" ") for name, value in wanted.items()
                ):
                    yield part
                yield from part.every(tag, **wanted)

    def first(self, tag: str = "", **wanted: str) -> Element:
        return next(self.every(tag, **wanted))

    def seen(self) -> str:
        """Return the text without tooltips and what is for screen readers only."""
        kept = [
            part if isinstance(part, str) else part.seen()
            for part in self.parts
            if isinstance(part, str)
            or not (part.attributes.get("role") == "tooltip" or part.attributes.get("class") == "hidden")
        ]
        return re.sub(r"\s+", " ", "".join(kept).replace("\u00a0", " ")).strip()


class Reader(HTMLParser):
    """Reads a page into elements."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        one = Element(tag, {name: value or "" for name, value in attrs})
        self.stack[-1].parts.append(one)
        if tag not in VOID or tag in ("rect", "path"):
            self.stack.append(one)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.stack[-1].parts.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        for place in range(len(self.stack) - 1, 0, -1):
            if self.stack[place].tag == tag:
                del self.stack[place:]
                return

    def handle_data(self, data: str) -> None:
        self.stack[-1].parts.append(data)


def read_elements(page: str) -> Element:
    """Read a page, and return what holds all of it."""
    reader = Reader()
    reader.feed(page)
    return reader.stack[0]


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def rows_of(found: Element) -> list[list[str]]:
    """Return the texts of every row of the bodies of a table; rows of opened cards are no numbers of it."""
    return [
        [cell.seen() for cell in row.parts if isinstance(cell, Element) and cell.tag in ("td", "th")]
        for body in found.every("tbody")
        for row in body.every("tr")
        if row.attributes.get("class") != "card-row"
    ]


def caption(page: Element, begins: str) -> Element:
    return next(one for one in page.every("table") if one.first("caption").text.startswith(begins))


def mean_and_error(values: pd.Series, stderr: pd.Series) -> str:
    """Write a mean over seeds with its standard error as the page does."""
    error = values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else stderr.iloc[0]
    return f"{values.mean():.3f}" + ("" if not error else f"± {error:.3f}" if error >= 0.0005 else "± <.001")
