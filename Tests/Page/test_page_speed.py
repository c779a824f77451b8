"""How soon the page is there, and how fluent its slider is, with few areas, many, and a million incidents."""

import time

import big_model
import pytest

# Frames while an end of the slider goes to and fro over the whole run, as fast as it can be dragged.
DRAG = """async (id) => {
  const input = document.getElementById(id);
  const [min, max] = [Number(input.min), Number(input.max)];
  const frames = [];
  let then = performance.now();
  await new Promise((done) => {
    const step = (now) => {
      frames.push(now - then);
      then = now;
      if (frames.length === 120) return done();
      input.value = Math.round(min + (max - min) * (0.5 + 0.49 * Math.sin(frames.length / 12)));
      input.dispatchEvent(new Event("input", { bubbles: true }));
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  });
  frames.shift();
  frames.sort((a, b) => a - b);
  return { mean: frames.reduce((sum, frame) => sum + frame, 0) / frames.length,
    median: frames[frames.length >> 1], p95: frames[Math.floor(0.95 * frames.length)] };
}"""


@pytest.fixture(scope="module")
def models(tmp_path_factory, serve_page):
    folder = tmp_path_factory.mktemp("models")
    big_model.write(folder / "towns")
    (folder / "merseyside").symlink_to(serve_page.ROOT / "models" / "merseyside")
    return folder


@pytest.mark.parametrize(("model", "start", "incidents"), [
    ("merseyside", "2020-01-06", 10_000), ("merseyside", "2014-01-01", 1_000_000), ("towns", "2020-01-06", 1_000_000),
])
def test_the_slider_is_fluent(serve_page, models, visit, model, start, incidents, capsys):
    with serve_page.Site(models=models) as site:
        expected = site.model(model)["expected_per_year"]
        hours = int(8766 * incidents / expected) + 1
        site.ask("open", model=model, start=start, run="long", trend=False)
        site.ask("step", run="long", seq=0, count=hours, format="none")
        count = site.ask("status", run="long").fields["runs"][0]["incidents"]
        assert count > 0.9 * incidents
        begun = time.monotonic()
        watched = visit(site, run="long")
        page = watched.page
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        while "in the last 24 hours" not in page.inner_text("#lead"):
            assert time.monotonic() < begun + 30
            page.wait_for_timeout(20)
        read = time.monotonic() - begun
        page.click("[data-last='0']")
        page.wait_for_timeout(3000)
        words = [f"{len(site.model(model)['areas'])} areas, {count} incidents: first paint {paint:.0f} ms, "
                 f"all read in {read:.1f} s; frames in ms"]
        for measure in ("count", "surprise"):
            page.select_option("#measure", measure)
            page.wait_for_timeout(1500)
            for end in ("from", "to"):
                frames = page.evaluate(DRAG, end)
                words.append(f"  {measure}, {end}: " + ", ".join(f"{key} {value:.1f}" for key, value in frames.items()))
                assert frames["median"] <= 1000 / 30 + 1, words
        with capsys.disabled():
            print("\n" + "\n".join(words))
        assert paint < 1000
        watched.check()
