// The charts of time: what was simulated in the window against what was expected.

import { week, series } from "./charts.js";
import { byId, html } from "./dom.js";
import { tally } from "./expectations.js";
import { DAY, dayAndMonth, hourOfWeek, monthAndYear, monthStart, short } from "./time.js";

/** More days than these are drawn by week. */
const MOST_DAYS = 430;

let drawn = "";
const numbers = new WeakMap();
/** A number for each object, to tell one answer from another. */
const numberOf = (object) => numbers.get(object) ?? (numbers.set(object, Math.random()), numbers.get(object));

/** Draws the window that was last asked about, so that counts and expectations are of the same time. */
export function drawCharts(side, other, expectations, chosen, colours) {
  const { from, to } = expectations.force ?? {};
  if (from === undefined) return;
  const key = [numberOf(expectations.force), chosen, other?.name, other?.loading, colours.paper, byId("by-day").clientWidth,
    byId("by-hour").clientWidth].join("|");
  if (key === drawn) return;
  drawn = key;
  const sums = expectations.sums(chosen);
  const counts = tally(side.data, from, to, chosen);
  const others = other && tally(other.data, from, to, chosen);
  const point = (label, tick, count, sum, index, otherCount) => ({
    label, tick, count, expected: sum ? sum.expected[index] : NaN, baseline: sum ? sum.baseline[index] : NaN,
    other: others ? otherCount ?? 0 : undefined,
  });
  const days = Array.from(counts.day, (_, index) => counts.firstDay + index);
  series(byId("by-day"), days.length > MOST_DAYS ? "By day, the latest" : "By day", "day",
    days.map((day, index) => point(short(day * DAY).slice(0, -7), dayAndMonth(day * DAY), counts.day[index], sums?.day,
      index, others?.day[index])).slice(-MOST_DAYS), other?.name);

  const hours = sums && { expected: new Float64Array(24), baseline: new Float64Array(24) };
  sums?.week.times.forEach((hour, index) => {
    hours.expected[hour % 24] += sums.week.expected[index];
    hours.baseline[hour % 24] += sums.week.baseline[index];
  });
  series(byId("by-hour"), "By hour of the day", "hour", Array.from(counts.hour, (count, hour) =>
    point(`${hour}:00`, hour % 3 ? "" : `${hour}:00`, count, hours, hour, others?.hour[hour])), other?.name);

  const months = Array.from(counts.month, (_, index) => counts.firstMonth + index);
  series(byId("by-month"), "By month", "month", months.map((month, index) =>
    point(monthAndYear(monthStart(month)), monthAndYear(monthStart(month)), counts.month[index], sums?.month, index,
      others?.month[index])), other?.name);

  const times = new Float64Array(168);
  for (let hour = from; hour < to; hour += 1) times[hourOfWeek(hour)] += 1;
  const means = Array.from(counts.week, (count, hour) => (times[hour] ? count / times[hour] : NaN));
  let expected = null;
  if (sums) {
    expected = new Float64Array(168).fill(NaN);
    sums.week.times.forEach((hour, index) => { expected[hour] = sums.week.expected[index] / times[hour]; });
  }
  week(byId("by-week"), "By hour of the week, a mean of each hour", means, expected, colours);

  byId("chart-key").replaceChildren(...[
    ["dot", "simulated"], ["dot outside", "simulated, outside the band"], other && ["other", `simulated in ${other.name}`],
    ["line-accent", "expected"], ["line-dash", "baseline: expected without feedback"], ["band", "95 % of chance (Poisson)"],
  ].filter(Boolean).map(([kind, words]) => html("li", {}, html("span", { class: `mark ${kind}` }), words)));
}
