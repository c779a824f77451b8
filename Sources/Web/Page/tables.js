// The areas as a list by which each can be reached, and the panel of the one that is.

import { byId, html, keepingFocus, say, svg } from "./dom.js";
import { effectOf, number, percent, signed } from "./scale.js";
import { DAY, clock, dayAndMonth, span, weekday } from "./time.js";
import { effect, several } from "./words.js";

const AT_ONCE = 10;

export class AreaTable {
  constructor(changed) {
    this.shown = AT_ONCE;
    byId("find").addEventListener("input", changed);
    byId("order").addEventListener("change", changed);
    byId("more-areas").addEventListener("click", () => {
      this.shown = this.shown < 100 ? 100 : this.shown + 1000;
      changed();
    });
  }

  /** `figures` has, by area: `count`, `before` (or null), `rate`, `effect` (or null), `other` (or null). */
  draw(model, figures, hours, selected, select, names) {
    const sought = byId("find").value.trim().toLowerCase();
    const order = byId("order").value;
    const { count, before, rate, effect: change, other } = figures;
    const keys = {
      count: (area) => -count[area],
      change: (area) => (before ? -Math.abs(count[area] - before[area]) : -count[area]),
      effect: (area) => (change ? -Math.abs(change[area]) : -count[area]),
      rate: (area) => -rate[area],
    };
    const found = [];
    model.areas.forEach((area, index) => {
      if (!sought || area.name.toLowerCase().includes(sought) || area.code.toLowerCase().includes(sought)) found.push(index);
    });
    if (keys[order]) {
      const keyed = Float64Array.from(count, (_, area) => keys[order](area));
      found.sort((a, b) => keyed[a] - keyed[b] || a - b);
    } else {
      found.sort((a, b) => (model.areas[a].name < model.areas[b].name ? -1 : 1));
    }
    const rows = found.slice(0, this.shown);
    const heads = ["Area", names?.[0] ?? "Incidents", ...(other ? [names[1], "Difference"] : []),
      before ? `Change on the ${span(hours)} before` : "Change", "Feedback’s effect", "A year per 1,000 residents"];
    keepingFocus(byId("areas"), () => byId("areas").replaceChildren(html("table", {},
      html("caption", { class: "hidden" }, "Areas, with the incidents of the time shown"),
      html("thead", {}, html("tr", {}, heads.map((head, index) =>
        html("th", { scope: "col", class: index ? undefined : "text" }, head)))),
      html("tbody", {}, rows.map((area) => html("tr", { class: area === selected ? "chosen" : undefined },
        html("th", { scope: "row", class: "text" }, html("button", { type: "button", class: "link", "data-key": `area-${area}`,
          "aria-pressed": String(area === selected), on: { click: () => select(area, true) } }, model.areas[area].name)),
        html("td", {}, number(count[area])),
        ...(other ? [html("td", {}, number(other[area])), html("td", {}, signed(count[area] - other[area]))] : []),
        html("td", {}, before ? `${signed(count[area] - before[area])}${before[area] >= 10
          ? ` (${percent(count[area] / before[area] - 1)})` : ""}` : "–"),
        html("td", {}, change ? signed(change[area]) : "–"),
        html("td", {}, number(rate[area]))))))));
    say(byId("areas-words"), found.length ? `${number(rows.length)} of ${several(found.length, "area")}`
      : "No area has that in its name or code.");
    byId("more-areas").hidden = found.length <= this.shown;
  }
}

const tile = (label, value) => html("li", {}, html("span", {}, label), html("strong", {}, value));

export const tiles = (list) => list.map(([label, value]) => tile(label, value));

/**
 * The panel. `view` has `area` (-1 for all), `counts`, `expected`, `baseline` (by category; the latter two or null),
 * `byHour` (counts of the area by hour of the week, or null), `latest` (indices of incidents), `chosen`, `close`.
 */
