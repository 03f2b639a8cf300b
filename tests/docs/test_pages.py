"""The built site: links, headings, and nothing from elsewhere. `SITE` is where it was built."""

from __future__ import annotations

import os
import re
import unittest
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

SITE = Path(os.environ["SITE"])


class Page(HTMLParser):
    """What a page has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: set[str] = set()
        self.headings: list[int] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if "id" in has:
            self.ids.add(has["id"])
        if tag == "a" and "href" in has:
            self.links.append(has["href"])
        if "src" in has:
            self.loads.append(has["src"])
        if tag == "link" and has.get("rel") in ("stylesheet", "preload", "icon"):
            self.loads.append(has["href"])
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))


@cache
def page(path: Path) -> Page:
    return Page(path)


def pages() -> list[Path]:
    return sorted(it for it in SITE.rglob("*.html"))


class Pages(unittest.TestCase):
    def test_there_are_enough(self) -> None:
        self.assertGreater(len(pages()), 25)

    def test_links_lead_somewhere(self) -> None:
        for path in pages():
            for link in [*page(path).links, *page(path).loads]:
                address = urlsplit(link)
                if address.scheme in ("https", "mailto", "data"):
                    continue
                with self.subTest(page=path.name, link=link):
                    self.assertEqual(address.scheme, "")
                    target = path
                    if address.path:
                        target = (path.parent / unquote(address.path)).resolve()
                    self.assertTrue(target.is_file(), target)
                    if address.fragment and target.suffix == ".html":
                        self.assertIn(unquote(address.fragment), page(target).ids)

    def test_nothing_is_loaded_from_elsewhere(self) -> None:
        for path in pages():
            for load in page(path).loads:
                with self.subTest(page=path.name, load=load):
                    self.assertEqual(urlsplit(load).netloc, "")
        for path in [*SITE.rglob("*.css"), *SITE.rglob("*.svg")]:
            with self.subTest(file=path.name):
                self.assertNotRegex(path.read_text(), r"url\(\s*['\"]?(https?:)?//|@import")

    def test_headings_are_in_order(self) -> None:
        for path in pages():
            if path.name == "search.html":  # where a script adds more
                continue
            with self.subTest(page=path.name):
                levels = page(path).headings
                self.assertEqual(levels.count(1), 1)
                self.assertEqual(levels[0], 1)
                for before, after in pairwise(levels):
                    self.assertLessEqual(after, before + 1)

    def test_diagrams_are_drawn(self) -> None:
        drawn = sum(path.read_text().count('<div class="diagram"') for path in pages())
        self.assertGreaterEqual(drawn, 5)


if __name__ == "__main__":
    unittest.main()
