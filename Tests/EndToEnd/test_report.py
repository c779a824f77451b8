"""The calibration's report: a page that asks for nothing else, says what the model says, and is whole or not there."""

import html.parser
import json
import os
import re
import resource
import shutil
import signal
import subprocess

import pytest
from conftest import CRIMS, MODEL, ROOT

SECTIONS = [
    "summary", "records", "rejected", "rates", "season", "course", "week", "dispersion", "suspects", "offences",
    "backtest", "settings", "sources", "caveats",
]  # fmt: skip
CATEGORIES = ["anti-social behaviour", "burglary", "robbery"]
HOSTILE = '</title><script>alert("x")</script> & \'co\''


class Element:
    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent, self.parts = tag, attributes, parent, []

    def __repr__(self):
        return f"<{self.tag} {self.attributes}>"

    @property
    def text(self):
        return " ".join("".join(self.parts).split())

    def is_within(self, other):
        return self is other or bool(self.parent) and self.parent.is_within(other)


class Page(html.parser.HTMLParser):
    """The elements of a page, in order; tags must match."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.open, self.source = [], [], path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_startendtag(self, tag, attributes):
        names = [name for name, _ in attributes]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        self.elements.append(Element(tag, dict(attributes), self.open[-1] if self.open else None))

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        self.open.append(self.elements[-1])

    def handle_endtag(self, tag):
        assert self.open and self.open[-1].tag == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data):
        for element in self.open:
            element.parts.append(data)

    def all(self, tag, inside=None):
        found = [element for element in self.elements if element.tag == tag]
        return [element for element in found if element.is_within(inside)] if inside else found

    def texts(self, tag, inside=None):
        return [element.text for element in self.all(tag, inside)]

    def children(self, parent):
        return [element for element in self.elements if element.parent is parent]

    def having(self, attribute):
        return [element.attributes[attribute] for element in self.elements if attribute in element.attributes]

    def section(self, name):
        return next(element for element in self.all("section") if element.attributes["id"] == name)

    def table(self, caption):
        """The rows of a table by their names, as lists of texts."""
        table = next(table for table in self.all("table") if caption in self.texts("caption", table)[0])
        rows = [[cell.text for cell in self.children(row)] for row in self.all("tr", table)]
        return {row[0]: row[1:] for row in rows}


def number(text):
    return float(text.replace(",", "").replace("−", "-").replace("\u00a0", "").replace("%", ""))


def records(folder, months):
    """A small force, `here`, with all that can be wrong with records, and the reference that goes with it."""
    reference = folder / "reference"
    reference.mkdir(parents=True)
    (reference / "forces.csv").write_text('force,name,ons_name\nhere,"Here <b>&amp;",Here\nthere,There,There\n')
    (reference / "areas.csv").write_text(
        "code,name,force,longitude,latitude,population,hectares\n"
        'M1,"One & <only> 001",here,-1,53,1000,90\nM2,Two 001,here,-1.02,53.01,0,20\n'
        "M3,Two 002,here,-1.01,53.02,3000,30\nM4,Three 001,there,0,51,3000,30\n")
    (reference / "lsoa.csv").write_text("lsoa,msoa\nL1,M1\nL2,M2\nL3,M3\nL4,M4\n")
    (reference / "neighbours.csv").write_text("area,neighbour\nM1,M2\nM2,M3\n")
    (reference / "offences.csv").write_text(
        "code,description,category,severity\n34A,Robbery <i>,robbery,700\n34B,Other robbery,robbery,300\n"
        "30,Burglary,burglary,400\nASB,Anti-social behaviour,anti-social behaviour,0\n")
    (reference / "offence_counts.csv").write_text("force,code,count\nthere,34A,1\nthere,34B,3\nhere,30,50\n")
    hours = ",".join(f"h{hour:03d}" for hour in range(168))
    rows = [f"{name}," + ",".join(str(1 + hour % 24 / 24) for hour in range(168)) for name in CATEGORIES]
    (reference / "profile.csv").write_text("\n".join([f"category,{hours}", *rows]) + "\n")
    files = []
    for index, month in enumerate(months):
        def row(lsoa, category, outcome="", times=1, month=month):
            return f"{month},{lsoa},{category},{outcome}\n" * times

        text = "Month,LSOA code,Crime type,Last outcome category\n"
        text += row("L1", "Burglary", "Investigation complete; no suspect identified", 8 + index % 12)
        text += row("L2", "Burglary", "Unable to prosecute suspect", 4)
        text += row("L3", "Burglary", "Under investigation", 1 + 20 * (month == "2018-09"))
        text += row("L3", "Anti-social behaviour", "", 9 + index % 5)
        text += row("L1", "Robbery", "Offender fined", index % 2) + row("L1", "Robbery", "<odd>", month == "2018-09")
        text += row("", "Burglary", "", 2) + row("L4", "Burglary") + row("L1", "<script>alert(1)</script>")
        files.append(folder / f"{month}-here-street.csv")
        files[-1].write_text(text)
    return files, reference


def months(count, without=()):
    names = [f"{2018 + index // 12}-{index % 12 + 1:02d}" for index in range(count)]
    return [name for name in names if name not in without]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Calibrates the small force into a folder, with options, and returns what the command did."""
    folder = tmp_path_factory.mktemp("records")
    files, reference = records(folder, months(20, without=["2018-05"]))

    def calibrate(output, *options, command="calibrate", named=True, **settings):
        command = [CRIMS, command, *files, "--reference", reference, *options]
        command += ["--force", "here"] if named else []
        command += ["-o", output] if output else []
        return subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, timeout=20, **settings)

    return calibrate


