// The page: what is chosen, what is drawn when.

import * as api from "./api.js";
import { byId, html, say } from "./dom.js";
import { Expectations } from "./expectations.js";
import { Shapes } from "./map.js";
import { Maps } from "./maps.js";
import { difference, sumByArea } from "./run.js";
import { colours, number, signed } from "./scale.js";
import { Side } from "./side.js";
import { AreaTable, panel, tiles } from "./tables.js";
import { hourOfWeek, minutes, short, span } from "./time.js";
import { Timeline } from "./timeline.js";
import { Trail } from "./trail.js";
import { lead, several, speed, state } from "./words.js";
import { drawCharts } from "./when.js";

const POLL = 2000;
/** Milliseconds between drawings of tables, charts and words while something moves. */
const CALM = 250;
/** Milliseconds without a change after which all is drawn in full. */
const SETTLED = 150;
const HOURS_A_YEAR = 8766;

const models = new Map();
const now = {
  model: null, shapes: null, side: null, other: null, area: -1, chosen: null, top: 100, colours: colours(), names: "",
  moved: 0, drawn: 0, cost: 0, spokeAt: 0, spoken: "",
};
let fast = false;
let slow = false;

const timeline = new Timeline(() => changed());
const maps = new Maps((area) => select(area));
const areaTable = new AreaTable(() => changed());
const trail = new Trail();

function changed() {
  fast = true;
  slow = true;
  now.moved = performance.now();
  now.settled = false;
}

// Runs ------------------------------------------------------------------------------------------------------------

async function modelOf(name) {
  if (!models.has(name)) {
    models.set(name, Promise.all([api.models(name), api.boundaries(name)])
      .then(([model, collection]) => ({ model, shapes: new Shapes(collection, model.areas) })));
    models.get(name).catch(() => models.delete(name));
  }
  return models.get(name);
}

async function sideOf(status, mine) {
  const { model } = await modelOf(status.model);
  const side = new Side(status, model, (what) => {
    if (now[mine] !== side) return;
    if (what === "lost") trouble("The daemon is silent. This page asks again and goes on where it was.");
    else if (what !== "loading") trouble("");
    if (what === "steps" || what === "loading") {
      reach();
      changed();
    } else slow = true;
  });
  side.expectations = new Expectations(side, () => changed());
  return side;
}

function reach() {
  const { side, other } = now;
  timeline.reach(side.data.firstHour, Math.max(side.data.lastHour, other && !other.loading ? other.data.lastHour : 0));
}

async function choose(run, mine = "side") {
  const token = (now[`${mine}Token`] = Symbol(run));
  now[mine]?.end();
  now[mine] = null;
  remember();
  if (mine === "side" && now.other) {
    byId("other").value = "";
    await choose("", "other");
  }
  if (!run) return changed();
  try {
    const status = now.runs.find((one) => one.run === run);
    const { model, shapes } = await modelOf(status.model);
    const side = await sideOf(status, mine);
    if (now[`${mine}Token`] !== token) return undefined;
    if (mine === "side") adopt(model, shapes);
    now[mine] = side;
    byId("content").hidden = false;
    if (mine === "side") timeline.setFollow(true);
    remember();
    listRuns(now.runs);
    reach();
    changed();
    await side.begin();
  } catch (error) {
    trouble(error.message);
  }
  return undefined;
}

function adopt(model, shapes) {
  if (model === now.model) return;
  Object.assign(now, { model, shapes, area: -1, chosen: new Uint8Array(model.categories.length).fill(1) });
  byId("categories-list").replaceChildren(...model.categories.map((category, index) => html("span", { class: "choice" },
    html("input", { type: "checkbox", id: `category-${index}`, checked: true,
      on: { change: (event) => { now.chosen[index] = event.target.checked ? 1 : 0; categoriesChanged(); } } }),
    html("label", { for: `category-${index}` }, category))));
  categoriesChanged();
}

function remember() {
  const query = new URLSearchParams();
  if (byId("run").value) query.set("run", byId("run").value);
  if (byId("other").value) query.set("with", byId("other").value);
  history.replaceState(null, "", `#${query}`);
}

