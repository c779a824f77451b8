"""The page about the daemon itself, in a real browser: what it says is so, and nothing is wrong with it."""

import threading

import pytest
from crims import UnknownArea
from test_page import WIDTHS, number, until

CELLS = ("(id) => Object.fromEntries([...document.querySelectorAll(`#${id} tbody tr`)].map((row) =>"
         " [row.cells[0].textContent, [...row.cells].slice(1).map((cell) => cell.textContent)]))")


@pytest.fixture(scope="module")
def site(serve_page):
    """Two days of one run and a fork of it, and a run for two that one is waited for in."""
    with serve_page.Site() as site:
        run = site.simulation.open("merseyside", start="2020-01-06", run="days")
        list(run.steps(24))
        run.adjust(0.5, source="police", reason="a reason")
        run.fork(name="days-other")
        list(run.steps(24))
        site.simulation.open("merseyside", start="2020-01-06", run="team", participants=["police", "courts"])
        police = threading.Thread(target=site.ask, args=("step",), daemon=True,
                                  kwargs={"run": "team", "seq": 0, "participant": "police"})
        police.start()
        yield site
        site.ask("step", run="team", seq=0, participant="courts")
        police.join(10)


def shown(page):
    until(page, "!document.getElementById('content').hidden")


def test_it_says_what_the_daemon_says(site, visit):
    watched = visit(site, "/status")
    page = watched.page
    shown(page)
    assert page.inner_text("#lead").startswith(f"CriMS {site.simulation.version} is up for ")
    assert page.inner_text("#lead").endswith(" and answers: 3 runs open, 1 waiting for a participant")
    runs = page.evaluate(CELLS, "runs")
    days = site.ask("status", run="days").fields["runs"][0]
    assert runs["days"][2] == "Wed 8 Jan 2020, 00:00"
    assert [number(text) for text in runs["days"][4:8]] == [48, days["incidents"], 1, 1]
    assert runs["days-other"][-1] == "days, at step 24" and runs["days"][-1] == "–"
    assert runs["team"][1].startswith("waits for courts (")
    stages = page.evaluate(CELLS, "stages")
    assert list(stages) == ["waiting", "sampling", "encoding", "sending"]
    assert all(times == "48" for times, *_ in (stages[stage] for stage in ("sampling", "encoding", "sending")))
    assert all(any(unit in median for unit in ("µs", "ms")) for _, median, *_ in stages.values())
    process = page.evaluate(CELLS, "process")
    assert process["version"] == [site.simulation.version]
    assert process["journal"] == [f"{site.simulation.journal[:8]}…, start number 1"]
    watched.check()


def test_it_goes_on_by_itself_and_leads_to_the_map_and_back(site, visit):
    watched = visit(site, "/status")
    page = watched.page
    shown(page)
    run = site.simulation.open("merseyside", start="2020-01-06", run="fresh")
    list(run.steps(5))
    until(page, "document.getElementById('runs').textContent.includes('fresh')")
    page.click("#runs >> text=fresh")
    until(page, "document.getElementById('lead').textContent.includes('in the first 5 hours')")
    page.click("text=How the daemon is")
    shown(page)
    page.click("text=The live map")
    until(page, "!document.getElementById('content').hidden && document.getElementById('run').value !== ''")
    run.close()
    watched.check()


def test_refusals_are_counted_by_their_code(site, visit):
    watched = visit(site, "/status")
    page = watched.page
    shown(page)
    assert "refused: unknown_area" not in page.evaluate(CELLS, "refused")
    with pytest.raises(UnknownArea):
        site.ask("adjust", run="days", factor=0.5, areas=["Atlantis"])
    until(page, "document.getElementById('refused').textContent.includes('unknown_area1')")
    watched.check()


def test_a_daemon_that_is_gone_is_told_of(serve_page, visit):
    with serve_page.Site() as site:
        page = visit(site, "/status").page
        shown(page)
    until(page, "!document.getElementById('trouble').hidden")
    assert page.inner_text("#trouble") == "The daemon does not answer. What is shown is the last that it said."


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wrong_at_any_width(site, visit, axe, width, scheme):
    watched = visit(site, "/status", width=width, scheme=scheme)
    page = watched.page
    shown(page)
    page.evaluate(axe)
    found = page.evaluate("axe.run()")
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the window"
    watched.check()


QUANTILES = r"""async () => {
  const { parse, histogram, quantile } = await import("/static/metrics.js");
  const text = [["0.001", 10], ["0.004", 60], ["0.016", 100], ["+Inf", 101]].map(([bound, count]) =>
    `x_bucket{stage="s",le="${bound}"} ${count}`).join("\n") + '\nx_sum{stage="s"} 0.5\nx_count{stage="s"} 101';
  const found = histogram(parse(text), "x", "s");
  return [0.01, 0.5, 0.9, 1].map((share) => quantile(found, share));
}"""


def test_percentiles_lie_between_the_bounds_about_them(site, visit):
    page = visit(site, "/status").page
    first, median, late, last = page.evaluate(QUANTILES)
    assert first == 0.001 and last == 0.016, "what is beyond the bounds is said to be there"
    assert median == pytest.approx(0.001 * 4 ** ((50.5 - 10) / 50))
    assert late == pytest.approx(0.004 * 4 ** ((90.9 - 60) / 40))