@pytest.fixture(scope="module")
def folder(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "here"
    done = small(folder, "--title", HOSTILE)
    assert done.returncode == 0, done.stderr
    assert f"{folder}/report.html" in done.stderr and done.stdout == ""
    return folder


@pytest.fixture(scope="module")
def page(folder):
    return Page(folder / "report.html")


@pytest.fixture(scope="module", params=["small", "shipped"])
def any_page(request, page):
    return page if request.param == "small" else Page(ROOT / "models" / MODEL / "report.html")


def test_it_asks_for_nothing(any_page):
    for element in any_page.elements:
        assert element.tag not in {"script", "link", "img", "iframe", "object", "embed", "base", "form", "image", "use"}
        for name, value in element.attributes.items():
            assert not name.startswith("on") and name not in {"src", "srcset", "style", "xlink:href", "ping"}, element
            if name == "href":
                assert element.tag == "a" and value.startswith("#"), element
    for style in any_page.texts("style"):
        assert "url(" not in style and "@import" not in style


def test_it_is_as_html_should_be(any_page):
    assert any_page.source.startswith("<!DOCTYPE html>\n")
    assert any_page.all("html")[0].attributes["lang"] == "en"
    assert any_page.having("charset") == ["utf-8"]
    ids = any_page.having("id")
    assert len(ids) == len(set(ids))
    referred = [target[1:] for target in any_page.having("href")]
    assert set(referred + any_page.having("for") + any_page.having("aria-labelledby")) <= set(ids)
    levels = [int(element.tag[1]) for element in any_page.elements if re.fullmatch("h[1-6]", element.tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:]))
    assert not re.search(r"\b(nan|inf)\b", any_page.source, re.IGNORECASE)