function listRuns(runs) {
  now.runs = runs;
  const names = JSON.stringify([runs.map((run) => [run.run, run.model]), now.side?.name, now.other?.name]);
  if (names === now.names) return;
  now.names = names;
  const picked = byId("run").value;
  byId("run").replaceChildren(...runs.map((run) => html("option", { value: run.run }, `${run.run} (${run.model})`)));
  if (runs.some((run) => run.run === picked)) byId("run").value = picked;
  const other = byId("other").value;
  const like = runs.filter((run) => now.side && run.model === now.side.status.model && run.run !== now.side.name);
  byId("other").replaceChildren(html("option", { value: "" }, "no other run"),
    ...like.map((run) => html("option", { value: run.run }, run.run)));
  byId("other").value = like.some((run) => run.run === other) ? other : "";
}

async function poll() {
  try {
    const runs = await api.runs();
    trouble("");
    listRuns(runs);
    byId("nothing").hidden = runs.length > 0;
    if (!runs.length) {
      say(byId("lead"), "No run is open");
      say(byId("lead-more"), "");
      say(byId("nothing"), "Open one from a client, for instance with make demo. It appears here by itself.");
    } else if (!now.side && !now.sideToken) {
      const wished = new URLSearchParams(location.hash.slice(1));
      const first = runs.find((run) => run.run === wished.get("run")) ?? runs.find((run) => run.state === "open") ?? runs[0];
      byId("run").value = first.run;
      await choose(first.run);
      if (wished.get("with") && runs.some((run) => run.run === wished.get("with"))) {
        byId("other").value = wished.get("with");
        choose(wished.get("with"), "other");
      }
    }
    for (const mine of ["side", "other"]) {
      const status = now[mine] && runs.find((run) => run.run === now[mine].name);
      if (status) now[mine].take(status);
      else if (now[mine]) trouble(`The run ${now[mine].name} is no longer there. What is shown is the last of it.`);
    }
  } catch (error) {
    trouble(error.message);
  }
  setTimeout(poll, POLL);
}

function trouble(words) {
  say(byId("trouble"), words);
  byId("trouble").hidden = !words;
}

// Choices ---------------------------------------------------------------------------------------------------------

function categoriesChanged() {
  const chosen = now.model.categories.filter((_, index) => now.chosen[index]);
  say(byId("categories-words"), chosen.length === now.chosen.length ? `all ${chosen.length}`
    : chosen.length === 1 ? chosen[0] : chosen.length ? `${chosen.length} of ${now.chosen.length}` : "none");
  changed();
}

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

function announce(words) {
  now.spoken = words;
  now.spokeAt = performance.now();
  say(byId("live"), words);
}

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
new ResizeObserver(() => changed()).observe(byId("content"));

// Drawing ---------------------------------------------------------------------------------------------------------

/** Arrays by area, made once for each model. */
function arrays() {
  const length = now.model.areas.length;
  if (now.values?.count.length !== length) {
    const make = () => new Float64Array(length);
    now.values = { count: make(), other: make(), before: make(), rate: make(), rateOther: make(), apart: make(),
      baseline: make(), surprise: make(), effect: make() };
    now.cells = new Float64Array(length * now.model.categories.length);
  }
  return now.values;
}

function ratesOf(counts, hours, rates) {
  now.model.areas.forEach((area, index) => {
    rates[index] = area.population ? (counts[index] * 1000 * HOURS_A_YEAR) / (area.population * hours) : 0;
  });
  return rates;
}

/** Values of a measure for a side, or null where they are not known yet. */
function valuesOf(side, measure, counts, into) {
  const [from, to] = timeline.window;
  const values = arrays();
  if (measure === "count") return counts;
  if (measure === "rate") return ratesOf(counts, to - from, into);
  if (measure === "effect") {
    if (!side.trail.length) return values.effect.fill(0);
    const cells = side.expectations.cells(from, to);
    if (!cells || !side.baseline.fill(from, to, now.cells)) return null;
    sumByArea(cells.expected, now.chosen, values.effect);
    sumByArea(now.cells, now.chosen, values.baseline);
    for (let area = 0; area < values.effect.length; area += 1) values.effect[area] -= values.baseline[area];
    return into === values.rate ? values.effect : Float64Array.from(values.effect);
  }
  if (!side.baseline.has(from, to, () => changed()) || !side.baseline.fill(from, to, now.cells)) return null;
  sumByArea(now.cells, now.chosen, values.baseline);
  return Float64Array.from(counts, (count, area) => count - values.baseline[area]);
}

