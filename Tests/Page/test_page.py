"""The page in a real browser: every control used, no error, no request elsewhere, no accessibility violation."""

import functools
import re
import shutil
import threading
import time

import big_model
import pytest

WIDTHS = (390, 820, 1440)


@pytest.fixture(scope="module")
def site(serve_page):
    """A week without feedback, two days with it, and the same without it."""
    with serve_page.Site() as site:
        serve_page.patrol(site.simulation, "patrols", hours=48, pause=0)
        yield site


def until(page, expression, seconds=20):
    """Waits for something in the page. Playwright's own way makes code of a string, which the page's policy forbids."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"not in {seconds} s: {expression}"
        page.wait_for_timeout(30)


def ready(page, time="24 hours"):
    """Waits until the sentence at the top says what the feedback did, and expectations are there."""
    until(page, f"document.getElementById('lead').textContent.includes('in the last {time}')")
    until(page, "document.querySelector('#by-day .band') !== null")


def number(text):
    return int(re.search(r"[\d,]+", text).group().replace(",", ""))


def tile(page, label):
    return page.locator("#panel .tiles li", has_text=label).locator("strong").inner_text()


def tiles(page, label, count):
    """Waits until a tile of the panel has that number: tables are drawn when there is time."""
    deadline = time.monotonic() + 10
    while number(tile(page, label)) != count:
        assert time.monotonic() < deadline, f"{label}: {tile(page, label)}, not {count}"
        page.wait_for_timeout(30)


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
    steps = (lambda: None, lambda: page.click("#areas button >> nth=0"),
             lambda: page.click("#categories summary"), lambda: page.click("#categories summary"),
             lambda: page.select_option("#layer", "both"), lambda: page.click("#by-day summary"),
             lambda: page.select_option("#other", "patrols-without"))
    for step in steps:
        step()
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the window"
        if width == 820 and step not in (steps[0], steps[-1]):
            continue  # what stands where is between the other two, and nothing else is
        # The policy forbids inline scripts, and evaluating is not inline.
        page.evaluate(axe)
        # In the dark nothing is other than the colours.
        found = page.evaluate("axe.run()" if scheme == "light" else "axe.run({runOnly: ['color-contrast']})")
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
    page.context.set_offline(True)
    until(page, "!document.getElementById('trouble').hidden")
    list(run.steps(3))
    page.context.set_offline(False)
    until(page, f"{clock}.endsWith('08:00')", seconds=15)
    run.adjust(0.5, source="police", reason="a reason to read")
    until(page, "document.getElementById('trail').textContent.includes('a reason to read')")
    page.click("[data-last='0']")
    count = site.ask("status", run="live").fields["runs"][0]["incidents"]
    until(page, f"document.querySelector('#panel .tiles strong').textContent === '{count}'")
    assert watched.outside == []


def test_a_run_that_goes_on_has_its_expectations_too(site, visit):
    run = site.simulation.open("merseyside", start="2020-03-02", seed=3, run="goes-on")
    run.adjust(0.5, categories=["burglary"], source="police", reason="patrols")
    list(run.steps(24 * 8))
    ended = threading.Event()

    def go_on():
        while not ended.wait(0.35):
            run.step()

    def late(route):
        time.sleep(0.4)
        route.continue_()

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        watched = visit(site, run="goes-on", before=lambda page: page.route("**/rates?*", late))
        page = watched.page
        # New hours come before the last ones are known, and yet the old ones get their turn.
        until(page, "/[0-9]/.test(document.querySelector('#panel .tiles li:nth-child(2) strong')?.textContent)", 15)
        assert "fewer than without" in page.inner_text("#lead")
        assert page.inner_text("#state-words") == "running"
        watched.check()
    finally:
        ended.set()
        thread.join(10)


def settle(page):
    page.wait_for_timeout(500)


def picture(page, map_number=0):
    """What a map shows, as a text that is another for another picture."""
    return page.evaluate(f"document.querySelectorAll('#maps canvas.areas')[{map_number}].toDataURL()")


def changes(page, act, map_number=0):
    """Does something, and waits until a map shows something else."""
    before = picture(page, map_number)
    act()
    deadline = time.monotonic() + 15
    while picture(page, map_number) == before:
        assert time.monotonic() < deadline, "the map is as it was"
        page.wait_for_timeout(50)


def test_every_control_does_what_it_says(site, visit):
    watched = visit(site, run="patrols")
    page = watched.page
    ready(page)
    settle(page)
    week = tile(page, "incidents")
    for measure in ("count", "effect", "surprise", "rate"):
        changes(page, functools.partial(page.select_option, "#measure", measure))
    settle(page)

    # Time: all of it is what the daemon says; its ends move with the keyboard; play moves it.
    page.click("[data-last='0']")
    settle(page)
    total = site.ask("status", run="patrols").fields["runs"][0]["incidents"]
    tiles(page, "incidents", total)
    assert total > number(week)
    page.click("[data-last='24']")
    settle(page)
    assert "(24 hours)" in page.inner_text("#time-words")
    day = site.ask("read", run="patrols", seq=192, count=24, format="none").fields["count"]
    tiles(page, "incidents", day)
    page.focus("#from")
    page.keyboard.press("ArrowLeft")
    settle(page)
    assert "(25 hours)" in page.inner_text("#time-words")
    assert page.get_attribute("#from", "aria-valuetext") == "Mon 13 Jan 2020, 23:00"
    hour = site.ask("read", run="patrols", seq=191, count=1, format="none").fields["count"]
    tiles(page, "incidents", day + hour)
    page.focus("#to")
    page.keyboard.press("ArrowLeft")
    settle(page)
    assert not page.is_checked("#follow")
    page.check("#follow")
    settle(page)
    assert "to Wed 15 Jan 2020, 00:00" in page.inner_text("#time-words")
    page.select_option("#pace", "168")
    page.click("#play")
    assert page.get_attribute("#play", "aria-pressed") == "true"
    words = page.inner_text("#time-words")
    settle(page)
    assert page.inner_text("#time-words") != words
    until(page, "document.getElementById('play').textContent === 'Play'", seconds=15)
    page.click("[data-last='168']")
    settle(page)
    box = page.locator("#strip").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 - 60, box["y"] + 20, steps=4)
    page.mouse.up()
    settle(page)
    assert "to Wed 15 Jan 2020, 00:00" not in page.inner_text("#time-words")
    assert "(7 days)" in page.inner_text("#time-words")
    page.click("[data-last='0']")
    settle(page)

    # Categories.
    page.click("#categories summary")
    page.click("#categories-none")
    settle(page)
    tiles(page, "incidents", 0)
    page.check("#categories-list >> text=burglary")
    page.keyboard.press("Escape")
    settle(page)
    assert page.inner_text("#categories-words") == "burglary"
    burglaries = site.ask("read", run="patrols", seq=0, count=216, format="counts").fields["by_category"]["burglary"]
    tiles(page, "incidents", burglaries)
    page.click("#categories summary")
    page.click("#categories-all")
    page.keyboard.press("Escape")

    # Intensity, layers.
    page.focus("#intensity")
    changes(page, lambda: page.keyboard.press("Home"))
    assert page.inner_text("#intensity-words") == "the highest 1 % of areas"
    changes(page, lambda: page.keyboard.press("End"))
    page.select_option("#layer", "both")
    settle(page)
    assert page.locator("#maps canvas.areas").count() == 2
    assert "per square kilometre" in page.inner_text("#legend")
    page.select_option("#layer", "density")
    settle(page)
    page.select_option("#layer", "areas")
    settle(page)

    # Areas: by click, by the keyboard on the map, by the list; and back.
    frame = page.locator(".map-frame").bounding_box()
    middle = {"x": frame["width"] * 0.5, "y": frame["height"] * 0.62}
    page.click(".map-frame", position=middle)
    settle(page)
    by_click = page.inner_text("#panel-heading")
    assert by_click != "All areas"
    page.keyboard.press("Escape")
    assert page.inner_text("#panel-heading") == "All areas"
    page.focus(".map-frame")
    for key in ("ArrowRight", "ArrowDown", "+", "-", "ArrowUp", "ArrowLeft"):
        changes(page, functools.partial(page.keyboard.press, key))
    page.keyboard.press("Enter")
    settle(page)
    assert page.inner_text("#panel-heading") != "All areas"
    changes(page, lambda: page.click(".leaflet-control-zoom-in"))
    changes(page, lambda: page.click(".leaflet-control-zoom-out"))
    page.fill("#find", "Wirral 01")
    settle(page)
    assert page.locator("#areas tbody tr").count() == 10
    page.fill("#find", "E02001363")
    settle(page)
    page.click("#areas tbody button")
    settle(page)
    assert "E02001363" in page.inner_text("#panel-body")
    inside = site.ask("read", run="patrols", seq=0, count=216, format="none", areas=["E02001363"]).fields
    tiles(page, "incidents", inside["count"])
    until(page, "!document.querySelector('#panel .tiles li:nth-child(2)').textContent.includes('–')", seconds=20)
    shown = float(tile(page, "expected").lstrip("≈ ").replace(",", ""))
    assert abs(shown - inside["expected"]) <= 0.5
    page.click("text=Back to all areas")
    page.fill("#find", "nowhere")
    settle(page)
    assert page.inner_text("#areas-words") == "No area has that in its name or code."
    page.fill("#find", "")
    for order in ("change", "effect", "rate", "name", "count"):
        page.select_option("#order", order)
        settle(page)
    page.click("#more-areas")
    settle(page)
    assert page.locator("#areas tbody tr").count() == 100
    for layer in ("both", "areas"):  # which brings the map back to where it was
        page.select_option("#layer", layer)
        settle(page)
    page.hover(".map-frame", position=middle)
    page.locator(".tip").wait_for()
    assert page.inner_text(".tip").endswith("a year per 1,000")

    # Runs: the other one, and back; the address says which.
    page.select_option("#run", "patrols-without")
    until(page, "document.getElementById('trail-words').textContent.startsWith('Nobody has adjusted patrols-without')")
    assert page.url.endswith("#run=patrols-without")
    page.select_option("#run", "patrols")
    until(page, "document.getElementById('trail-words').textContent.includes('in patrols')")
    ready(page)
    page.click("[data-last='0']")

    # Charts as tables, the trail.
    for figure in ("by-day", "by-hour", "by-month", "by-week"):
        page.click(f"#{figure} summary")
        settle(page)
        assert page.locator(f"#{figure} tbody tr").count() == {"by-day": 9, "by-hour": 24, "by-month": 1, "by-week": 7}[
            figure]
    trail = site.ask("adjustments", run="patrols").fields["adjustments"]
    assert page.locator("#trail tbody tr").count() == len(trail)
    assert "patrols in the ten busiest areas" in page.inner_text("#trail")
    watched.check()


def test_charts_say_what_the_daemon_expects(site, visit):
    watched = visit(site, run="patrols")
    page = watched.page
    ready(page)
    page.click("[data-last='0']")
    page.click("#by-day summary")
    rows = site.ask("rates", run="patrols", **{"from": "2020-01-06"}, to="2020-01-15", by=["day"]).fields["rows"]
    until(page, "document.querySelectorAll('#by-day tbody tr').length === 9"
                " && !document.querySelector('#by-day tbody').textContent.includes('–')", seconds=20)
    shown = page.evaluate("[...document.querySelectorAll('#by-day tbody tr')].map(row =>"
                          " [...row.cells].map(cell => cell.textContent))")
    for (_, _, expected, baseline, _), row in zip(shown, rows):
        assert abs(float(expected.replace(",", "")) - row["expected"]) <= 0.51
        assert abs(float(baseline.replace(",", "")) - row["baseline"]) <= 0.51
    assert any(row["expected"] < row["baseline"] - 5 for row in rows)
    watched.check()


def cells(page, figure):
    return page.evaluate("(id) => [...document.querySelectorAll(`#${id} tbody tr`)].map((row) =>"
                         " [...row.cells].map((cell) => cell.textContent))", figure)


def test_an_area_has_its_own_days_and_months(site, visit):
    watched = visit(site, run="patrols")
    page = watched.page
    ready(page)
    page.click("[data-last='0']")
    assert not page.locator("#panel-charts").is_visible()
    trail = site.ask("adjustments", run="patrols").fields["adjustments"]
    area = next(line["areas"][0] for line in trail if line.get("areas"))
    page.fill("#find", area)
    page.click("#areas tbody button")
    page.click("#area-by-day summary")
    page.click("#area-by-month summary")
    until(page, "document.querySelectorAll('#area-by-day tbody tr').length === 9"
                " && !document.querySelector('#area-by-day tbody').textContent.includes('–')", seconds=20)
    rates = site.ask("rates", run="patrols", **{"from": "2020-01-06"}, to="2020-01-15", by=["area", "day"])
    rows = [row for row in rates.fields["rows"] if row["area"] == area]
    shown = cells(page, "area-by-day")
    for day, ((_, count, expected, baseline, _), row) in enumerate(zip(shown, rows, strict=True)):
        assert int(count) == site.ask("read", run="patrols", seq=24 * day, count=24, format="none",
                                      areas=[area]).fields["count"]
        assert float(expected) == pytest.approx(row["expected"], abs=0.0501)
        assert float(baseline) == pytest.approx(row["baseline"], abs=0.0501)
    assert rows[-1]["expected"] < 0.9 * rows[-1]["baseline"]
    (month,) = cells(page, "area-by-month")
    assert month[0] == "Jan 2020" and int(month[1]) == sum(int(row[1]) for row in shown)
    assert float(month[2]) == pytest.approx(sum(row["expected"] for row in rows), abs=0.501)
    page.click("text=Back to all areas")
    assert not page.locator("#panel-charts").is_visible()
    watched.check()


RELATIVES = """async (name) => {
  const { relatives } = await import("/static/relatives.js");
  const run = (run, next_seq, forked_from = null, forked_seq = null, model = "m") =>
    ({ run, next_seq, forked_from, forked_seq, model });
  const runs = [run("base", 10), run("with", 30, "base", 10), run("without", 40, "base", 10),
    run("orphan", 9, "gone", 3), run("gone", 9), run("elsewhere", 9, "base", 2, "other"), run("early", 12, "with", 5)];
  return relatives(runs, runs.find((one) => one.run === name)).map(({ run, steps }) => [run, steps]);
}"""


def test_relatives_are_those_that_share_a_past(site, visit):
    page = visit(site, run="patrols").page
    # The longest future apart first: not the parent, which went no further.
    assert page.evaluate(RELATIVES, "with") == [["without", 20], ["early", 7], ["base", 0]]
    assert page.evaluate(RELATIVES, "base") == [["with", 0], ["without", 0]]
    assert page.evaluate(RELATIVES, "orphan") == [], "a run of the parent's name that came later is another"
    assert page.evaluate(RELATIVES, "gone") == []


def test_it_offers_the_other_future(site, visit):
    watched = visit(site, run="patrols")
    page = watched.page
    ready(page)
    assert page.inner_text("#offer-words") == "Another future of the same past: patrols-without, forked from patrols."
    options = page.locator("#other option").all_inner_texts()
    assert options[:2] == ["no other run", "patrols-without, forked from patrols"]
    page.click("#offer-take")
    until(page, "document.querySelectorAll('#maps canvas.areas').length === 3")
    assert page.url.endswith("#run=patrols&with=patrols-without")
    assert not page.locator("#offer").is_visible()
    assert page.evaluate("document.activeElement.id") == "other"
    page.select_option("#run", "patrols-without")
    words = "Another future of the same past: patrols, which patrols-without was forked from."
    until(page, f"document.getElementById('offer-words').textContent === '{words}'")
    assert page.locator("#offer").is_visible()
    watched.check()


def test_two_runs_side_by_side(site, visit):
    watched = visit(site, run="patrols", other="patrols-without")
    page = watched.page
    ready(page)
    until(page, "document.querySelectorAll('#maps canvas.areas').length === 3")
    page.click("[data-last='0']")
    settle(page)

    def ids(run):
        reply = site.ask("read", run=run, seq=0, count=216, format="records").fields
        return {incident["id"] for incident in reply["incidents"]}

    one, other = ids("patrols"), ids("patrols-without")
    shown = [number(text) for text in page.locator("#compared-tiles strong").all_inner_texts()[:3]]
    assert shown == [len(one & other), len(one - other), len(other - one)]
    assert len(other - one) > 10
    page.select_option("#other", "")
    settle(page)
    assert page.locator("#maps canvas.areas").count() == 1
    assert not page.locator("#compared").is_visible()
    watched.check()


def test_runs_are_compared_as_far_as_both_go(site, visit):
    run = site.simulation.open("merseyside", start="2020-03-02", seed=3, run="short")
    list(run.steps(24))
    run.adjust(0.5, source="police", reason="patrols")
    ahead = run.fork(24, "short-ahead")
    list(ahead.steps(72))
    list(run.steps(24))
    watched = visit(site, run="short", other="short-ahead")
    page = watched.page
    ready(page)
    until(page, "document.querySelectorAll('#maps canvas.areas').length === 3")
    page.select_option("#measure", "effect")
    until(page, "document.getElementById('time-words').textContent.includes('to Wed 4 Mar 2020, 00:00 (2 days)')")
    same = site.ask("read", run="short", seq=0, count=24, format="none").fields["count"]
    until(page, "document.querySelectorAll('#compared-tiles strong').length === 4")
    both, one, other = [number(text) for text in page.locator("#compared-tiles strong").all_inner_texts()[:3]]
    assert both > same and other > 10 * max(1, one), "not what only one has had the time for"
    until(page, "document.getElementById('state-words').textContent ==="
                " 'waits to be asked for step 48; short-ahead: waits to be asked for step 96'")
    watched.check()


def test_it_says_who_is_waited_for_and_when_nothing_is_there(serve_page, visit):
    with serve_page.Site() as site:
        watched = visit(site)
        page = watched.page
        until(page, "document.getElementById('lead').textContent === 'No run is open'")
        site.simulation.open("merseyside", start="2020-01-06", run="shared",
                             participants=["police", {"name": "courts", "timeout": 1.0}])
        until(page, "document.getElementById('lead').textContent.includes('nothing simulated yet')")
        police = threading.Thread(target=site.ask, args=("step",), daemon=True,
                                  kwargs={"run": "shared", "seq": 0, "participant": "police"})
        police.start()
        until(page, "/^waits for courts \\([0-9]+ s/.test(document.getElementById('state-words').textContent)")
        until(page, "document.getElementById('state-words').textContent.includes('overdue')")
        site.ask("step", run="shared", seq=0, participant="courts")
        police.join(10)
        until(page, "document.getElementById('clock').textContent === 'Mon 6 Jan 2020, 01:00'")
        site.ask("close", run="shared")
        until(page, "document.getElementById('state-words').textContent.startsWith('closed')")
        watched.check()


def test_a_run_that_is_closed_is_followed_no_more(serve_page, visit):
    with serve_page.Site() as site:
        run = site.simulation.open("merseyside", start="2020-01-06", run="short")
        list(run.steps(24))
        watched = visit(site, run="short")
        ready(watched.page)
        run.close()
        late = visit(site, run="short")
        ready(late.page)
        for page in (watched.page, late.page):
            until(page, "document.getElementById('state-words').textContent.startsWith('closed')")
            page.evaluate("""() => {
              window.said = [];
              const trouble = document.getElementById('trouble');
              new MutationObserver(() => window.said.push(trouble.textContent)).observe(trouble, { childList: true });
            }""")
        asked = []
        late.page.on("request", lambda request: asked.append(request.url))
        watched.page.wait_for_timeout(5000)
        for one in (watched, late):
            assert one.page.evaluate("window.said") == []
            one.check()
        assert not [url for url in asked if "/events" in url]


def test_a_later_run_of_the_same_name_is_shown_alone(serve_page, visit):
    with serve_page.Site() as site:
        port = int(site.address.rsplit(":", 1)[1])
        run = site.simulation.open("merseyside", start="2020-01-06", run="again")
        list(run.steps(24))
        watched = visit(site, run="again")
        page = watched.page
        ready(page)
        page.click("[data-last='0']")

        def shows(count):
            until(page, f"document.querySelector('#panel .tiles strong').textContent === '{count}'")
            until(page, f"document.getElementById('lead').textContent.includes(': {count} incidents in the ')")

        run.close()
        site.ask("delete", run="again")
        until(page, "document.getElementById('trouble').textContent.includes('again is no longer there')")
        run = site.simulation.open("merseyside", start="2020-01-06", seed=1, run="again")
        shows(sum(step.count for step in run.steps(24)))
        assert page.locator("#trouble").is_hidden()
        run.close()
        site.ask("delete", run="again")
        run = site.simulation.open("merseyside", start="2020-01-06", seed=2, run="again")
        shows(sum(step.count for step in run.steps(12)))
        watched.check()
    with serve_page.Site(port=port) as site:
        run = site.simulation.open("merseyside", start="2020-01-06", seed=3, run="again")
        shows(sum(step.count for step in run.steps(24)))


def test_pages_in_the_background_leave_their_connections_to_others(site, visit):
    run = site.simulation.open("merseyside", start="2020-03-02", seed=3, run="tabs")
    list(run.steps(24))
    context = visit(site, path="/status").page.context.browser.new_context()

    def look(page, is_seen):
        page.evaluate("""(isSeen) => {
          Object.defineProperty(document, 'hidden', { value: !isSeen, configurable: true });
          document.dispatchEvent(new Event('visibilitychange'));
        }""", is_seen)

    pages = []
    for _ in range(8):
        if pages:
            look(pages[-1], False)
        pages.append(context.new_page())
        pages[-1].goto(f"{site.address}/#run=tabs", timeout=5000)
        ready(pages[-1])
    list(run.steps(5))
    for page in (pages[-1], pages[0]):
        until(page, "document.getElementById('clock').textContent.endsWith('05:00')")
    look(pages[-1], False)
    look(pages[0], True)
    list(run.steps(1))
    until(pages[0], "document.getElementById('clock').textContent.endsWith('06:00')", seconds=1)
    context.close()


def test_the_address_says_which_runs_are_shown(site, visit):
    list(site.simulation.open("merseyside", start="2020-01-06", run="brief").steps(24))
    watched = visit(site, run="gone")
    page = watched.page
    until(page, "document.getElementById('trouble').textContent === 'There is no run gone. What is shown is patrols.'")
    page.evaluate("location.hash = 'run=patrols-without&with=patrols'")
    until(page, "document.querySelectorAll('#compared-tiles strong').length === 4")
    assert page.input_value("#run") == "patrols-without"
    assert page.input_value("#other") == "patrols"
    assert page.locator("#trouble").is_hidden()
    page.evaluate("location.hash = 'run=brief'")
    until(page, "document.getElementById('clock').textContent === 'Tue 7 Jan 2020, 00:00'")
    assert page.input_value("#run") == "brief"
    site.simulation.run("brief").fork(name="brief-2").close()
    page.evaluate("location.hash = 'run=brief&with=brief-2'")
    until(page, "document.getElementById('compared-words').textContent.includes('brief and brief-2 have the same')")
    site.ask("delete", run="brief-2")
    until(page, "document.getElementById('trouble').textContent.includes('brief-2 is no longer there')")
    page.select_option("#other", "")
    until(page, "document.getElementById('trouble').hidden")
    until(page, "document.getElementById('compared').hidden")
    site.ask("close", run="brief")
    site.ask("delete", run="brief")
    until(page, "document.getElementById('trouble').textContent.includes('brief is no longer there')")
    until(page, "document.getElementById('run').value === ''")
    page.select_option("#run", "patrols")
    until(page, "document.getElementById('clock').textContent === 'Wed 15 Jan 2020, 00:00'")
    watched.check()


def test_what_has_expired_changes_nothing(site, visit):
    run = site.simulation.open("merseyside", start="2020-01-06", step="1d", seed=7, run="expired")
    run.adjust(0.5, categories=["burglary"], until="2020-01-08", source="police")
    list(run.steps(20))
    page = visit(site, run="expired").page
    ready(page)
    page.select_option("#order", "effect")
    page.select_option("#measure", "effect")
    effects = "Array.from(document.querySelectorAll('#areas tbody td:nth-child(4)'), (cell) => cell.textContent)"
    until(page, f"{effects}.length === 10 && !{effects}.includes('–')")
    assert set(page.evaluate(effects)) == {"0"}
    until(page, "document.querySelector('#legend li:nth-child(4)').textContent === '−1 to +1'")
    page.click("[data-last='0']")
    until(page, f"{effects}.some((text) => text.startsWith('−'))")


def test_charts_have_all_expectations_of_years(site, visit):
    site.simulation.open("merseyside", start="2020-01-01", step="1mo", seed=7, run="years")
    site.ask("step", run="years", seq=0, count=84, format="none")
    page = visit(site, run="years").page
    ready(page, "31 days")
    settle(page)
    page.click("[data-last='0']")
    until(page, "(document.querySelector('#by-month .band')?.points.length ?? 0) === 4 * 84")
    # Numbers on the axis are not cut off.
    sides = page.evaluate("""() => {
      const plot = document.querySelector('#by-hour svg').getBoundingClientRect();
      const labels = [...document.querySelectorAll('#by-hour .label')];
      return [plot.left, Math.min(...labels.map((label) => label.getBoundingClientRect().left)), labels[2].textContent];
    }""")
    assert sides[0] <= sides[1]
    assert sides[2].endswith(",000")


@pytest.mark.parametrize("width", [390, 1440])
def test_whatever_is_given_as_a_reason_is_text_in_its_place(site, visit, width):
    run = site.simulation.open("merseyside", start="2020-01-06", run=f"wordy-{width}")
    reason = "<script>alert(1)</script> 100 % “ноч” 🚓 " + "x" * 900
    run.adjust(0.5, areas=["E02001347"], source="<b>police</b>", reason=reason)
    list(run.steps(24))
    watched = visit(site, run=run.name, width=width)
    page = watched.page
    ready(page)
    page.fill("#find", "E02001347")
    until(page, "document.querySelectorAll('#areas tbody tr').length === 1")
    page.click("#areas tbody button")
    until(page, "document.querySelectorAll('#panel .plain').length === 2")
    assert page.locator("#trail td >> nth=3").text_content() == reason
    assert page.locator("#trail td >> nth=1").text_content() == "<b>police</b>"
    for words in ("#trail td:nth-child(5)", "#panel .plain"):
        assert page.evaluate(f"(() => {{ const it = document.querySelector('{words}');"
                             " return it.scrollWidth <= it.clientWidth + 1; })()"), words
    watched.check()


def cropped(page):
    """How many pixels of a map's edge are coloured: none where all areas are in view."""
    settle(page)
    return page.evaluate("""() => {
      const canvas = document.querySelector('#maps canvas.areas');
      const { width, height } = canvas;
      const sides = [[0, 0, 1, height], [width - 1, 0, 1, height], [0, 0, width, 1], [0, height - 1, width, 1]];
      return sides.flatMap((side) => [...canvas.getContext('2d').getImageData(...side).data])
        .filter((byte, at) => at % 4 === 3 && byte).length;
    }""")