def test_every_section_table_and_picture_says_what_it_is(any_page):
    assert [section.attributes["id"] for section in any_page.all("section")] == SECTIONS
    assert all(any_page.texts("h2"))
    assert all(len(section.text) > 100 for section in any_page.all("section"))
    assert len(any_page.all("table")) > 8
    for table in any_page.all("table"):
        assert len(any_page.all("caption", table)) == 1 and any_page.texts("caption", table)[0]
        assert all(header.attributes.get("scope") in {"row", "col"} for header in any_page.all("th", table))
        widths = {len(any_page.children(row)) for row in any_page.all("tr", table)}
        assert len(widths) == 1, any_page.texts("caption", table)
        assert table.parent.attributes["tabindex"] == "0", "a table that scrolls must be reached by keys"
    assert len(any_page.all("svg")) > 10
    for svg in any_page.all("svg"):
        title, description = any_page.children(svg)[:2]
        assert svg.attributes["role"] == "img" and (title.tag, description.tag) == ("title", "desc")
        assert title.text and description.text


def test_the_shipped_report_is_of_this_version_and_not_large(crims):
    path = ROOT / "models" / MODEL / "report.html"
    version = crims("--version").stdout.strip()
    assert f'content="{version}"' in path.read_text(encoding="utf-8"), "calibrate the shipped model again"
    assert path.stat().st_size < 500_000


def test_text_of_others_is_text(page):
    assert page.texts("h1") == [HOSTILE] and page.texts("title")[0] == "Calibration report: " + HOSTILE
    assert "<script" not in page.source and "<odd" not in page.source and "<only" not in page.source
    rejected = page.section("rejected").text
    assert "<script>alert(1)</script>" in rejected and '"<odd>"' in rejected
    assert "One & <only> 001" in page.table("All areas, by rate")


def test_figures_are_those_of_the_model(folder, page, crims):
    settings = json.loads((folder / "model.json").read_text())["method"]["settings"]
    tiles = next(element for element in page.elements if element.attributes.get("class") == "tiles")
    tiles = dict(zip(page.texts("span", tiles), page.texts("strong", tiles)))
    assert number(tiles["Incidents used"]) == settings["rowsUsed"]
    assert tiles["Areas"] == "3" and tiles["Months with records"] == "19 of 20"
    rejected = settings["rows"] - settings["rowsUsed"]
    assert abs(number(tiles["Rows rejected"]) - 100 * rejected / settings["rows"]) < 0.06
    described = crims("models", "describe", "--models", folder.parent, "here").stdout
    assert abs(number(tiles["Expected a year"]) - float(re.search(r"expected +(\d+)", described)[1])) <= 1

    reasons = page.table("by the first reason")
    reasons = {name.lower(): number(row[0]) for name, row in reasons.items() if name != "Reason"}
    assert reasons == {name.lower(): rows for name, rows in settings["rowsRejected"].items() if rows}
    level = page.table("Level by category")
    assert {name: number(level[name.capitalize()][0]) for name in CATEGORIES} == settings["incidents"]
    counts = page.table("by month and category; the stronger")
    assert "2018-05" not in counts and number(counts["All"][-1]) == settings["rowsUsed"]
    assert sum(number(row[-1]) for month, row in counts.items() if month[0] == "2") == settings["rowsUsed"]
    half_lives = dict(zip(page.texts("dt", page.section("settings")), page.texts("dd", page.section("settings"))))
    assert half_lives["Half-life of the level"].startswith(str(settings["halfLifeOfLevel"] or "none"))
    assert "There are no records of 2018-05" in page.section("summary").text


def test_suspects_have_their_bounds(page):
    found = page.table("Outcomes and the probability")
    # 2018-09, in which most outcomes are not known, is left out: 18 months with 4 suspects and 1 unknown.
    suspect, none, unknown, estimate, least, most = map(number, found["Burglary"])
    assert (suspect, unknown) == (72, 18)
    known = suspect + none
    for share, text in ((suspect / known, estimate), (suspect / (known + unknown), least)):
        assert abs(100 * share - text) < 0.06
    assert abs(100 * (suspect + unknown) / (known + unknown) - most) < 0.06
    assert "Left out of these figures" in page.source and ": 2018-09. " in page.section("suspects").text
    assert "Anti-social behaviour" not in found


