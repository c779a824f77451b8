// What is asked of the daemon about the window shown, one question at a time and never many.

import * as api from "./api.js";
import { Asker } from "./expected.js";
import { hourOfWeek, monthIndex, written } from "./time.js";

const KINDS = ["category,day", "category,hour_of_week", "category,month"];
/** Seconds of the daemon's work that the page asks for by itself. */
const CHEAP = 6;
/** Seconds that the expectation of an area and hour takes, until it was measured. */
const FIRST_GUESS = 3e-6;

const same = (window, from, to) => window && window.from === from && window.to === to;

/** Whether a window is nearly the one shown, which it is while the page follows a run: to be said with "about". */
const near = (window, from, to) => window
  && Math.abs(window.from - from) + Math.abs(window.to - to) <= Math.max(2, 0.1 * (to - from));

export class Expectations {
  /** `told()` is called when an answer has come. */
  constructor(side, told) {
    this.side = side;
    this.force = null;
    this.cells = null;
    this.day = null;
    this.perAreaHour = FIRST_GUESS;
    const again = () => told();
    this.ofForce = new Asker((wish) => this.askForce(wish), (answer, wish) => {
      this.force = answer ?? { ...wish, failed: true };
      again();
    });
    this.ofCells = new Asker((wish) => this.askCells(wish), (answer, wish) => {
      if (answer) {
        this.cells = answer;
        this.perAreaHour = this.ofCells.seconds / ((wish.to - wish.from) * side.data.areaCount);
      }
      again();
    });
    this.ofDay = new Asker((wish) => api.rates(side.name, written(wish.from), written(wish.to)), (answer, wish) => {
      if (answer) this.day = { ...wish, ...answer.rows[0] };
      again();
    });
    this.next = { force: 0, cells: 0, day: 0 };
  }

  /** A question is due when the last one was long enough ago for the daemon to have most of its time. */
  due(kind, asker, now) {
    if (asker.busy || now < this.next[kind]) return false;
    this.next[kind] = now + Math.max(1200, 5000 * asker.seconds);
    return true;
  }

  async askForce({ from, to, version }) {
    const { side } = this;
    const replies = [];
    for (const by of KINDS) replies.push(await api.rates(side.name, written(60 * from), written(60 * to), by));
    const { categoryCount } = side.data;
    const [day, week, month] = replies.map((reply) => {
      const each = reply.rows.length / categoryCount;
      const times = reply.rows.slice(0, each).map((row) => row.day ?? row.month ?? row.hour_of_week);
      return { times, each, rows: reply.rows };
    });
    return { from, to, version, day, week, month };
  }

  async askCells({ from, to, version }) {
    const reply = await api.rates(this.side.name, written(60 * from), written(60 * to), "area,category");
    return {
      from, to, version,
      expected: Float64Array.from(reply.rows, (row) => row.expected),
      baseline: Float64Array.from(reply.rows, (row) => row.baseline),
    };
  }

  seconds(from, to) {
    return this.perAreaHour * (to - from) * this.side.data.areaCount;
  }

  /** Asks for what the window needs and is not there. `areas` says that expectations by area are wanted. */
  want(from, to, areas, insist) {
    const { side } = this;
    const now = performance.now();
    // Adjustments to come do not change what has been; new ones change what has not.
    const version = side.trail.length + side.trail.filter((line) => line.retracted_at).length / 1e6;
    const fresh = (window) => same(window, from, to) && window.version === version;
    let waiting = false;
    if (!fresh(this.force)) {
      if (this.due("force", this.ofForce, now)) this.ofForce.want({ from, to, version });
      waiting = true;
    }
    if (areas && side.trail.length && !fresh(this.cells)) {
      if (insist || this.seconds(from, to) <= CHEAP) {
        if (insist || this.due("cells", this.ofCells, now)) this.ofCells.want({ from, to, version });
        waiting = true;
      }
    }
    const clock = side.data.clock;
    const first = Math.max(side.data.start, 60 * (side.data.lastHour - 24));
    if (clock > first && (this.day?.to !== clock || this.day?.version !== version)) {
      if (this.due("day", this.ofDay, now)) this.ofDay.want({ from: first, to: clock, version });
      waiting = true;
    }
    return waiting;
  }

  isCheap(from, to) {
    return !this.side.trail.length || this.seconds(from, to) <= CHEAP;
  }

  /** Expected and baseline by area and category for this window, `about` if for one beside it, or null. */
  cellsFor(from, to) {
    return near(this.cells, from, to) ? { ...this.cells, about: !same(this.cells, from, to) } : null;
  }

  /** Sums over the categories chosen by day, hour of the week and month; hours of the day by way of the week's. */
  sums(chosen) {
    const { force } = this;
    if (!force || force.failed) return null;
    const of = ({ rows, each, times }) => {
      const found = { times, expected: new Float64Array(each), baseline: new Float64Array(each) };
      rows.forEach((row, index) => {
        if (!chosen[Math.floor(index / each)]) return;
        found.expected[index % each] += row.expected;
        found.baseline[index % each] += row.baseline;
      });
      return found;
    };
    return { day: of(force.day), week: of(force.week), month: of(force.month) };
  }

  /** Expected and baseline of the whole force by category for this window, `about` if for one beside it, or null. */
  byCategory(from, to) {
    if (!near(this.force, from, to) || this.force.failed) return null;
    const { month } = this.force;
    const found = { expected: [], baseline: [], about: !same(this.force, from, to) };
    month.rows.forEach((row, index) => {
      const category = Math.floor(index / month.each);
      found.expected[category] = (found.expected[category] ?? 0) + row.expected;
      found.baseline[category] = (found.baseline[category] ?? 0) + row.baseline;
    });
    return found;
  }
}

/** Counts of a run in the hours [from, to) for the categories chosen: by day, hour of the day, hour of the week, month. */
export function tally(data, from, to, chosen) {
  const firstDay = Math.floor(from / 24);
  const days = Math.floor((to - 1) / 24) - firstDay + 1;
  const firstMonth = monthIndex(60 * from);
  const found = { firstDay, firstMonth, day: new Float64Array(days), hour: new Float64Array(24),
    week: new Float64Array(168), month: new Float64Array(monthIndex(60 * (to - 1)) - firstMonth + 1) };
  data.eachHour(from, to, (hour, category, count) => {
    if (!chosen[category]) return;
    const day = Math.floor(hour / 24);
    found.day[day - firstDay] += count;
    found.hour[hour - 24 * day] += count;
    found.week[hourOfWeek(hour)] += count;
  });
  found.day.forEach((count, index) => { found.month[monthIndex(1440 * (firstDay + index)) - firstMonth] += count; });
  return found;
}
