// The page: its controls, and when it draws.

import { byId, say } from "./dom.js";
import { SETTLED, drawFast, drawSlow } from "./draw.js";
import { categoriesChanged, choose, poll } from "./runs.js";
import { colours } from "./scale.js";
import { announce, drawState } from "./sentence.js";
import { beside, changed, maps, now, timeline } from "./state.js";
import { several } from "./words.js";

/** Milliseconds between drawings of tables, charts and words while something moves. */
const CALM = 250;
/** However long they take, they are not older than this. */
const HURRY = 1500;

function setCategories(on) {
  now.chosen.fill(on);
  for (const box of byId("categories-list").querySelectorAll("input")) box.checked = Boolean(on);
  categoriesChanged();
}

/** Opens an area's panel; from the list the focus goes there. */
function select(area, fromList) {
  now.area = area;
  maps.select(area);
  changed();
  drawSlow();
  if (area < 0) announce("All areas");
  else announce(`${now.model.areas[area].name}: ${several(now.values?.count[area] ?? 0, "incident")} in the time shown`);
  if (fromList) {
    byId("panel").focus({ preventScroll: true });
    byId("panel").scrollIntoView({ block: "nearest" });
  }
}

now.select = select;

byId("run").addEventListener("change", (event) => choose(event.target.value));
byId("other").addEventListener("change", (event) => choose(event.target.value, "other"));
for (const id of ["measure", "layer"]) byId(id).addEventListener("change", changed);
byId("intensity").addEventListener("input", (event) => {
  now.top = Number(event.target.value);
  const words = now.top === 100 ? "all areas" : `the highest ${now.top} % of areas`;
  say(byId("intensity-words"), words);
  event.target.setAttribute("aria-valuetext", words);
  changed();
});
byId("categories-all").addEventListener("click", () => setCategories(1));
byId("categories-none").addEventListener("click", () => setCategories(0));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (byId("categories").open) {
    byId("categories").open = false;
    byId("categories").querySelector("summary").focus();
  } else if (now.area >= 0) select(-1);
});
document.addEventListener("pointerdown", (event) => {
  if (!byId("categories").contains(event.target)) byId("categories").open = false;
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  now.colours = colours();
  changed();
});
document.addEventListener("visibilitychange", () => {
  for (const side of [now.side, now.other]) side?.listen();
});
new ResizeObserver(() => changed()).observe(byId("content"));

function frame(time) {
  // First, so that a fault in a drawing is not the last one.
  requestAnimationFrame(frame);
  const began = performance.now();
  timeline.tick(time);
  if (now.fast) {
    now.fast = false;
    drawFast();
  }
  if (now.slow && time - now.drawn > Math.min(HURRY, Math.max(CALM, 6 * now.cost))) {
    now.slow = false;
    drawSlow();
    now.drawn = performance.now();
    now.cost = now.drawn - began;
  }
}

// One question to the daemon at a time, and none for most of the time.
setInterval(() => {
  const { side } = now;
  drawState();
  if (!now.settled && performance.now() - now.moved > SETTLED) now.settled = now.fast = true;
  if (!side || side.loading) return;
  side.lookAtDay();
  const [from, to] = timeline.window;
  const byArea = byId("measure").value === "effect" || now.area >= 0 || byId("order").value === "effect"
    || side.data.areaCount <= 1000;
  const lacking = side.expectations.want(from, to, byArea);
  // When the last answer came it was not known yet that nothing is lacking now, so perhaps not all was drawn.
  if (lacking !== now.lacking) Object.assign(now, { lacking, slow: true });
  if (byId("measure").value === "effect") beside()?.expectations.want(from, to, true);
}, 100);

requestAnimationFrame(frame);
poll();
