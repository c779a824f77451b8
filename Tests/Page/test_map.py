"""The page of `/map` in a real browser: the picture is there, fits, and asks nobody else for anything."""

import json
import os
import pathlib
import subprocess

import pytest
from conftest import Watched

ROOT = pathlib.Path(__file__).resolve().parents[2]
CRIMS = pathlib.Path(os.environ.get("CRIMS_BIN", ROOT / ".build" / "release" / "crims"))
WIDTHS = (390, 820, 1440)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    command = [CRIMS, "serve", "--no-data", "--control", "tcp://127.0.0.1:*", "--events", "tcp://127.0.0.1:*",
               "--http", "127.0.0.1:*"]  # fmt: skip
    state = dict(os.environ, XDG_STATE_HOME=str(tmp_path_factory.mktemp("state")))
    with subprocess.Popen(command, cwd=ROOT, env=state, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as daemon:
        yield json.loads(daemon.stdout.readline())["http"][0]
        daemon.terminate()


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
