// Plots in SVG, relatives of those of the calibration report, each with its numbers as a table.

import { html, svg, table } from "./dom.js";
import { poissonBounds } from "./expected.js";
import { number } from "./scale.js";
import { weekday } from "./time.js";

const HEIGHT = 210;
const EDGE = { left: 56, right: 10, top: 10, bottom: 26 };

/** What stays of a figure while its plot is made anew: caption, plot, table. */
function frame(figure, title) {
  if (!figure.plot) {
    figure.caption = html("figcaption");
    figure.plot = html("div", { class: "plot" });
    figure.numbers = html("div", { class: "scroll", role: "region", tabindex: "0" });
    figure.details = html("details", { on: { toggle: () => figure.tell?.() } },
      html("summary", {}, "As a table"), figure.numbers);
    figure.append(figure.caption, figure.plot, figure.details);
  }
  if (figure.caption.textContent !== title) {
    figure.caption.textContent = title;
    figure.numbers.setAttribute("aria-label", `${title}, as a table`);
  }
  return Math.max(260, Math.floor(figure.clientWidth));
}

function tabulate(figure, make) {
  figure.tell = () => figure.details.open && figure.numbers.replaceChildren(make());
  figure.tell();
}

function ticks(largest) {
  const power = 10 ** Math.floor(Math.log10(Math.max(largest, 1e-9)));
  const step = [0.2, 0.5, 1, 2].map((part) => part * power).find((size) => largest / size <= 5) ?? power;
  return Array.from({ length: Math.floor(largest / step + 1e-9) + 1 }, (_, index) => index * step);
}

/** Stretches [first, last) of what is there. */
function stretches(list) {
  const found = [];
  list.forEach((one, index) => {
    if (one && list[index - 1]) found[found.length - 1][1] = index + 1;
    else if (one) found.push([index, index + 1]);
  });
  return found;
}

/**
 * Counts against what is expected, in time. `points` has `label`, `tick` (short label or none), `count`, `expected`,
 * `baseline` (NaN where not known yet), perhaps `other` (another run's count).
 */
