"""README's picture: it is the page, and a picture that any site shows."""

import shutil
import threading
from xml.etree import ElementTree

import picture
import pytest

DOCS = picture.pathlib.Path(__file__).resolve().parents[2] / "docs"
TAGS = {"svg", "defs", "g", "symbol", "clipPath", "path", "use", "rect"}


def check(svg):
    """Text of paths and uses alone: nothing runs, nothing is fetched, nothing is of pixels, and not for long."""
    assert len(svg) < 310_000
    root = ElementTree.fromstring(svg)
    assert {element.tag.removeprefix(picture.SVG) for element in root.iter()} <= TAGS
    names = {element.get("id") for element in root.iter()}
    for element in root.iter():
        assert set(element.attrib) <= {"id", "d", "style", "href", "x", "y", "width", "height", "viewBox", "version",
                                       "overflow", "clip-path", "transform"}
        for link in (element.get("href"), element.get("clip-path")):
            assert link is None or link.removeprefix("url(").strip("#)") in names
    outlines = [element.get("d", "").count("Z") for element in root.iter(f"{picture.SVG}path")]
    assert sum(outlines) > 3 * 184, "areas are outlines"


@pytest.mark.parametrize("name", ["page.svg", "page-dark.svg"])
def test_what_readme_shows_is_safe_and_small(name):
    check((DOCS / name).read_text())
    assert f"docs/{name}" in (DOCS.parent / "README.md").read_text()


@pytest.mark.skipif(not shutil.which("pdftocairo"), reason="there is no pdftocairo: apt-get install poppler-utils")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_made_again(serve_page, browser, scheme):
    with serve_page.Site() as site:
        serve_page.patrol(site.simulation, "patrols", hours=24, pause=0)
        svg = picture.draw(browser, site.address, "patrols", scheme, threading.Event())
    check(svg)
    # The paper's colour, and the seven of the map.
    colours = {"light": ["#ffffff", "#f8f4b4", "#32276e"], "dark": ["#14181d", "#39346a", "#efecaf"]}[scheme]
    assert all(colour in svg for colour in colours)
