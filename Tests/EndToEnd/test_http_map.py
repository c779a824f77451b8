"""`/map`: a page with a force's incidents of a month by area."""

import collections
import csv
import html.parser
import io
import re

import pytest
from http_client import Web

JULY = "force=Merseyside&month=7"


class Page(html.parser.HTMLParser):
    """The elements of a page, each with its attributes and the text in it; it must be well-formed."""

    EMPTY = {"meta", "link", "br", "input"}

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        assert all(not name.startswith("on") and name != "style" for name, _ in attributes)
        self.elements.append([tag, dict(attributes), ""])
        if tag not in self.EMPTY:
            self.open.append(self.elements[-1])

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.EMPTY:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for element in self.open:
            element[2] += data

    def all(self, tag):
        return [(attributes, text) for found, attributes, text in self.elements if found == tag]


@pytest.fixture(scope="module")
def web():
    from conftest import Daemon, wait_for_binary

    wait_for_binary()
    daemon = Daemon("--no-data", "--http", "127.0.0.1:*", "--http-rate", "0")
    web = Web(daemon)
    yield web
    web.end()
    daemon.end()


def counts_of(web, query):
    rows = csv.DictReader(io.StringIO(web.get(f"/data?{query}&format=csv").body.decode()))
    return collections.Counter(row["MSOA"] for row in rows)


@pytest.mark.parametrize("query, words", [
    (JULY, "Merseyside, July 2020"), ("force=merseyside+police&month=2&year=2023&seed=4", "Merseyside, February 2023"),
    ("force=merseyside&year=2021", "Merseyside, 2021"),
])  # fmt: skip
def test_each_area_has_the_incidents_of_data(web, query, words):
    answer = web.get(f"/map?{query}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    page = Page(answer.body.decode())
    assert page.all("title")[0][1] == page.all("h1")[0][1] == f"Simulated crime in {words}"
    counts = counts_of(web, query)
    drawn = [re.fullmatch(r".+ \((E\d+)\): ([\d,]+) incidents", text) for _, text in page.all("title")[1:]]
    assert {match[1]: int(match[2].replace(",", "")) for match in drawn} == dict(counts) and len(drawn) == 184
    assert page.all("p")[1][1].startswith(f"{sum(counts.values()):,} incidents in 184 areas")
    assert "Synthetic data." in answer.body.decode()
    assert web.get(f"/map?{query}").body == answer.body
    most = [text for attributes, text in page.all("td") if attributes.get("class") == "number"]
    assert most[::2] == [f"{count:,}" for count in sorted(counts.values(), reverse=True)[:10]]


def test_classes_part_the_areas_as_the_legend_says(web):
    page = Page(web.get(f"/map?{JULY}").body.decode())
    legend = [tuple(map(int, text.replace(",", "").split(" to "))) for _, text in page.all("li")]
    assert len(legend) == 7
    assert all(one[1] + 1 == other[0] for one, other in zip(legend, legend[1:]))
    counts = counts_of(web, JULY).values()
    assert (legend[0][0], legend[-1][1]) == (min(counts), max(counts))
    groups = [text for attributes, text in page.all("g") if attributes["class"].startswith("s")]
    for (least, most), text in zip(legend, groups):
        within = [int(count.replace(",", "")) for count in re.findall(r"\): ([\d,]+) incidents", text)]
        assert within and all(least <= count <= most for count in within)
        assert 15 <= len(within) <= 40


def test_its_links_lead_to_what_they_say(web):
    links = {text: attributes["href"] for attributes, text in Page(web.get(f"/map?{JULY}").body.decode()).all("a")}
    assert links["The month before"] == "/map?force=Merseyside&month=6&year=2020&seed=0"
    assert links["The month after"] == "/map?force=Merseyside&month=8&year=2020&seed=0"
    assert web.get(links["These incidents as CSV"]).body == web.get(f"/data?{JULY}&format=csv").body
    assert web.get(links["as JSON"]).body == web.get(f"/data?{JULY}").body
    december = Page(web.get("/map?force=Merseyside&month=12").body.decode())
    addresses = [attributes["href"] for attributes, _ in december.all("a")]
    assert "/map?force=Merseyside&month=1&year=2021&seed=0" in addresses
    first = Page(web.get("/map?force=Merseyside&month=1&year=1970").body.decode())
    assert "The month before" not in [text for _, text in first.all("a")]


def test_what_comes_from_elsewhere_is_text(start_daemon, tmp_path):
    import json
    import shutil

    from conftest import ROOT

    shutil.copytree(ROOT / "models" / "merseyside", tmp_path / "models" / "x")
    path = tmp_path / "models" / "x" / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "title": '<script>alert("1")</script> & Co'}))
    areas = tmp_path / "models" / "x" / "areas.csv"
    areas.write_text(areas.read_text().replace("Knowsley 001", "<b>Knowsley</b>"))
    web = Web(start_daemon("--http", "127.0.0.1:*", "--models", str(tmp_path / "models")))
    answer = web.get("/map?force=x&month=7")
    text = answer.body.decode()
    assert answer.status == 200 and "<script" not in text and "<b>" not in text
    assert Page(text).all("h1")[0][1].startswith('Simulated crime in <script>alert("1")</script> & Co, July')
    web.end()


@pytest.mark.parametrize("query, status, code", [
    ("month=7", 400, "bad_request"), ("force=Merseyside&month=13", 400, "bad_request"),
    ("force=Merseyside&month=7&format=csv", 400, "bad_request"), ("force=Atlantis&month=7", 404, "unknown_model"),
])  # fmt: skip
def test_errors_are_those_of_data(web, query, status, code):
    answer = web.get(f"/map?{query}")
    assert (answer.status, answer.error) == (status, code)


def test_its_head_is_that_of_the_page(web):
    answer = web.send("HEAD", f"/map?{JULY}")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(web.get(f"/map?{JULY}").body)
