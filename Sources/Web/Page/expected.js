// The baseline of any window, worked out in the browser, and what chance makes of a mean.

import { hourOfWeek, monthIndex, monthStart, written } from "./time.js";

const WEEK = 7 * 1440;

/**
 * The baseline by area and category of any window. Within a calendar month an area's share of a category's baseline is
 * constant, since the hours of the week have the same weights in every area. So it takes a category's total by hour of
 * the week for each month, and the areas' shares for each month of the year.
 */
export class Baseline {
  constructor(api, run, areaCount, categoryCount) {
    Object.assign(this, { api, run, areaCount, categoryCount });
    this.totals = new Map();
    this.shares = new Map();
    this.asked = new Map();
  }

  /** Whether all is there for the hours [from, to). Asks for what is not, and calls `told` when it has come. */
  has(from, to, told) {
    let all = true;
    for (let month = monthIndex(60 * from); monthStart(month) < 60 * to; month += 1) {
      if (this.totals.has(month) && this.shares.has(month % 12)) continue;
      all = false;
      if (!this.asked.has(month)) this.asked.set(month, this.ask(month).then(told, () => this.asked.delete(month)));
    }
    return all;
  }

  async ask(month) {
    const { areaCount, categoryCount } = this;
    const start = monthStart(month);
    if (!this.totals.has(month)) {
      const week = await this.api.rates(this.run, written(start), written(start + WEEK), "category,hour_of_week");
      this.totals.set(month, Float64Array.from(week.rows, (row) => row.baseline));
    }
    if (!this.shares.has(month % 12)) {
      // An hour is enough, and the least that can be asked for: any in which all categories occur.
      const noon = start + 720;
      const hour = await this.api.rates(this.run, written(noon), written(noon + 60), "area,category");
      const sums = new Float64Array(categoryCount);
      hour.rows.forEach((row, index) => { sums[index % categoryCount] += row.baseline; });
      const shares = new Float32Array(areaCount * categoryCount);
      hour.rows.forEach((row, index) => {
        const sum = sums[index % categoryCount];
        shares[index] = sum > 0 ? row.baseline / sum : 0;
      });
      this.shares.set(month % 12, shares);
    }
  }

  /** The baseline by area and category in [from, to), into `cells`; false if it is not there yet. */
  fill(from, to, cells) {
    const { categoryCount } = this;
    const weights = new Map();
    for (let month = monthIndex(60 * from); monthStart(month) < 60 * to; month += 1) {
      const totals = this.totals.get(month);
      if (!totals || !this.shares.has(month % 12)) return false;
      const sums = weights.get(month % 12) ?? weights.set(month % 12, new Float64Array(categoryCount)).get(month % 12);
      const first = Math.max(from, monthStart(month) / 60);
      const last = Math.min(to, monthStart(month + 1) / 60);
      const weeks = Math.floor((last - first) / 168);
      for (let category = 0; category < categoryCount; category += 1) {
        let sum = 0;
        if (weeks) {
          for (let hour = 0; hour < 168; hour += 1) sum += totals[category * 168 + hour];
          sum *= weeks;
        }
        for (let hour = first + 168 * weeks; hour < last; hour += 1) sum += totals[category * 168 + hourOfWeek(hour)];
        sums[category] += sum;
      }
    }
    cells.fill(0);
    for (const [month, sums] of weights) {
      const shares = this.shares.get(month);
      for (let at = 0, category = 0; at < cells.length; at += 1) {
        cells[at] += shares[at] * sums[category];
        category = category + 1 === categoryCount ? 0 : category + 1;
      }
    }
    return true;
  }

  /** The baseline of one area in [from, to) for the categories chosen; NaN if it is not there yet. */
  ofArea(area, from, to, chosen) {
    const { categoryCount } = this;
    let sum = 0;
    for (let hour = from; hour < to; hour += 1) {
      const month = monthIndex(60 * hour);
      const [totals, shares] = [this.totals.get(month), this.shares.get(month % 12)];
      if (!totals || !shares) return NaN;
      for (let category = 0; category < categoryCount; category += 1) {
        if (chosen[category]) sum += shares[area * categoryCount + category] * totals[category * 168 + hourOfWeek(hour)];
      }
    }
    return sum;
  }
}

/** The bounds that hold 95 % of a Poisson variable: exact for small means, by Wilson and Hilferty for others. */
export function poissonBounds(mean) {
  if (mean > 60) {
    const root = (z) => mean * (1 - 1 / (9 * mean) + z / (3 * Math.sqrt(mean))) ** 3;
    return [Math.max(0, root(-1.96)), root(1.96)];
  }
  let term = Math.exp(-mean);
  let sum = term;
  let low = sum > 0.025 ? 0 : undefined;
  let count = 0;
  while (sum < 0.975 && count < 500) {
    count += 1;
    term *= mean / count;
    sum += term;
    if (low === undefined && sum > 0.025) low = count;
  }
  return [low ?? 0, count];
}
