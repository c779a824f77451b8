// Drawing: maps and times at once, tables, charts and words when there is time.

import { byId, html, say } from "./dom.js";
import { ABOUT } from "./expectations.js";
import { difference, sumByArea } from "./run.js";
import { effectOf, number, signed } from "./scale.js";
import { areaTable, beside, changed, maps, now, timeline, trail } from "./state.js";
import { panel, tiles } from "./tables.js";
import { DAY, hourOfWeek, minutes, span } from "./time.js";
import { drawCharts, drawPlace } from "./when.js";
import { drawWords } from "./sentence.js";
import { several } from "./words.js";

/** Milliseconds without a change after which all is drawn in full. */
export const SETTLED = 150;
const HOURS_A_YEAR = 8766;

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
    for (let area = 0; area < values.effect.length; area += 1) {
      values.effect[area] = effectOf(values.effect[area], values.baseline[area]);
    }
    return into === values.rate ? values.effect : Float64Array.from(values.effect);
  }
  if (!side.baseline.has(from, to, side.expectations.told) || !side.baseline.fill(from, to, now.cells)) return null;
  sumByArea(now.cells, now.chosen, values.baseline);
  return Float64Array.from(counts, (count, area) => count - values.baseline[area]);
}

/** Draws what follows the slider. */
export function drawFast() {
  const { side, model } = now;
  if (!side || !model) return;
  const other = beside();
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

/** What is to be said while single areas' expectations are being worked out; nothing once they are there. */
function waiting(from, to) {
  const { expectations } = now.side;
  const missing = expectations.missingDays(from, to).filter((day) => !expectations.days.has(day)).length;
  if (!missing) return [];
  if (expectations.insisted || expectations.isCheap(from, to)) return [`Being worked out: ${several(missing, "day")} to go …`];
  const seconds = number(Math.max(1, Math.round(expectations.seconds(from, to))));
  return [`For so many areas and hours the daemon has to work for about ${seconds} s. `,
    html("button", { type: "button", "data-key": "insist",
      on: { click: () => { expectations.insisted = true; changed(); } } }, "Work it out")];
}

/** What is under the maps: what is being worked out, or why nothing differs. */
function underMaps(from, to) {
  let parts = [];
  if (byId("measure").value === "effect") {
    parts = now.side.trail.length ? waiting(from, to)
      : ["Nobody has adjusted this run, so nothing differs from the baseline."];
  } else if (now.missing) parts = ["The baseline is being worked out …"];
  const words = parts.map((part) => part.textContent ?? part).join("");
  if (words !== byId("under").textContent) byId("under").replaceChildren(...parts);
}

/** Draws what is read rather than watched. */
export function drawSlow() {
  const { side, model } = now;
  if (!side || !model) return;
  const other = beside();
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
  }, to - from, now.area, now.select, other && [side.name, other.name]);

  const view = panelView(side, from, to, cells);
  panel(model, side, view);
  const byDay = now.area < 0 ? null
    : { mine: view.byDay, other: other ? daysOf(other, now.area, from, to) : undefined };
  drawPlace(side, other, now.area, timeline.window, now.chosen, byDay, side.trail.length ? waiting(from, to) : []);
  trail.draw(side, model, side.data.firstHour, side.data.lastHour);
  drawCharts(side, other, timeline.window, now.chosen, now.colours, now.lacking);
  const lacking = expectations.lacking(from, to);
  say(byId("charts-words"), lacking > 1
    ? `What was expected in ${several(lacking, "hour")} of the time shown is still being worked out`
      + `${lacking <= ABOUT * (to - from) ? ", and taken to be as in the others" : ""}.` : "");
  drawCompared(from, to);
  underMaps(from, to);
  drawWords();
}

function panelView(side, from, to, cells) {
  const { data, counts } = side;
  const categories = data.categoryCount;
  const { area, chosen } = now;
  const view = { area, chosen, counts: Array.from({ length: categories }, () => 0), expected: null, baseline: null, suspects: null,
    latest: [], byHour: null, close: () => now.select(-1, true) };
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
  if (area >= 0) {
    view.byHour = new Float64Array(168);
    view.byDay = daysOf(side, area, from, to);
  }
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

/** Counts of an area by day of the window, for the categories chosen. */
function daysOf({ data, counts }, area, from, to) {
  const first = Math.floor(from / 24);
  const days = new Float64Array(Math.floor((to - 1) / 24) - first + 1);
  for (let index = counts.low; index < counts.high; index += 1) {
    if (data.area[index] !== area || !now.chosen[data.categoryOfCrime[data.crime[index]]]) continue;
    days[Math.floor((data.start + data.time[index]) / DAY) - first] += 1;
  }
  return days;
}

function drawCompared(from, to) {
  const { side, other } = now;
  byId("compared").hidden = !other || side.loading || other.loading;
  if (byId("compared").hidden) return;
  if (!beside()) {
    say(byId("compared-words"), `${side.name} and ${other.name} have no time in common so far.`);
    byId("compared-tiles").replaceChildren();
    return;
  }
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
