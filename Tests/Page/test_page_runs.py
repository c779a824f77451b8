"""The page over runs that come, go, end, are stopped or compared, and over what they bring with them."""

import re
import shutil

import big_model
import pytest
from waiting import ready, settle, until


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
