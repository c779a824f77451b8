"""The page in a real browser: every control used, no error, no request elsewhere, no accessibility violation."""

import re
import time

import pytest

WIDTHS = (390, 820, 1440)


@pytest.fixture(scope="module")
def site(serve_page):
    """A week without feedback, two days with it, and the same without it."""
    with serve_page.Site() as site:
        serve_page.patrol(site.simulation, "patrols", hours=48, pause=0)
        yield site


def until(page, expression, seconds=10):
    """Waits for something in the page. Playwright's own way makes code of a string, which the page's policy forbids."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"not in {seconds} s: {expression}"
        page.wait_for_timeout(30)


def ready(page):
    """Waits until the sentence at the top says what the feedback did, and expectations are there."""
    until(page, "document.getElementById('lead').textContent.includes('in the last 24 hours')")
    until(page, "document.querySelector('#by-day .band') !== null")


def number(text):
    return int(re.search(r"[\d,]+", text).group().replace(",", ""))


def tile(page, label):
    return page.locator("#panel .tiles li", has_text=label).locator("strong").inner_text()


def test_the_sentence_at_the_top_is_true(site, visit):
    watched = visit(site, run="patrols")
    page = watched.page
    ready(page)
    until(page, "/fewer|as many|more/.test(document.getElementById('lead').textContent)")
    sentence = page.inner_text("#lead")
    status = site.ask("status", run="patrols").fields["runs"][0]
    last = site.ask("read", run="patrols", seq=status["next_seq"] - 24, count=24, format="none").fields
    fewer = round(last["baseline"] - last["expected"])
    assert fewer > 0
    assert sentence == (f"Merseyside, Wednesday 15 January 2020, 00:00: {last['count']} incidents in the last 24 "
                        f"hours, about {fewer} fewer than without the police’s feedback")
    until(page, "document.getElementById('state-words').textContent === 'waits to be asked for step 216'")
    watched.check()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wrong_at_any_width(site, visit, axe, width, scheme):
    watched = visit(site, width=width, scheme=scheme, run="patrols")
    page = watched.page
    ready(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the window"
    for step in (lambda: None, lambda: page.click("#areas button >> nth=0"),
                 lambda: page.click("#categories summary")):
        step()
        # The policy forbids inline scripts, and evaluating is not inline.
        page.evaluate(axe)
        found = page.evaluate("axe.run()")
        assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found["violations"]] == []
    watched.check()


def test_live_steps_arrive_and_are_resumed(site, visit):
    run = site.simulation.open("merseyside", start="2020-03-02", seed=3, run="live")
    list(run.steps(24))
    watched = visit(site, run="live")
    page = watched.page
    ready(page)
    clock = "document.getElementById('clock').textContent"
    list(run.steps(5))
    until(page, f"{clock}.endsWith('05:00')")
    site.cut_streams()
    list(run.steps(3))
    until(page, f"{clock}.endsWith('08:00')", seconds=15)
    run.adjust(0.5, source="police", reason="a reason to read")
    until(page, "document.getElementById('trail').textContent.includes('a reason to read')")
    page.click("[data-last='0']")
    count = site.ask("status", run="live").fields["runs"][0]["incidents"]
    until(page, f"document.querySelector('#panel .tiles strong').textContent === '{count}'")
    assert watched.outside == []
