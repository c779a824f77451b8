"""The page in a real browser: every control used, no error, no request elsewhere, no accessibility violation."""

import functools
import re
import threading
import time

import pytest
from waiting import ready, settle, until

WIDTHS = (390, 820, 1440)


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
        until(page, "/[0-9]/.test(document.querySelector('#panel .tiles li:nth-child(2) strong')?.textContent)", 45)
        assert "fewer than without" in page.inner_text("#lead")
        assert page.inner_text("#state-words") == "running"
        watched.check()
    finally:
        ended.set()
        thread.join(10)


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