def test_all_areas_stay_in_view_when_the_window_changes(site, visit):
    page = visit(site, run="patrols").page
    ready(page)
    assert cropped(page) == 0
    page.set_viewport_size({"width": 390, "height": 844})
    assert cropped(page) == 0
    page.set_viewport_size({"width": 1440, "height": 1000})
    page.focus(".map-frame")
    for _ in range(6):
        page.keyboard.press("+")
    settle(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert cropped(page) > 0, "a map that was moved stays where it was put"


def test_reading_goes_on_after_the_daemon_was_lost(site, visit):
    asked = []

    def break_off(route):
        asked.append(route.request.url)
        route.abort() if len(asked) == 1 else route.continue_()

    page = visit(site, run="patrols", before=lambda page: page.route("**/steps?*", break_off)).page
    ready(page)
    assert asked[1] == asked[0]


def test_hours_of_the_week_are_coloured_in_a_day_as_in_a_month(site, visit):
    page = visit(site, run="patrols").page
    ready(page)
    page.click("[data-last='24']")
    until(page, "document.querySelectorAll('#by-hour .band').length === 1"
                " && document.querySelector('#by-week title').textContent.startsWith('Monday 0:00: –')")
    fills = page.evaluate("[...document.querySelectorAll('#by-week rect')].map((rect) => rect.getAttribute('fill'))")
    assert all(re.fullmatch("#[0-9a-f]{6}", fill) for fill in fills), set(fills)
    assert len(set(fills[24:48])) > 3, "Tuesday is the day that is shown"
    count = site.ask("read", run="patrols", seq=192, count=24, format="none").fields["count"]
    until(page, "document.querySelectorAll('#by-week title').length === 168")
    words = page.evaluate("document.querySelector('#by-week').textContent")
    shown = re.findall(r"Tuesday \d+:00: (\d+) an hour", words)
    assert sum(map(int, shown)) == count
    assert not page.inner_text("#by-week .key").endswith("– an hour")


def test_a_model_of_few_areas_is_in_view(serve_page, visit, tmp_path):
    big_model.write(tmp_path / "few", areas=3, per_day=20)
    with serve_page.Site(models=tmp_path) as site:
        list(site.simulation.open("few", start="2020-01-06", run="few").steps(24))
        page = visit(site, run="few").page
        ready(page)
        assert cropped(page) == 0


def test_runs_are_compared_where_both_were(site, visit):
    for name, start in (("first", "2020-01-06"), ("second", "2020-01-07"), ("much-later", "2021-03-01")):
        list(site.simulation.open("merseyside", start=start, seed=7, run=name).steps(72))
    watched = visit(site, run="first", other="second")
    page = watched.page
    ready(page)
    until(page, "document.getElementById('compared-words').textContent.includes('first and second have the same')")
    assert page.inner_text("#time-words") == "Tue 7 Jan 2020, 00:00 to Thu 9 Jan 2020, 00:00 (2 days)"
    page.select_option("#other", "")
    until(page, "document.getElementById('time-words').textContent.startsWith('Mon 6 Jan')")
    page.select_option("#run", "much-later")
    ready(page)
    page.select_option("#other", "first")
    words = "much-later and first have no time in common so far."
    until(page, f"document.getElementById('compared-words').textContent === '{words}'")
    assert page.locator("#maps canvas.areas").count() == 1
    assert page.locator("#compared-tiles li").count() == 0
    assert page.inner_text("#time-words") == "Mon 1 Mar 2021, 00:00 to Thu 4 Mar 2021, 00:00 (3 days)"
    watched.check()


def test_an_address_with_a_password_is_as_good(site, visit):
    page = visit(site, path="/status").page
    address = site.address.replace("//", "//crims:password@")
    page.goto(f"{address}/#run=patrols")
    ready(page)
    page.goto(f"{address}/status")
    until(page, "document.getElementById('lead').textContent.includes('answers')")


def test_the_trail_says_what_each_adjustment_does(site, visit):
    run = site.simulation.open("merseyside", start="2020-01-06", run="kinds")
    run.adjust(2, target="suspect")
    run.adjust(0, mode="set", areas=["E02001347"], codes=["28E"])
    run.adjust(0.9, categories=["burglary", "drugs"], half_life="7d", displacement=0.25)
    list(run.steps(24))
    page = visit(site, run="kinds").page
    ready(page)
    assert page.locator("#trail td:nth-child(4)").all_inner_texts() == [
        "×0.9 on burglary, drugs in all areas, halving every 7d, 25 % displaced",
        "set to 0 of the baseline on 28E in Liverpool 001",
        "odds of a suspect ×2 on all crime in all areas",
    ]


def test_a_run_that_was_stopped_says_why(serve_page, visit, tmp_path):
    models = shutil.copytree(serve_page.ROOT / "models", tmp_path / "models")
    with serve_page.Site(models=models, data=tmp_path / "data") as site:
        port = int(site.address.rsplit(":", 1)[1])
        list(site.simulation.open("merseyside", start="2020-01-06", run="old").steps(24))
        watched = visit(site, run="old")
        ready(watched.page)
    rates = models / "merseyside" / "rates.csv"
    rates.write_text(rates.read_text().rstrip("\n")[:-1] + "1\n")
    with serve_page.Site(models=models, data=tmp_path / "data", port=port) as site:
        late = visit(site, run="old")
        for page in (watched.page, late.page):
            until(page, "document.getElementById('lead').textContent === 'old was stopped'")
            until(page, "document.getElementById('trouble').hidden")
            assert "put the old model back" in page.inner_text("#lead-more")
            assert page.inner_text("#state-words").startswith("stopped: run 'old' was opened on model 'merseyside'")
        late.check()


def test_a_daemon_without_boundaries_and_one_that_is_gone(serve_page, visit):
    with serve_page.Site() as site:
        run = site.simulation.open("merseyside", start="2020-01-06", run="plain")
        list(run.steps(48))
        nothing = {"status": 404, "json": {"error": {"code": "unknown_path", "message": "no boundaries"}}}

        def late(route):  # so that the page has drawn what it can before it knows what to expect
            time.sleep(1.5)
            route.continue_()

        def before(page):
            page.route("**/areas.geojson", lambda route: route.fulfill(**nothing))
            page.route("**/rates?*", late)

        watched = visit(site, run="plain", before=before)
        page = watched.page
        ready(page)
        page.click("[data-last='0']")
        settle(page)
        colours = page.evaluate("""() => {
          const canvas = document.querySelector('#maps canvas.areas');
          const image = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          return new Set(new Uint32Array(image.data.buffer)).size;
        }""")
        assert colours > 7
        assert watched.errors == ["Failed to load resource: the server responded with a status of 404 (Not Found)"]
        assert watched.outside == []
    until(page, "!document.getElementById('trouble').hidden")
    assert "does not answer" in page.inner_text("#trouble") or "silent" in page.inner_text("#trouble")
    assert page.inner_text("#lead").startswith("Merseyside, Wednesday 8 January 2020, 00:00")