export function panel(model, side, view) {
  const { area, counts, expected, baseline, chosen } = view;
  const place = area < 0 ? null : model.areas[area];
  say(byId("panel-heading"), place ? place.name : "All areas");
  const total = (list) => list && list.reduce((sum, value, index) => sum + (chosen[index] ? value : 0), 0);
  const [count, mean, base] = [total(counts), total(expected), total(baseline)];
  const body = [];
  if (place) {
    body.push(html("p", { class: "note" }, `${place.code}, ${number(place.population)} residents`
      + (place.imputed ? "; its rates are those of other areas" : "")),
    html("p", { class: "buttons" }, html("button", { type: "button", "data-key": "close", on: { click: view.close } },
      "Back to all areas")));
  }
  const about = view.about ? "≈ " : "";
  const effectWords = mean === null || base === null ? "–"
    : `${about}${signed(effectOf(mean, base))}${base >= 1 ? ` (${percent(effectOf(mean, base) / base)})` : ""}`;
  body.push(html("ul", { class: "tiles two" }, tiles([
    ["incidents", number(count)], ["expected", mean === null ? "–" : about + number(mean, mean < 10 ? 1 : 0)],
    ["feedback’s effect", effectWords], ["with a suspect", view.suspects === null ? "–" : percentOf(view.suspects, count)],
  ])));
  const more = [];
  const order = counts.map((_, index) => index).filter((index) => chosen[index]).sort((a, b) => counts[b] - counts[a]);
  const largest = Math.max(1, ...order.map((index) => Math.max(counts[index], expected?.[index] ?? 0)));
  more.push(html("table", { class: "categories" },
    html("caption", { class: "hidden" }, "By category"),
    html("thead", {}, html("tr", {}, html("th", { scope: "col", class: "text" }, "Category"),
      html("th", { scope: "col" }, "Incidents"), html("th", { scope: "col" }, "Expected"))),
    html("tbody", {}, order.map((index) => html("tr", {},
      html("th", { scope: "row", class: "text" }, model.categories[index],
        svg("svg", { class: "measure", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" },
          svg("rect", { class: "fill-accent", x: 0, y: 0, width: (100 * counts[index]) / largest, height: 4 }))),
      html("td", {}, number(counts[index])),
      html("td", {}, expected ? about + number(expected[index]) : "–"))))));
  if (place) more.push(...ofPlace(model, side, view, place));
  keepingFocus(byId("panel"), () => {
    byId("panel-body").replaceChildren(...body);
    byId("panel-more").replaceChildren(...more);
  });
}

function percentOf(part, whole) {
  return whole ? `${number((100 * part) / whole, 0)}\u00a0%` : "–";
}

function ofPlace(model, side, view, place) {
  const body = [html("h4", {}, "Hours of the week")];
  const largest = Math.max(1, ...view.byHour);
  const days = Array.from({ length: 7 }, (_, day) => view.byHour.slice(24 * day, 24 * day + 24));
  const busiest = days.map((hours) => hours.reduce((sum, value) => sum + value, 0));
  body.push(svg("svg", { class: "spark", viewBox: "0 0 336 48", width: 336, height: 48, preserveAspectRatio: "none", role: "img",
    "aria-label": `Incidents by hour of the week, Monday first; most on ${weekday(busiest.indexOf(Math.max(...busiest)))}` },
  [1, 2, 3, 4, 5, 6].map((day) => svg("line", { class: "grid", x1: 48 * day, x2: 48 * day, y1: 0, y2: 48 })),
  Array.from(view.byHour, (value, hour) => value ? svg("rect", { class: "fill-accent", x: 2 * hour, width: 1.6,
    y: 48 - (46 * value) / largest, height: (46 * value) / largest }) : null)));
  body.push(html("p", { class: "days", "aria-hidden": "true" }, Array.from({ length: 7 }, (_, day) =>
    html("span", {}, weekday(day).slice(0, 3)))));

  const acting = side.trail.filter((line) => (line.state === "in_force" || line.state === "pending")
    && (!line.areas || line.areas.includes(place.code)));
  body.push(html("h4", {}, "Adjustments in force here"), acting.length
    ? html("ul", { class: "plain" }, acting.slice(-6).reverse().map((line) => html("li", {},
      `${line.adjustment}, ${line.source ?? "somebody"}: ${effect(line, model)}`
      + (line.reason ? ` (${line.reason})` : ""))))
    : html("p", { class: "note" }, "None."));

  const { data } = side;
  body.push(html("h4", {}, "Latest incidents shown"), view.latest.length
    ? html("ul", { class: "plain" }, view.latest.map((index) => {
      const time = data.start + data.time[index];
      return html("li", {}, `${dayAndMonth(time)}, ${clock(((time % DAY) + DAY) % DAY)}: `
        + `${model.crimes[data.crime[index]].description}${data.suspect[index] ? ", suspect identified" : ""}`);
    }))
    : html("p", { class: "note" }, "None in the time and categories shown."));
  return body;
}
