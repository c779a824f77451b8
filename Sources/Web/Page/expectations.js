// What adjustments make of the baseline: asked of the daemon a piece at a time, and kept, since the past never changes.

import * as api from "./api.js";
import { hourOfWeek, minutes, monthIndex, written } from "./time.js";

/** Seconds of the daemon's work on single areas that the page asks for by itself. */
const CHEAP = 8;
/** Seconds that the expectation of an area and hour takes, until it was measured. */
const FIRST_GUESS = 3e-6;
/** Seconds that one question may keep the daemon busy. */
const SHORT = 0.5;
/** A part of the hours that may be guessed from the others. */
export const ABOUT = 0.15;
/** While a run is being stepped, the page takes one part in this many of the daemon's time. */
const SHARE = 3;

export class Expectations {
  /** `told()` is called when an answer has come. */
  constructor(side, told) {
    Object.assign(this, { side, busy: false, next: 0, turn: 0, insisted: false, answers: 0 });
    this.told = () => {
      this.answers += 1;
      told();
    };
    this.hours = new Float64Array(0);
    this.open = { hour: -1, clock: -1 };
    this.days = new Map();
    this.perHour = 0.01;
    this.perAreaHour = FIRST_GUESS;
  }

  /** The hour since 1970 from which on rates may differ from the baseline. */
  get firstAdjusted() {
    const { trail } = this.side;
    if (this.firstOf !== trail.length) {
      this.firstOf = trail.length;
      this.first = trail.reduce((first, line) => Math.min(first, Math.floor(minutes(line.effective_from) / 60)), Infinity);
    }
    return this.first;
  }

  /** Expected in an hour, by category: an array and where in it; null if it is not known yet. */
  at(hour) {
    if (hour < this.firstAdjusted) return this.baselineAt(hour);
    const { categoryCount, firstHour } = this.side.data;
    const start = (hour - firstHour) * categoryCount;
    if (!(this.hours[start] >= 0)) return null;
    return { values: this.hours, start, stride: 1 };
  }

  baselineAt(hour) {
    const totals = this.side.baseline.totals.get(monthIndex(60 * hour));
    return totals ? { values: totals, start: hourOfWeek(hour), stride: 168 } : null;
  }

  /**
   * Asks for one thing that the hours [from, to), or with `areas` single areas in them, need and that is not there, if
   * it is time. Returns whether anything is missing.
   */
  want(from, to, areas) {
    const there = this.side.baseline.has(from, to, this.told);
    // In turn: while a run is stepped there are always new hours, and the others would never be asked for.
    const wishes = [...this.missingHours(from, to), areas ? this.missingDay(from, to) : null].filter(Boolean);
    if (wishes.length && !this.busy && performance.now() > this.next) {
      this.turn += 1;
      this.ask(wishes[this.turn % wishes.length]);
    }
    return wishes.length > 0 || !there;
  }

  /** How many of the hours [from, to) are not known yet. */
  lacking(from, to) {
    let hours = 0;
    for (let hour = from; hour < to; hour += 1) hours += this.at(hour) ? 0 : 1;
    return hours;
  }

  /** What is not known of the hours [from, to): the last piece, and the longest before it. */
  missingHours(from, to) {
    const first = Math.max(from, this.firstAdjusted);
    const last = Math.min(to, this.side.data.lastHour);
    const { clock } = this.side.data;
    const most = Math.max(3, Math.min(744, Math.floor(SHORT / this.perHour)));
    const pieces = [];
    for (let hour = last - 1; hour >= first; hour -= 1) {
      if (this.at(hour) && (hour !== this.open.hour || this.open.clock === clock)) continue;
      const piece = pieces.at(-1);
      if (piece?.from === hour + 1 && piece.to - piece.from < most) piece.from = hour;
      else pieces.push({ kind: "hours", from: hour, to: hour + 1 });
    }
    const [newest, ...others] = pieces;
    const longest = others.reduce((best, piece) => (!best || piece.to - piece.from > best.to - best.from ? piece : best), null);
    return [newest, longest];
  }

