// What is chosen, and what has to be drawn anew.

import { AreaTable } from "./tables.js";
import { Maps } from "./maps.js";
import { colours } from "./scale.js";
import { Timeline } from "./timeline.js";
import { Trail } from "./trail.js";

/** `side` and `other` are the runs shown; `fast` and `slow` say what is to be drawn; the rest is what was chosen. */
export const now = {
  model: null, shapes: null, side: null, other: null, runs: [], area: -1, chosen: null, top: 100, colours: colours(),
  fast: false, slow: false, settled: false, moved: 0, drawn: 0, cost: 0, spokeAt: 0, spoken: "",
};

/** The run beside the one shown, once both are read and as long as they have time in common: nothing else compares. */
export function beside() {
  const { side, other } = now;
  if (!side || !other || side.loading || other.loading) return null;
  const [one, two] = [side.data, other.data];
  return Math.max(one.start, two.start) < Math.min(one.clock, two.clock) ? other : null;
}

/** Something is another: all is drawn anew, soon. */
export function changed() {
  now.fast = true;
  now.slow = true;
  now.moved = performance.now();
  now.settled = false;
}

export const timeline = new Timeline(changed);
export const maps = new Maps((area) => now.select(area));
export const areaTable = new AreaTable(changed);
export const trail = new Trail();
