// The maps beside one another, what they are coloured by, and their legend.

import { byId, html, say } from "./dom.js";
import { MapView } from "./map.js";
import {
  amountBreaks, classColours, classOf, classWords, differenceBreaks, number, signed,
} from "./scale.js";

const LEFT_OUT = 255;

export const MEASURES = {
  rate: { words: "incidents a year per 1,000 residents", unit: "a year per 1,000", whole: false, differs: false },
  count: { words: "incidents", unit: "incidents", whole: true, differs: false },
  effect: { words: "expected less baseline: what the feedback changes", unit: "expected less baseline", differs: true },
  surprise: { words: "incidents less baseline: feedback and chance", unit: "less baseline", differs: true },
  apart: { words: "incidents of the first run less those of the second", unit: "difference", whole: true, differs: true },
};

export class Maps {
  /** `pick(area)` is called when one is clicked or chosen with Enter. */
  constructor(pick) {
    this.pick = pick;
    this.views = [];
    this.breaks = new Map();
    this.tip = html("div", { class: "tip", "aria-hidden": "true" });
    this.tip.hidden = true;
  }

  /** Makes maps for `list`, of which each has `id`, `label`, `title`, unless they are there. */
  arrange(model, shapes, list) {
    const signature = list.map((one) => one.id + one.label).join("|");
    if (signature === this.signature && shapes === this.shapes) {
      list.forEach((one, index) => say(this.views[index].title, one.title));
      return;
    }
    this.signature = signature;
    this.shapes = shapes;
    this.model = model;
    for (const { view } of this.views) view.remove();
    this.views = [];
    byId("maps").className = `maps-${list.length}`;
    const frames = list.map((one) => html("div", { class: "map" }, html("p", { class: "map-title" }, one.title),
      html("div", { class: "map-frame" })));
    byId("maps").replaceChildren(...frames, this.tip);
    this.views = list.map((one, index) => ({
      id: one.id,
      title: frames[index].firstChild,
      view: new MapView(frames[index].lastChild, `${one.label}. Arrows move it, plus and minus zoom, Enter opens the area `
        + "in the middle. The list of areas below has them all.", shapes, {
        pick: (area) => area >= 0 && this.pick(area),
        point: (area, view, at) => this.point(area, view, at),
        moved: (view) => { for (const other of this.views) if (other.view !== view) other.view.follow(view); },
      }),
    }));
  }

  point(area, view, at) {
    const here = this.views.find((one) => one.view === view);
    this.tip.hidden = area < 0 || !here?.values;
    if (this.tip.hidden) return;
    const measure = MEASURES[here.measure];
    const value = here.values[area];
    say(this.tip, `${this.model.areas[area].name}: ${measure.differs ? signed(value) : number(value)} ${measure.unit}`);
    const [box, around] = [view.map.getContainer().getBoundingClientRect(), byId("maps").getBoundingClientRect()];
    const left = box.left - around.left + at.x + 14;
    this.tip.style.left = `${Math.min(left, around.width - this.tip.offsetWidth - 4)}px`;
    this.tip.style.top = `${box.top - around.top + at.y + 16}px`;
  }

  /**
   * Colours a map. `values` by area; `settled` says that nothing is moving, when classes may change; `key` what they
   * otherwise depend on; `top` the share of areas shown, in per cent.
   */
  show(id, measure, values, { colours, selected, top, key, settled, density }) {
    const here = this.views.find((one) => one.id === id);
    if (!here) return;
    here.measure = measure;
    here.values = values;
    if (density) {
      here.view.show({ values, fills: colours.s, colours, selected });
      return;
    }
    const { whole, differs } = MEASURES[measure];
    const kept = this.breaks.get(measure);
    if (!kept || kept.key !== key || (differs && settled)) {
      this.breaks.set(measure, { key, breaks: differs ? differenceBreaks(values, whole) : amountBreaks(values, whole) });
    }
    const { breaks } = this.breaks.get(measure);
    here.classes ??= new Uint8Array(values.length);
    const bound = top < 100 ? lowest(values, top, differs) : -Infinity;
    for (let area = 0; area < values.length; area += 1) {
      const value = values[area];
      here.classes[area] = (differs ? Math.abs(value) : value) < bound ? LEFT_OUT : classOf(value, breaks);
    }
    const fills = classColours(differs ? colours.d : colours.s, breaks);
    here.view.show({ classes: here.classes, fills, colours, selected, settled });
  }

  select(selected) {
    for (const { view } of this.views) if (view.picture) view.show({ ...view.picture, selected, settled: true });
  }

  /** The keys to what is shown: measures by name, and whether there is a density. */
  legend(measures, withDensity) {
    const keys = measures.filter((measure) => this.breaks.has(measure)).map((measure) => {
      const { words, whole, differs } = MEASURES[measure];
      const { breaks } = this.breaks.get(measure);
      const letter = differs ? "d" : "box";
      const classes = breaks.length + 1;
      return [words, ...Array.from({ length: classes }, (_, index) => [
        `${letter}-${classes === 1 ? 0 : Math.round((6 * index) / (classes - 1))}`,
        differs ? differenceWords(index, breaks, whole) : classWords(index, breaks, whole)])];
    });
    const signature = JSON.stringify([keys, withDensity]);
    if (signature === this.keys) return;
    this.keys = signature;
    byId("legend").replaceChildren(...keys.map(([words, ...classes]) => html("div", { class: "legend" },
      html("p", {}, words), html("ul", { class: "key" }, classes.map(([box, text]) =>
        html("li", {}, html("span", { class: `mark ${box}` }), text))))),
    withDensity ? html("div", { class: "legend" }, html("p", {}, "density: incidents per square kilometre, smoothed"),
      html("ul", { class: "key" }, html("li", {}, "few"), html("li", { class: "ramp" }, [0, 1, 2, 3, 4, 5, 6].map((index) =>
        html("span", { class: `mark box-${index}` }))), html("li", {}, "many"))) : "");
  }
}

function differenceWords(index, breaks, whole) {
  const [low, high] = [whole ? Math.ceil(breaks[index - 1]) : breaks[index - 1], whole ? Math.floor(breaks[index]) : breaks[index]];
  if (index === 0) return whole ? `${signed(high)} and less` : `below ${signed(high)}`;
  if (index === 6) return whole ? `${signed(low)} and more` : `above ${signed(low)}`;
  return low === high ? signed(low) : `${signed(low)} to ${signed(high)}`;
}

/** The value that the top per cent of areas reach, by size where differences are meant. */
function lowest(values, top, differs) {
  const sorted = Float64Array.from(values, differs ? Math.abs : undefined).sort();
  return sorted[Math.max(0, Math.min(sorted.length - 1, Math.floor(sorted.length * (1 - top / 100))))];
}