export function series(figure, title, unit, points, otherName) {
  const width = frame(figure, title);
  const [w, h] = [width - EDGE.left - EDGE.right, HEIGHT - EDGE.top - EDGE.bottom];
  const bounds = points.map((point) => (Number.isFinite(point.expected) && Number.isFinite(point.baseline) ? poissonBounds(point.expected) : null));
  const largest = Math.max(1, ...points.map((point, index) =>
    Math.max(point.count, point.other ?? 0, bounds[index]?.[1] ?? 0, point.baseline || 0)));
  const x = (index) => EDGE.left + ((index + 0.5) / points.length) * w;
  const y = (value) => EDGE.top + h - (value / (largest * 1.04)) * h;
  const place = (index, value) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`;
  const half = w / points.length / 2;

  const parts = ticks(largest).flatMap((value) => [
    svg("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) }),
    svg("text", { class: "label", x: EDGE.left - 6, y: y(value) + 4, "text-anchor": "end" }, number(value)),
  ]);
  let free = -Infinity;
  points.forEach((point, index) => {
    if (!point.tick) return;
    const room = 3.4 * point.tick.length + 4;
    const middle = Math.min(x(index), width - room);
    if (middle - room < free) return;
    free = middle + room;
    parts.push(svg("text", { class: "label", x: middle, y: HEIGHT - 8, "text-anchor": "middle" }, point.tick));
  });
  for (const [first, last] of stretches(bounds)) {
    const steps = (value) => points.slice(first, last).map((_, at) => {
      const high = y(value(first + at)).toFixed(1);
      return [`${(x(first + at) - half).toFixed(1)},${high}`, `${(x(first + at) + half).toFixed(1)},${high}`];
    }).flat();
    parts.push(svg("polygon", { class: "band", points:
      [...steps((index) => bounds[index][1]), ...steps((index) => bounds[index][0]).reverse()].join(" ") }));
    for (const [kind, mean] of [["line-dash", "baseline"], ["line-accent", "expected"]]) {
      parts.push(svg("polyline", { class: kind, points: steps((index) => points[index][mean]).join(" ") }));
    }
  }
  const size = points.length > 150 ? 1.3 : points.length > 60 ? 2 : 3;
  points.forEach((point, index) => {
    if (point.other !== undefined) {
      const [cx, cy] = place(index, point.other).split(",").map(Number);
      parts.push(svg("path", { class: "other", d: `M${cx - size - 1} ${cy}h${2 * size + 2}M${cx} ${cy - size - 1}v${2 * size + 2}` }));
    }
    const outside = bounds[index] && (point.count < bounds[index][0] || point.count > bounds[index][1]);
    parts.push(svg("circle", { class: outside ? "dot outside" : "dot", cx: x(index), cy: y(point.count), r: size },
      svg("title", {}, `${point.label}: ${number(point.count)} simulated`
        + (bounds[index] ? `, ${number(point.expected)} expected` : "")
        + (point.other === undefined ? "" : `, ${number(point.other)} in ${otherName}`))));
  });
  const known = bounds.filter(Boolean).length;
  const inside = points.filter((point, index) =>
    bounds[index] && point.count >= bounds[index][0] && point.count <= bounds[index][1]).length;
  const words = `${title}: ${points.length} points from ${points[0]?.label} to ${points.at(-1)?.label}`
    + (known ? `, ${inside} of ${known} inside the band` : "");
  figure.plot.replaceChildren(svg("svg",
    { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": words }, parts));
  tabulate(figure, () => table(title, [unit, "simulated", "expected", "baseline", "95 % band",
    ...(otherName ? [otherName] : [])], points.map((point, index) => [point.label, number(point.count),
    number(point.expected), number(point.baseline), bounds[index] ? bounds[index].map((b) => number(b, 0)).join(" to ") : "–",
    ...(otherName ? [number(point.other)] : [])])));
}

/** Incidents by hour of the week: 168 means of an hour, coloured by seven colours. */
export function week(figure, title, means, expected, colours) {
  const width = frame(figure, title);
  const left = 86;
  const cell = (width - left - EDGE.right) / 24;
  const tall = Math.max(16, Math.min(24, cell));
  const known = means.filter(Number.isFinite); // those that are in the window
  const largest = Math.max(...known, 1e-9);
  const parts = [];
  for (let day = 0; day < 7; day += 1) {
    parts.push(svg("text", { class: "label", x: left - 8, y: 22 + tall * (day + 0.5) + 4, "text-anchor": "end" },
      width < 420 ? weekday(day).slice(0, 3) : weekday(day)));
    for (let hour = 0; hour < 24; hour += 1) {
      const value = means[24 * day + hour];
      const shade = Number.isFinite(value) ? Math.min(6, Math.floor((7 * value) / largest)) : null;
      parts.push(svg("rect", { x: left + cell * hour, y: 22 + tall * day, width: cell - 1, height: tall - 1,
        fill: shade === null ? colours.grid : colours.s[shade] },
      svg("title", {}, `${weekday(day)} ${hour}:00: ${number(value)} an hour`
        + (expected ? `, ${number(expected[24 * day + hour])} expected` : ""))));
    }
  }
  for (let hour = 0; hour < 24; hour += width < 420 ? 6 : 3) {
    parts.push(svg("text", { class: "label", x: left + cell * hour, y: 14 }, `${hour}:00`));
  }
  const at = means.indexOf(Math.max(...known));
  const height = 26 + 7 * tall;
  figure.plot.replaceChildren(
    svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
      "aria-label": at < 0 ? `${title}: nothing yet` : `${title}: most on ${weekday(Math.floor(at / 24))} at ${at % 24}:00, ${number(means[at])} an hour` }, parts),
    html("ul", { class: "key" }, html("li", {}, "none"),
      html("li", { class: "ramp" }, colours.s.map((_, index) => html("span", { class: `mark box-${index}` }))),
      html("li", {}, `${number(largest)} an hour`)));
  tabulate(figure, () => table(title, ["day", ...Array.from({ length: 24 }, (_, hour) => `${hour}:00`)],
    Array.from({ length: 7 }, (_, day) => [weekday(day),
      ...Array.from(means.slice(24 * day, 24 * day + 24), (value) => number(value))])));
}
