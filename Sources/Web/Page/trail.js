// The audit trail on a line of time: who changed what, when and why.

import { byId, html, keepingFocus, say, svg } from "./dom.js";
import { number } from "./scale.js";
import { minutes, short } from "./time.js";
import { effect, several } from "./words.js";

const AT_ONCE = 12;
const STATES = { pending: "pending", in_force: "in force", expired: "expired", retracted: "retracted" };
const UNITS = { m: 1, h: 60, d: 1440, w: 10080 };

/** When an adjustment ends as far as can be told: retracted, its end, or where its effect is under a 1,024th. */
export function ends(line) {
  if (line.retracted_at) return minutes(line.retracted_at);
  let end = line.until ? minutes(line.until) : Infinity;
  const match = /^(\d+)([mhdw])$/.exec(line.half_life ?? "");
  if (match) {
    const halvings = Math.max(0, Math.log2(1024 * Math.abs(line.factor - 1)));
    end = Math.min(end, minutes(line.effective_from) + halvings * match[1] * UNITS[match[2]]);
  }
  return end;
}

export class Trail {
  constructor() {
    this.shown = AT_ONCE;
    byId("more-trail").addEventListener("click", () => {
      this.shown *= 4;
      this.again?.();
    });
  }

  /** `from`, `to`: hours of the line of time; `select(code)` opens an area. */
  draw(side, model, from, to) {
    this.again = () => this.draw(side, model, from, to);
    const lines = side.trail;
    const key = [side.name, this.shown, from, to, side.status.in_force, ...lines.map((line) => line.state)].join();
    if (key === this.drawn && side === this.side) return;
    Object.assign(this, { drawn: key, side });
    const latest = lines.slice(-this.shown).reverse();
    say(byId("trail-words"), lines.length
      ? `${several(lines.length, "adjustment")} in ${side.name}, ${number(side.status.in_force ?? 0)} of them in force or `
        + "pending. Bars run from when each began to act until it ended, over the whole run; they fade with its half-life."
      : `Nobody has adjusted ${side.name} yet. When a police model does, it stands here with its reason.`);
    byId("more-trail").hidden = lines.length <= this.shown;
    byId("trail").hidden = !lines.length;
    keepingFocus(byId("trail"), () => byId("trail").replaceChildren(html("table", { class: "trail" },
      html("caption", {}, latest.length < lines.length ? `The latest ${number(latest.length)}, newest first` : "Newest first"),
      html("thead", {}, html("tr", {}, ["", "From", "Who", "What", "Why", "State", "When"].map((head, index) =>
        html("th", { scope: "col", class: "text" }, index ? head : html("span", { class: "hidden" }, "Number"))))),
      html("tbody", {}, latest.map((line) => html("tr", {},
        html("th", { scope: "row", class: "text" }, line.adjustment),
        html("td", { class: "text" }, short(minutes(line.effective_from))),
        html("td", { class: "text" }, line.source ?? "not said"),
        html("td", { class: "prose" }, effect(line, model)),
        html("td", { class: "prose" }, line.reason ?? "not said"),
        html("td", { class: "text" }, STATES[line.state] ?? line.state),
        html("td", {}, bar(line, 60 * from, 60 * to))))))));
  }
}

function bar(line, from, to) {
  const begin = Math.max(from, minutes(line.effective_from));
  const end = Math.min(to, ends(line));
  const x = (time) => (160 * (time - from)) / Math.max(1, to - from);
  const parts = [svg("line", { class: "axis", x1: 0, x2: 160, y1: 9, y2: 9 })];
  const pieces = line.half_life ? 6 : 1;
  for (let piece = 0; piece < pieces && end > begin; piece += 1) {
    const left = x(begin + ((end - begin) * piece) / pieces);
    const right = x(begin + ((end - begin) * (piece + 1)) / pieces);
    parts.push(svg("rect", { class: line.factor > 1 ? "fill-warm" : "fill-accent", x: left, y: 3,
      width: Math.max(piece ? 0 : 2, right - left), height: 12, opacity: (1 - piece / (pieces + 1)).toFixed(2) }));
  }
  return svg("svg", { class: "bar", viewBox: "0 0 160 18", width: 160, height: 18, "aria-hidden": "true" }, parts);
}
