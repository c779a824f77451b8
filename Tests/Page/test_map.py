"""The page of `/map` in a real browser: the picture is there, fits, and asks nobody else for anything."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

import pytest
from conftest import Watched

ROOT = pathlib.Path(__file__).resolve().parents[2]
CRIMS = pathlib.Path(os.environ.get("CRIMS_BIN", ROOT / ".build" / "release" / "crims"))
WIDTHS = (390, 820, 1440)


@contextlib.contextmanager
def served(*arguments):
    """The ready line of a daemon that keeps nothing."""
    command = [CRIMS, "serve", "--no-data", "--control", "tcp://127.0.0.1:*", "--events", "tcp://127.0.0.1:*",
               "--http", "127.0.0.1:*", *arguments]  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as daemon:
        yield json.loads(daemon.stdout.readline())
        daemon.terminate()


@pytest.fixture(scope="module")
def address():
    with served() as ready:
        yield ready["http"][0]


@pytest.fixture
def look(browser, address):
    opened = []

    def open_page(query="force=Merseyside&month=7", width=1440, scheme="light"):
        page = browser.new_page(viewport={"width": width, "height": 1000}, color_scheme=scheme)
        watched = Watched(page, address)
        opened.append(watched)
        page.goto(f"{address}/map?{query}")
        return watched

    yield open_page
    for watched in opened:
        watched.page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_and_can_be_used_by_all(look, axe, width, scheme):
    watched = look(width=width, scheme=scheme)
    page = watched.page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    picture = page.locator("svg.map").bounding_box()
    assert 0.5 * min(width, 1000) < picture["width"] <= width and picture["height"] <= 0.86 * 1000
    page.evaluate(axe)
    found = page.evaluate("axe.run()")["violations"]
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == []
    watched.check()


def test_areas_have_the_colours_of_the_legend(look):
    for scheme in ("light", "dark"):
        watched = look(scheme=scheme)
        fills = watched.page.evaluate(
            """() => {
                const fill = (element) => getComputedStyle(element).fill;
                const keys = [...document.querySelectorAll(".legend rect")].map(fill);
                const groups = [...document.querySelectorAll("svg.map g")];
                return [keys, groups.map((group) => [...group.querySelectorAll("path")].map(fill))];
            }""")
        keys, groups = fills
        assert len(set(keys)) == len(keys) == len(groups) == 7
        assert all(set(paths) == {key} for key, paths in zip(keys, groups))
        watched.check()


def test_the_months_can_be_gone_through(look):
    watched = look()
    page = watched.page
    seen = {page.content()}
    for title in ("August 2020", "September 2020"):
        page.click("text=The month after")
        assert title in page.inner_text("h1")
        seen.add(page.content())
    page.click("text=The month before")
    assert page.content() in seen and len(seen) == 3
    watched.check()


def test_without_its_style_it_is_still_a_map(browser, address):
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.route("**/*.css", lambda route: route.abort())
    page.goto(f"{address}/map?force=Merseyside&month=7")
    fills = page.evaluate("[...document.querySelectorAll('svg.map g')].map((group) => getComputedStyle(group).fill)")
    assert len(set(fills)) == 7
    page.close()


def test_the_live_page_says_what_its_areas_are_drawn_by(browser, address, tmp_path):
    pytest.importorskip("zmq")
    sys.path.insert(0, str(ROOT / "clients" / "python" / "src"))
    import crims

    with urllib.request.urlopen(f"{address}/api/v1/models/merseyside/areas.geojson", timeout=10) as answer:
        cells = json.load(answer)
    shapes = {"cells": [], "mixed": cells["features"][:50], "boundaries": cells["features"]}
    words = {"cells": "not those of the real ones", "mixed": "those without as cells", "boundaries": "was given."}
    for source, features in shapes.items():
        path = tmp_path / f"{source}.geojson"
        path.write_text(json.dumps({**cells, "features": features}))
        with served(*(["--boundaries", str(path)] if features else [])) as ready:
            with crims.connect(ready["control"][0]) as simulation:
                simulation.open("merseyside", start="2020-01-06", run="r").step(count=24)
            page = browser.new_page(viewport={"width": 1200, "height": 900})
            watched = Watched(page, ready["http"][0])
            page.goto(f"{ready['http'][0]}/#run=r")
            deadline = time.monotonic() + 10
            while not page.locator("#shapes-words").text_content().endswith("."):
                assert time.monotonic() < deadline
                page.wait_for_timeout(50)
            assert words[source] in page.locator("#shapes-words").text_content()
            watched.check()
            page.close()
