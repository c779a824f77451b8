"""Makes README's pictures, docs/page.svg and docs/page-dark.svg: the page itself, of a run of patrols.

    CRIMS_BIN=.build/release/crims .venv/bin/python Tests/Page/picture.py

Chromium prints the page to PDF, and pdftocairo (Debian's poppler-utils) makes an SVG of that. The maps would be grids
of pixels there, since a canvas keeps none of what was drawn on it. So they are drawn once more by the page's own code,
on something that writes down each path as SVG.
"""

import argparse
import pathlib
import re
import subprocess
import tempfile
import threading
import time
from xml.etree import ElementTree

WIDTH, HEIGHT = 1280, 800
# Days of patrols before the pictures, and seconds for an hour of them.
DAYS, PAUSE = 3, 0.3

# In place of a canvas's context: what the page draws with, as elements of SVG.
RECORD = """() => {
  const round = (number) => String(Math.round(number * 100) / 100);
  class Recorder {
    constructor() { Object.assign(this, { parts: [], d: "", matrix: [1, 0, 0, 1, 0, 0], lineJoin: "miter" }); }
    at(x, y) { const [a, , , d, e, f] = this.matrix; return [x * a + e, y * d + f]; }
    setTransform(...matrix) { this.matrix = matrix; }
    clearRect() { this.parts = []; }
    beginPath() { this.d = ""; }
    moveTo(x, y) { this.last = this.at(x, y); this.d += `M${this.last.map(round)}`; }
    lineTo(x, y) {
      const to = this.at(x, y).map(round);
      if (to.join() !== this.last.map(round).join()) this.d += `L${to}`;
      this.last = this.at(x, y);
    }
    add(name, attributes, text = "") {
      const element = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      element.textContent = text;
      this.parts.push(element);
    }
    fill(rule = "nonzero") { this.add("path", { d: this.d, fill: this.fillStyle, "fill-rule": rule }); }
    stroke() {
      this.add("path", { d: this.d, fill: "none", stroke: this.strokeStyle, "stroke-linejoin": this.lineJoin,
        "stroke-width": round(this.lineWidth * this.matrix[0]) });
    }
    fillRect(x, y, width, height) {
      const [left, top] = this.at(x, y);
      const [right, bottom] = this.at(x + width, y + height);
      const d = `M${round(left)},${round(top)}H${round(right)}V${round(bottom)}H${round(left)}Z`;
      const last = this.parts.at(-1);
      if (last?.dataset.bars === this.fillStyle) last.setAttribute("d", last.getAttribute("d") + d);
      else this.add("path", { d, fill: this.fillStyle, "data-bars": this.fillStyle });
    }
    fillText(text, x, y) {
      const [left, top] = this.at(x, y);
      const anchor = { left: "start", center: "middle", right: "end" }[this.textAlign];
      this.add("text", { x: round(left), y: round(top), fill: this.fillStyle, "text-anchor": anchor }, text);
      this.parts.at(-1).style.font = this.font;
    }
  }
  for (const canvas of document.querySelectorAll("#maps canvas.areas, #strip")) {
    canvas.recorder = new Recorder();
    canvas.getContext = () => canvas.recorder;
  }
  document.getElementById("measure").dispatchEvent(new Event("change", { bubbles: true }));
}"""

# Stops the page, puts what was written down where the canvases are, and takes away what is below the map and the time.
PLACE = """() => {
  window.requestAnimationFrame = () => 0;
  for (let timer = setTimeout(() => {}); timer > 0; timer -= 1) clearTimeout(timer);
  for (const canvas of document.querySelectorAll("#maps canvas.areas, #strip")) {
    const drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    drawn.setAttribute("viewBox", `0 0 ${canvas.width} ${canvas.height}`);
    drawn.setAttribute("width", canvas.width);
    drawn.setAttribute("height", canvas.height);
    drawn.append(...canvas.recorder.parts);
    const { position, transform } = canvas.style;
    Object.assign(drawn.style, { display: "block", position: getComputedStyle(canvas).position, transform });
    canvas.replaceWith(drawn);
  }
  // A printed page is a higher window.
  for (const frame of document.querySelectorAll(".map-frame")) frame.style.height = `${frame.offsetHeight}px`;
  const place = document.querySelector(".place");
  for (let part = place.closest("section"); part; part = part.parentElement) {
    while (part.nextElementSibling && part !== document.body) part.nextElementSibling.remove();
  }
  document.body.style.paddingBottom = "1rem";
}"""


READY = """(vague) => document.getElementById("lead").textContent.includes("fewer")
  && [...document.querySelectorAll("#panel strong, #panel td")].every((one) => !one.textContent.includes("–")
    && (vague || !one.textContent.includes("≈")))"""