def test_the_test_is_the_back_test(page, small, tmp_path):
    periods = ["--train", "2018-01..2019-01", "--test", "2019-02..2019-08", "--rolling", "2"]
    done = small(None, *periods, "--json", command="backtest")
    assert done.returncode == 0, done.stderr
    scores = json.loads(done.stdout)["methods"]
    rows = list(page.table("by method").values())[1:]
    assert len(rows) == len(scores)
    for row, method in zip(rows, scores):
        assert number(row[0]) == round(method["total"]["deviance"])
        assert abs(number(row[5]) - 100 * method["total"]["pit90"]) < 0.06
        assert abs(number(row[7]) - 100 * method["total"]["totalCoverage"]) < 0.06
    deviances = page.table("Deviance by category")
    for name in CATEGORIES:
        assert number(deviances[name.capitalize()][0]) == round(scores[0]["byCategory"][name]["deviance"])


def test_a_short_record_has_no_test_and_says_so(tmp_path, crims):
    files, reference = records(tmp_path / "short", ["2018-01"])
    done = crims("calibrate", *files, "--force", "here", "--reference", reference, "-o", tmp_path / "model")
    assert done.returncode == 0, done.stderr
    page = Page(tmp_path / "model" / "report.html")
    assert [section.attributes["id"] for section in page.all("section")] == SECTIONS
    assert "There is no test" in page.section("backtest").text
    assert "How well it forecasts is not known" in page.section("summary").text


def test_what_is_left_out_and_what_is_set_by_hand_is_said(tmp_path, crims):
    files, reference = records(tmp_path / "records", months(16))
    few = files[6].read_text().splitlines(keepends=True)[:4]
    files[6].write_text("".join(few))
    done = crims("calibrate", *files, "--force", "here", "--reference", reference, "-o", tmp_path / "model",
                 "--half-lives", "5,7")  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = Page(tmp_path / "model" / "report.html")
    assert "and left out: 2018-07" in page.section("summary").text
    assert page.table("by the first reason")["Month left out, having too few rows"][0] == "3"
    assert "2018-07" not in page.table("by month and category; the stronger")
    settings = page.section("settings").text
    assert "set by hand" in settings and "5 months" in settings and "7 months" in settings
    steps = page.table("Steps of the test")
    assert all(row[1:] == ["5 months", "7 months"] for name, row in steps.items() if name != "Learnt from")


def test_a_model_without_a_report_says_so(small, tmp_path):
    for options in (["--method", "upstream"], ["--force", "england-and-wales"]):
        done = small(tmp_path / "here", *options, "--report", tmp_path / "page.html", named="--force" not in options)
        assert done.returncode == 2 and "no report" in done.stderr, done.stderr
    assert not list(tmp_path.iterdir())


def test_the_same_records_give_the_same_bytes(small, folder, tmp_path):
    assert small(tmp_path / "here", "--title", HOSTILE).returncode == 0
    assert (tmp_path / "here" / "report.html").read_bytes() == (folder / "report.html").read_bytes()


def test_it_is_no_part_of_the_model(folder, crims, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "here")
    (copy / "report.html").unlink()
    described = [crims("models", "describe", "here", "--models", path.parent).stdout for path in (folder, copy)]
    digests = [re.search(r"digest +(\w+)", text)[1] for text in described]
    assert digests[0] == digests[1]
    assert "report.html" not in crims("models", "check", folder).stdout


def test_it_goes_where_it_is_asked_to_or_nowhere(small, tmp_path):
    model, report = tmp_path / "here", tmp_path / "page.html"
    report.write_text("something older")
    done = small(model, "--report", report)
    assert done.returncode == 0 and str(report) in done.stderr
    assert Page(report).texts("h1") and not (model / "report.html").exists()
    assert small(model, "--report", model / "report.html").returncode == 0
    assert (model / "report.html").read_bytes() == report.read_bytes()
    # A model that replaces another takes its report with it.
    done = small(model, "--no-report")
    assert done.returncode == 0 and "report" not in done.stderr and not (model / "report.html").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "page.html"]