function drawFast() {
  const { side, other, model } = now;
  if (!side || !model) return;
  const [from, to] = timeline.window;
  const values = arrays();
  side.counts.move(from, to);
  side.counts.byArea(now.chosen, values.count);
  if (other) {
    other.counts.move(from, to);
    other.counts.byArea(now.chosen, values.other);
    for (let area = 0; area < values.apart.length; area += 1) values.apart[area] = values.count[area] - values.other[area];
  }
  const layer = other ? "areas" : byId("layer").value;
  byId("layer").disabled = Boolean(other);
  const measure = byId("measure").value;
  const title = byId("measure").selectedOptions[0].textContent;
  const list = other
    ? [{ id: "areas", label: `Map of ${side.name}`, title: side.name },
      { id: "other", label: `Map of ${other.name}`, title: other.name },
      { id: "apart", label: "Map of the difference", title: `${side.name} less ${other.name}` }]
    : [layer !== "density" && { id: "areas", label: "Map of areas", title: `Areas: ${title}` },
      layer !== "areas" && { id: "density", label: "Map of density", title: "Density: incidents, smoothed" }].filter(Boolean);
  maps.arrange(model, now.shapes, list);
  const look = {
    colours: now.colours, selected: now.area, top: now.top, settled: performance.now() - now.moved > SETTLED,
    key: `${now.chosen}|${Math.round(3 * Math.log2(to - from))}|${side.name}`,
  };
  const mine = valuesOf(side, measure, values.count, values.rate);
  const flat = () => new Float64Array(values.count.length);
  maps.show("areas", measure, mine ?? flat(), look);
  if (other) {
    maps.show("other", measure, valuesOf(other, measure, values.other, values.rateOther) ?? flat(), look);
    maps.show("apart", "apart", values.apart, look);
  }
  maps.show("density", "count", values.count, { ...look, density: true });
  maps.legend([...(layer === "density" ? [] : [measure]), ...(other ? ["apart"] : [])], layer !== "areas");
  now.missing = !mine;
  timeline.draw(side.data, now.chosen, now.starts ?? [], now.colours);
  timeline.tell();
}

/** What is under the maps: what is being worked out, or why nothing differs. */
function underMaps(from, to) {
  const { side } = now;
  const measure = byId("measure").value;
  const { expectations } = side;
  const parts = [];
  if (measure === "effect") {
    const missing = expectations.missingDays(from, to).filter((day) => !expectations.days.has(day)).length;
    if (!side.trail.length) parts.push("Nobody has adjusted this run, so nothing differs from the baseline.");
    else if (missing && !expectations.insisted && !expectations.isCheap(from, to)) {
      const seconds = number(Math.max(1, Math.round(expectations.seconds(from, to))));
      parts.push(`For so many areas and hours the daemon has to work for about ${seconds} s. `,
        html("button", { type: "button", on: { click: () => { expectations.insisted = true; changed(); } } }, "Work it out"));
    } else if (missing) parts.push(`Being worked out: ${several(missing, "day")} to go …`);
  } else if (now.missing) parts.push("The baseline is being worked out …");
  const words = parts.map((part) => part.textContent ?? part).join("");
  if (words !== byId("under").textContent) byId("under").replaceChildren(...parts);
}

function drawSlow() {
  const { side, other, model } = now;
  if (!side || !model) return;
  const [from, to] = timeline.window;
  const { expectations } = side;
  const values = arrays();
  if (now.starts?.length !== side.trail.length) now.starts = side.trail.map((line) => minutes(line.effective_from));

  side.before.move(2 * from - to, from);
  const hasBefore = 2 * from - to >= side.data.firstHour;
  side.before.byArea(now.chosen, values.before);
  const adjusted = side.trail.length > 0;
  const cells = adjusted ? expectations.cells(from, to) : null;
  const effect = !adjusted || cells ? valuesOf(side, "effect", values.count, values.rate) : null;
  areaTable.draw(model, {
    count: values.count, before: hasBefore ? values.before : null, rate: ratesOf(values.count, to - from, values.rate), effect,
    other: other ? values.other : null,
  }, to - from, now.area, select, other && [side.name, other.name]);

  panel(model, side, panelView(side, from, to, cells));
  trail.draw(side, model, side.data.firstHour, side.data.lastHour);
  drawCharts(side, other, timeline.window, now.chosen, now.colours, now.lacking);
  const lacking = expectations.lacking(from, to);
  say(byId("charts-words"), lacking > 1
    ? `What was expected in ${several(lacking, "hour")} of the time shown is still being worked out.` : "");
  drawCompared(from, to);
  underMaps(from, to);
  drawWords();
}