def ready(page, vague, seconds):
    """Waits until the page has all that it shows."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(READY, vague):
        if time.monotonic() > deadline:
            raise SystemExit(f"the page has not got all that it shows within {seconds} s")
        page.wait_for_timeout(50)


def draw(browser, address, run, scheme, going):
    """The page as SVG: of a run that goes on, and is held up for a moment so that all of it is of one."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)
    try:
        page.emulate_media(media="screen", color_scheme=scheme)
        page.goto(f"{address}/#run={run}")
        ready(page, vague=True, seconds=60)
        page.wait_for_timeout(3000)
        going.clear()
        ready(page, vague=False, seconds=60)
        page.evaluate(RECORD)
        page.wait_for_timeout(500)
        page.evaluate(PLACE)
        page.wait_for_timeout(200)
        height = page.evaluate("Math.ceil(document.body.getBoundingClientRect().height)")
        with tempfile.TemporaryDirectory() as folder:
            pdf, svg = pathlib.Path(folder) / "page.pdf", pathlib.Path(folder) / "page.svg"
            page.pdf(path=pdf, width=f"{WIDTH}px", height=f"{height + 1}px", print_background=True, page_ranges="1")
            subprocess.run(["pdftocairo", "-svg", "-f", "1", "-l", "1", pdf, svg], check=True, timeout=60)
            return shorter(svg.read_text())
    finally:
        going.set()
        page.close()


SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
USUAL = {"fill-opacity:1", "fill-rule:nonzero", "stroke-opacity:1", "stroke-linecap:butt", "stroke-linejoin:miter",
         "stroke-miterlimit:4", "stroke-miterlimit:10"}


def short_path(path):
    """A path to a tenth of a point."""
    path = re.sub(r"-?[\d.]+", lambda number: f"{float(number.group()):.1f}".removesuffix(".0").replace("0.", ".")
                  if abs(float(number.group())) < 1 else f"{float(number.group()):.1f}".removesuffix(".0"), path)
    path = re.sub(r" ?([MLCZ]) ?", r"\1", path.strip())
    return re.sub(r"(?<=Z)M[-\d. ]+$", "", path).replace(" -", "-")  # the pen is moved once more at the end


def short_style(style):
    parts = [part.strip() for part in style.split(";") if part.strip() and part.strip() not in USUAL]
    return re.sub(r"rgb\(([\d.]+)%,([\d.]+)%,([\d.]+)%\)", lambda found: "#" + "".join(
        f"{round(2.55 * float(part)):02x}" for part in found.groups()), ";".join(parts))


def is_about_a_letter(path):
    """Whether an outline to clip by is the box about a letter or a bar, which cuts nothing off."""
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", path)]
    return "C" not in path and max(max(part) - min(part) for part in (numbers[::2], numbers[1::2])) < 60


def shorter(svg):
    """The same in fewer letters: as many digits as can be seen, each outline once, neighbours of one look together."""
    ElementTree.register_namespace("", SVG[1:-1])
    root = ElementTree.fromstring(svg)
    clips, needless, kept = {}, set(), {}
    for element in root.iter():
        element.text = element.tail = None
        element.attrib.pop("clip-rule", None)
        for name, short in (("d", short_path), ("style", short_style)):
            if name in element.attrib:
                element.set(name, short(element.get(name)))
        if LINK in element.attrib:
            element.set("href", element.attrib.pop(LINK).replace("glyph", "g"))
        if element.tag == f"{SVG}symbol":
            element.set("id", element.get("id").replace("glyph", "g"))
        for name in ("x", "y"):
            if name in element.attrib:
                element.set(name, f"{float(element.get(name)):.1f}".removesuffix(".0"))
    for parent in list(root.iter()):
        for clip in parent.findall(f"{SVG}clipPath"):
            name, outline = f"url(#{clip.get('id')})", clip[0].get("d", "")
            clips[name] = kept.setdefault(outline, name)
            if is_about_a_letter(outline):
                needless.add(clips[name])
            if clips[name] != name or clips[name] in needless:
                parent.remove(clip)

    def join(parent):
        """Neighbours with the same attributes become one, from the innermost on; what clips nothing goes."""
        made = []
        for child in parent:
            join(child)
            if child.tag == f"{SVG}g" and "clip-path" in child.attrib:
                child.set("clip-path", clips[child.get("clip-path")])
                if child.get("clip-path") in needless:
                    del child.attrib["clip-path"]
            for one in list(child) if child.tag == f"{SVG}g" and not child.attrib else [child]:
                if made and one.tag == f"{SVG}g" == made[-1].tag and one.attrib == made[-1].attrib:
                    made[-1].extend(one)
                else:
                    made.append(one)
        parent[:] = made

    join(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2] / "docs")
    out = parser.parse_args().out
    import serve_page
    from conftest import CHROMIUM
    from playwright.sync_api import sync_playwright

    going = threading.Event()

    def wait(seconds):
        time.sleep(seconds)
        going.wait()

    with serve_page.Site() as site, sync_playwright() as tools:
        going.set()
        threading.Thread(target=serve_page.patrol, args=(site.simulation, "patrols"), daemon=True,
                         kwargs={"pause": PAUSE, "wait": wait}).start()
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        time.sleep(DAYS * 24 * PAUSE)
        for scheme, name in (("light", "page.svg"), ("dark", "page-dark.svg")):
            (out / name).write_text(draw(browser, site.address, "patrols", scheme, going))
        browser.close()
        going.clear()


if __name__ == "__main__":
    main()