@pytest.mark.parametrize(
    "options, said",
    [(["--report", "{0}/x.html", "--no-report"], "exclude"), (["--report", "{0}/here/other.html"], "report.html"),
     (["--report", "{0}"], "a file"), (["--report", "{0}/pipe"], "a file"), (["--report", "{0}/here"], "a file")],
    ids=["both", "a stranger in the model", "a folder", "a pipe", "the model's folder"],
)  # fmt: skip
def test_wrong_usage_is_told_before_anything_is_done(small, tmp_path, options, said):
    os.mkfifo(tmp_path / "pipe")
    done = small(tmp_path / "here", *(option.format(tmp_path) for option in options))
    assert (done.returncode, done.stdout) == (2, "") and said in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"] and (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("elsewhere", [False, True], ids=["in the folder", "elsewhere"])
def test_a_full_disk_leaves_nothing_half_written(small, tmp_path, elsewhere):
    (tmp_path / "model").mkdir()
    model, report = tmp_path / "model" / "here", tmp_path / "page.html"
    options = ["--report", report] if elsewhere else []
    assert small(model, "--no-report").returncode == 0
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    # Files may grow to be the model's, but not the report's.
    limit = max(map(len, before.values())) + 4_096

    def grow_no_further():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = small(model, *options, preexec_fn=grow_no_further, restore_signals=False)
    assert done.returncode == 1 and "html" in done.stderr and "File too large" in done.stderr, done.stderr
    assert {path.name: path.read_bytes() for path in model.iterdir()} == before
    assert not report.exists()
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["here"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def test_nothing_is_left_of_a_report_whose_model_cannot_be_written(small, tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "diary.txt").write_text("mine")
    done = small(tmp_path / "here", "--report", tmp_path / "page.html")
    assert done.returncode == 1 and "here" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_colours_can_be_told_from_their_ground(page):
    """Text has a contrast of at least 4.5, light and dark; the map's colours go from light to dark or back."""
    style = page.texts("style")[0]
    blocks = [dict(re.findall(r"--(\w+):(#[0-9a-f]+)", block)) for block in re.findall(r":root\{([^}]*)\}", style)[:2]]
    for colours in blocks:
        lights = {name: luminance(colour) for name, colour in colours.items()}
        for text in ("ink", "soft", "accent"):
            for ground in ("paper", "panel"):
                assert contrast(lights[text], lights[ground]) >= 4.5, (text, ground)
        assert contrast(lights["ink"], lights["warn"]) >= 4.5
        steps = [lights[f"s{step}"] for step in range(7)]
        assert steps in (sorted(steps), sorted(steps, reverse=True))


def luminance(colour):
    digits = colour[1:] if len(colour) > 4 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[start:start + 2], 16) / 255 for start in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(not CHROMIUM, reason="needs chromium")
@pytest.mark.parametrize("width", [360, 768, 1600])
def test_it_fits_the_width_of_the_window(tmp_path, width):
    report = (ROOT / "models" / MODEL / "report.html").read_text(encoding="utf-8")
    quoted = report.replace("&", "&amp;").replace('"', "&quot;")
    frame = tmp_path / "frame.html"
    frame.write_text(
        f'<iframe style="width:{width}px;height:800px;border:0" srcdoc="{quoted}" onload="let d=this.contentDocument;'
        "document.body.dataset.found=d.documentElement.scrollWidth+' '+this.contentWindow.innerWidth+' '+"
        "[...d.querySelectorAll('svg')].filter(s=>s.getBoundingClientRect().width<100).length\"></iframe>",
        encoding="utf-8")
    command = [CHROMIUM, "--headless", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
               f"--window-size={width + 100},900", frame.as_uri()]
    if os.geteuid() == 0:
        command.insert(1, "--no-sandbox")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    found = re.search(r'data-found="(\d+) (\d+) (\d+)"', done.stdout)
    assert found, done.stderr[-500:]
    needed, there, tiny = map(int, found.groups())
    assert needed <= there and tiny == 0
