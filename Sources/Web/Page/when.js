// The charts of time: what was simulated in the window against what was expected.

import { week, series } from "./charts.js";
import { byId, html } from "./dom.js";
import { ABOUT, tally } from "./expectations.js";
import { DAY, dayAndMonth, hourOfWeek, monthAndYear, monthIndex, monthStart, short } from "./time.js";

/** More days than these are not drawn. */
const MOST_DAYS = 430;

/** Milliseconds after which the charts are drawn though not all of their expectations are known. */
const IMPATIENT = 1500;

let drawn = { key: "", whole: "", at: 0 };
let placeDrawn = "";

/** What is expected in the window: by day, hour of the day, hour of the week and month. */
function sums(expectations, from, to, chosen, counts) {
  const make = (length) => ({ expected: new Float64Array(length), baseline: new Float64Array(length) });
  const found = { day: make(counts.day.length), hour: make(24), week: make(168), month: make(counts.month.length) };
  const known = { hours: 0, expected: 0, baseline: 0 };
  expectations.eachHour(from, to, chosen, (hour, expected, baseline) => {
    if (!(expected >= 0)) return;
    known.hours += 1;
    known.expected += expected;
    known.baseline += baseline;
  });
  // The newest hours of a run that goes on are taken to be like the others, or their day and month would have no band.
  const like = to - from - known.hours <= ABOUT * (to - from) && known.baseline ? known.expected / known.baseline : NaN;
  expectations.eachHour(from, to, chosen, (hour, exactly, baseline) => {
    const day = Math.floor(hour / 24) - counts.firstDay;
    const expected = exactly >= 0 ? exactly : baseline * like;
    for (const [into, index] of [[found.day, day], [found.hour, hour % 24], [found.week, hourOfWeek(hour)]]) {
      into.expected[index] += expected;
      into.baseline[index] += baseline;
    }
  });
  for (const kind of ["expected", "baseline"]) {
    found.day[kind].forEach((sum, day) => {
      found.month[kind][monthIndex(1440 * (counts.firstDay + day)) - counts.firstMonth] += sum;
    });
  }
  return found;
}

/**
 * Draws an area's days and months in the window [from, to): `byDay` has its counts of each day, `mine` and
 * perhaps `other`; `parts` say what is still being worked out.
 */
export function drawPlace(side, other, area, [from, to], chosen, byDay, parts) {
  const { name } = side.model.areas[area] ?? {};
  byId("panel-charts").hidden = area < 0;
  if (area < 0) return;
  const firstDay = Math.floor(from / 24);
  const firstMonth = monthIndex(60 * from);
  const days = Array.from(byDay.mine, (count, index) => {
    const day = firstDay + index;
    const { expected, baseline } = side.expectations.ofArea(area, Math.max(from, 24 * day), Math.min(to, 24 * (day + 1)), chosen);
    return { label: short(day * DAY).slice(0, -7), tick: dayAndMonth(day * DAY), count, expected, baseline,
      other: byDay.other?.[index] };
  });
  const months = [];
  days.forEach((one, index) => {
    const month = monthIndex(DAY * (firstDay + index));
    const into = (months[month - firstMonth] ??= { label: monthAndYear(monthStart(month)), tick: monthAndYear(monthStart(month)),
      count: 0, expected: 0, baseline: 0, other: one.other === undefined ? undefined : 0 });
    for (const kind of ["count", "expected", "baseline", ...(one.other === undefined ? [] : ["other"])]) into[kind] += one[kind];
  });
  const key = JSON.stringify([side.name, area, days, byId("area-by-day").clientWidth]);
  if (key !== placeDrawn) {
    placeDrawn = key;
    series(byId("area-by-day"), `${name} by day`, "day", days.slice(-MOST_DAYS), other?.name);
    series(byId("area-by-month"), `${name} by month`, "month", months, other?.name);
  }
  const words = parts.map((part) => part.textContent ?? part).join("");
  if (words !== byId("panel-charts-words").textContent) byId("panel-charts-words").replaceChildren(...parts);
}

/** Draws the window [from, to), unless what is there is the same, or more will be known in a moment. */
export function drawCharts(side, other, [from, to], chosen, colours, lacking) {
  const whole = [side.name, chosen, other?.name, other?.loading, colours.paper, byId("by-day").clientWidth,
    byId("by-hour").clientWidth].join("|");
  const key = [whole, side.data.count, other?.data.count, from, to, side.expectations.answers].join("|");
  if (key === drawn.key) return;
  if (lacking && whole === drawn.whole && performance.now() - drawn.at < IMPATIENT) return;
  drawn = { key, whole, at: performance.now() };
  const counts = tally(side.data, from, to, chosen);
  const others = other && tally(other.data, from, to, chosen);
  const expected = sums(side.expectations, from, to, chosen, counts);
  const points = (kind, label, tick) => Array.from(counts[kind], (count, index) => ({
    label: label(index), tick: tick(index), count, expected: expected[kind].expected[index],
    baseline: expected[kind].baseline[index], other: others?.[kind][index],
  }));
  const day = (index) => (counts.firstDay + index) * DAY;
  const month = (index) => monthAndYear(monthStart(counts.firstMonth + index));
  series(byId("by-day"), counts.day.length > MOST_DAYS ? "By day, the latest" : "By day", "day",
    points("day", (index) => short(day(index)).slice(0, -7), (index) => dayAndMonth(day(index))).slice(-MOST_DAYS),
    other?.name);
  series(byId("by-hour"), "By hour of the day", "hour",
    points("hour", (hour) => `${hour}:00`, (hour) => (hour % 3 ? "" : `${hour}:00`)), other?.name);
  series(byId("by-month"), "By month", "month", points("month", month, month), other?.name);

  const times = new Float64Array(168);
  for (let hour = from; hour < to; hour += 1) times[hourOfWeek(hour)] += 1;
  const mean = (sum, hour) => (times[hour] ? sum / times[hour] : NaN);
  week(byId("by-week"), "By hour of the week, a mean of each hour", Array.from(counts.week, mean),
    Array.from(expected.week.expected, mean), colours);

  byId("chart-key").replaceChildren(...[
    ["dot", "simulated"], ["dot outside", "simulated, outside the band"], other && ["other", `simulated in ${other.name}`],
    ["line-accent", "expected"], ["line-dash", "baseline: expected without feedback"], ["band", "95 % of chance (Poisson)"],
  ].filter(Boolean).map(([kind, words]) => html("li", {}, html("span", { class: `mark ${kind}` }), words)));
}