  /** The last day in [from, to) whose areas are not known, unless it is too dear to ask unasked. */
  missingDay(from, to) {
    const missing = this.missingDays(from, to);
    if (!missing.length || !(this.insisted || this.isCheap(from, to))) return null;
    return { kind: "day", day: missing[missing.length - 1] };
  }

  missingDays(from, to) {
    const { data } = this.side;
    const first = Math.floor(Math.max(from, this.firstAdjusted) / 24);
    const missing = [];
    for (let day = first; 24 * day < Math.min(to, data.lastHour); day += 1) {
      const found = this.days.get(day);
      if (!found || (found.to < Math.min(1440 * (day + 1), data.clock) && found.to < 60 * to)) missing.push(day);
    }
    return missing;
  }

  /** Seconds that the daemon would work on the areas of the window. */
  seconds(from, to) {
    return this.perAreaHour * 24 * this.missingDays(from, to).length * this.side.data.areaCount;
  }

  isCheap(from, to) {
    return this.seconds(from, to) <= CHEAP;
  }

  async ask(wish) {
    this.busy = true;
    const begun = performance.now();
    try {
      if (wish.kind === "hours") await this.askHours(wish);
      else await this.askDay(wish);
    } catch {
      this.next = performance.now() + 3000;
    } finally {
      const took = performance.now() - begun;
      if (wish.kind === "hours") this.perHour = Math.max(1e-4, took / 1000 / (wish.to - wish.from));
      else this.perAreaHour = took / 1000 / (24 * this.side.data.areaCount);
      const rest = this.side.isStepped() ? Math.max(100, (SHARE - 1) * took) : 0;
      this.next = Math.max(this.next, performance.now() + rest);
      this.busy = false;
      this.told();
    }
  }

  async askHours({ from, to }) {
    const { data, name } = this.side;
    const { categoryCount, firstHour, clock } = data;
    const end = Math.min(60 * to, clock);
    const reply = await api.rates(name, written(60 * from), written(end), "category,day,hour");
    if (this.hours.length < (to - firstHour) * categoryCount) {
      const hours = new Float64Array(2 * (to - firstHour) * categoryCount).fill(NaN);
      hours.set(this.hours);
      this.hours = hours;
    }
    const each = reply.rows.length / categoryCount;
    reply.rows.forEach((row, index) => {
      const hour = minutes(row.day) / 60 + row.hour;
      this.hours[(hour - firstHour) * categoryCount + Math.floor(index / each)] = row.expected;
    });
    if (end < 60 * to) this.open = { hour: to - 1, clock };
    else if (this.open.hour >= from && this.open.hour < to) this.open = { hour: -1, clock: -1 };
  }

  async askDay({ day }) {
    const { data, name } = this.side;
    const from = Math.max(1440 * day, data.start);
    const to = Math.min(1440 * (day + 1), data.clock);
    const reply = await api.rates(name, written(from), written(to), "area,category");
    this.days.set(day, { from, to, expected: Float32Array.from(reply.rows, (row) => row.expected) });
  }

  /** Sums over the categories chosen by hour of [from, to), into whatever `see(hour, expected, baseline)` makes of them. */
  eachHour(from, to, chosen, see) {
    const sum = (found) => {
      if (!found) return NaN;
      let total = 0;
      for (let category = 0; category < chosen.length; category += 1) {
        if (chosen[category]) total += found.values[found.start + category * found.stride];
      }
      return total;
    };
    for (let hour = from; hour < to; hour += 1) see(hour, sum(this.at(hour)), sum(this.baselineAt(hour)));
  }