function panelView(side, from, to, cells) {
  const { data, counts } = side;
  const categories = data.categoryCount;
  const { area, chosen } = now;
  const view = { area, chosen, counts: new Array(categories).fill(0), expected: null, baseline: null, suspects: null,
    latest: [], byHour: null, close: () => select(-1, true) };
  const first = area < 0 ? 0 : area;
  const last = area < 0 ? data.areaCount : area + 1;
  for (let at = first * categories; at < last * categories; at += 1) view.counts[at % categories] += counts.cells[at];
  if (area < 0) Object.assign(view, side.expectations.byCategory(from, to));
  else if ((cells || !side.trail.length) && side.baseline.fill(from, to, now.cells)) {
    view.baseline = Array.from(now.cells.subarray(first * categories, last * categories));
    view.expected = cells ? Array.from(cells.expected.subarray(first * categories, last * categories)) : view.baseline;
    view.about = cells?.about;
  }
  view.suspects = 0;
  if (area >= 0) view.byHour = new Float64Array(168);
  for (let index = counts.high - 1; index >= counts.low; index -= 1) {
    if (area >= 0 && data.area[index] !== area) continue;
    if (!chosen[data.categoryOfCrime[data.crime[index]]]) continue;
    view.suspects += data.suspect[index];
    if (area < 0) continue;
    if (view.latest.length < 6) view.latest.push(index);
    view.byHour[hourOfWeek(Math.floor((data.start + data.time[index]) / 60))] += 1;
  }
  return view;
}

function drawCompared(from, to) {
  const { side, other } = now;
  byId("compared").hidden = !other;
  if (!other) return;
  const found = difference(side.data, other.data, from, to, now.chosen);
  const net = found.onlyOne - found.onlyOther;
  say(byId("compared-words"), found.onlyOne + found.onlyOther === 0
    ? `In the time shown ${side.name} and ${other.name} have the same ${several(found.both, "incident")}.`
    : `In ${span(to - from)}, ${side.name} has ${net === 0 ? "as many incidents as" : `${number(Math.abs(net))} `
      + `${net < 0 ? "fewer" : "more"} incidents than`} ${other.name}: ${number(found.onlyOther)} that ${other.name} has did not happen, `
      + `and ${number(found.onlyOne)} happened that ${other.name} does not have.`);
  byId("compared-tiles").replaceChildren(...tiles([
    [`in both`, number(found.both)], [`only in ${side.name}`, number(found.onlyOne)],
    [`only in ${other.name}`, number(found.onlyOther)], ["difference", signed(net)],
  ]));
}

function drawWords() {
  const { side, model } = now;
  const last = side.data.lastHour;
  let count = 0;
  side.data.eachHour(last - 24, last, (hour, category, some) => { count += some; });
  if (side.loading) {
    say(byId("lead"), `${side.name}: reading what has happened so far`);
    say(byId("lead-more"), `${number(side.data.count)} of ${several(side.status.incidents, "incident")}`);
  } else {
    const hours = Math.min(24, last - side.data.firstHour);
    const [head, more] = lead(model, side, hours, count, side.expectations.lastDay());
    say(byId("lead"), head);
    say(byId("lead-more"), more);
    // Said now and then, not with every step.
    if (performance.now() - now.spokeAt > 30_000 && head !== now.spoken) announce(head);
  }
  drawState();
}

function drawState() {
  const { side } = now;
  if (!side) return;
  say(byId("clock"), short(side.data.clock));
  say(byId("speed"), speed(side.speed()));
  const words = state(side) + (now.other ? `; ${now.other.name}: ${state(now.other)}` : "");
  say(byId("state-words"), words);
}

function frame(time) {
  // First, so that a fault in a drawing is not the last one.
  requestAnimationFrame(frame);
  const began = performance.now();
  timeline.tick(time);
  if (fast) {
    fast = false;
    drawFast();
  }
  if (slow && time - now.drawn > Math.max(CALM, 20 * now.cost)) {
    slow = false;
    drawSlow();
    now.drawn = performance.now();
    now.cost = now.drawn - began;
  }
}

// One question to the daemon at a time, and none for most of the time.
setInterval(() => {
  const { side } = now;
  drawState();
  if (!now.settled && performance.now() - now.moved > SETTLED) now.settled = fast = true;
  if (!side || side.loading) return;
  const [from, to] = timeline.window;
  const byArea = byId("measure").value === "effect" || now.area >= 0 || byId("order").value === "effect"
    || side.data.areaCount <= 1000;
  now.lacking = side.expectations.want(from, to, byArea);
  if (now.other && !now.other.loading && byId("measure").value === "effect") now.other.expectations.want(from, to, true);
}, 100);

requestAnimationFrame(frame);
poll();