  /**
   * Expected and baseline of the whole force in [from, to) by category, or null. Where a few hours are not known yet, they
   * are taken to be like the others: `about` says so.
   */
  byCategory(from, to) {
    const { categoryCount } = this.side.data;
    const make = () => Array.from({ length: categoryCount }, () => 0);
    const [expected, baseline, known] = [make(), make(), make()];
    let missing = 0;
    for (let hour = from; hour < to; hour += 1) {
      const without = this.baselineAt(hour);
      const found = this.at(hour);
      if (!without) return null;
      if (!found) missing += 1;
      for (let category = 0; category < categoryCount; category += 1) {
        const usual = without.values[without.start + category * without.stride];
        baseline[category] += usual;
        if (!found) continue;
        expected[category] += found.values[found.start + category * found.stride];
        known[category] += usual;
      }
    }
    if (missing > Math.max(2, ABOUT * (to - from))) return null;
    if (missing) expected.forEach((sum, category) => { expected[category] = sum && (sum * baseline[category]) / known[category]; });
    return { expected, baseline, about: missing > 0 };
  }

  /**
   * Expected by area and category in [from, to), or null. Of a day that is in it in part, each category has the part that
   * the force has; a last day of which nothing is known yet is like the one before: `about` says so.
   */
  cells(from, to) {
    const { baseline, data } = this.side;
    const { categoryCount } = data;
    if (this.missingDays(from, to).some((day) => !this.block(day, to))) return null;
    const expected = new Float64Array(data.areaCount * categoryCount);
    const first = Math.max(from, Math.min(to, 24 * Math.floor(Math.max(from, this.firstAdjusted) / 24)));
    if (first > from && !(baseline.has(from, first, this.told) && baseline.fill(from, first, expected))) return null;
    let about = false;
    for (let day = Math.floor(first / 24); first < to && 24 * day < to; day += 1) {
      const block = this.block(day, to);
      const begin = Math.max(first, 24 * day);
      const end = Math.min(to, 24 * (day + 1));
      const parts = this.parts(begin, end, block);
      about ||= parts !== null;
      for (let at = 0, category = 0; at < expected.length; at += 1) {
        expected[at] += block.expected[at] * (parts ? parts[category] : 1);
        category = category + 1 === categoryCount ? 0 : category + 1;
      }
    }
    return { expected, about };
  }

  /** What is known of a day's areas: of the last day before the hour `to`, perhaps that of the day before. */
  block(day, to) {
    return this.days.get(day) ?? (24 * (day + 1) >= to ? this.days.get(day - 1) : undefined);
  }

  /** Expected and baseline of one area in the hours [from, to) of one day; NaN where not known yet. */
  ofArea(area, from, to, chosen) {
    const { categoryCount } = this.side.data;
    const baseline = this.side.baseline.ofArea(area, from, to, chosen);
    const day = Math.floor(from / 24);
    if (24 * (day + 1) <= this.firstAdjusted) return { expected: baseline, baseline };
    const block = this.days.get(day);
    if (!block) return { expected: NaN, baseline };
    const parts = this.parts(from, to, block);
    let expected = 0;
    for (let category = 0; category < categoryCount; category += 1) {
      if (chosen[category]) expected += block.expected[area * categoryCount + category] * (parts ? parts[category] : 1);
    }
    return { expected, baseline };
  }

  /** By category, what a block has to be taken by to be that of the hours [from, to); null where it is. */
  parts(from, to, block) {
    const { categoryCount } = this.side.data;
    const end = Math.min(60 * to, this.side.data.clock);
    if (60 * from <= block.from && end === block.to) return null;
    const [first, last] = [Math.floor(block.from / 60), Math.ceil(block.to / 60)];
    const sums = (start, stop) => Array.from({ length: categoryCount }, (_, category) => {
      let sum = 0;
      for (let hour = start; hour < stop; hour += 1) {
        const found = this.at(hour) ?? this.baselineAt(hour);
        sum += found ? found.values[found.start + category * found.stride] : 1;
      }
      return sum;
    });
    const whole = sums(first, last);
    return sums(from, to).map((part, index) => (whole[index] ? part / whole[index] : 0));
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
