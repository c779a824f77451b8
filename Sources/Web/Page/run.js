// A run's incidents as columns that grow, and counts of any window of time.

import { minutes } from "./time.js";

const INCIDENTS_AT_ONCE = 200_000;
/** Milliseconds that a part of a run should take to be read, so that one sees that it goes on. */
const MOMENT = 400;

export class RunData {
  /** `status` is the run's; `model` its description. */
  constructor(status, model) {
    this.name = status.run;
    this.start = minutes(status.start);
    this.firstHour = Math.floor(this.start / 60);
    this.categoryCount = model.categories.length;
    this.areaCount = model.areas.length;
    const numbers = new Map(model.categories.map((category, index) => [category, index]));
    this.categoryOfCrime = Uint8Array.from(model.crimes, (crime) => numbers.get(crime.category));
    this.count = 0;
    this.clock = this.start;
    this.nextSeq = 0;
    this.resize(1 << 14);
    this.hours = new Int32Array(1024 * this.categoryCount);
  }

  resize(capacity) {
    const grown = (kind, old) => {
      const array = new kind(capacity);
      if (old) array.set(old.subarray(0, this.count));
      return array;
    };
    this.time = grown(Int32Array, this.time);
    this.area = grown(Uint16Array, this.area);
    this.crime = grown(Uint16Array, this.crime);
    this.suspect = grown(Uint8Array, this.suspect);
    this.id = grown(Float64Array, this.id);
  }

  /** Takes the incidents of steps from `from` (minutes) on: columns of equal length, times since `from`. */
  append(from, to, nextSeq, columns, length) {
    if (this.count + length > this.time.length) {
      let capacity = this.time.length;
      while (capacity < this.count + length) capacity *= 2;
      this.resize(capacity);
    }
    const hourCount = Math.ceil(to / 60) - this.firstHour;
    const { categoryCount, categoryOfCrime } = this;
    if (hourCount * categoryCount > this.hours.length) {
      const hours = new Int32Array(Math.max(2 * this.hours.length, hourCount * categoryCount));
      hours.set(this.hours);
      this.hours = hours;
    }
    const { time, area, crime, suspect, id, hours } = this;
    const shift = from - this.start;
    const minute = this.start - 60 * this.firstHour;
    let at = this.count;
    for (let i = 0; i < length; i += 1, at += 1) {
      time[at] = columns.time[i] + shift;
      area[at] = columns.MSOA[i];
      crime[at] = columns.crime[i];
      suspect[at] = columns.suspect[i];
      id[at] = columns.id[i];
      hours[Math.floor((time[at] + minute) / 60) * categoryCount + categoryOfCrime[crime[at]]] += 1;
    }
    this.count = at;
    this.clock = to;
    this.nextSeq = nextSeq;
  }

  /** A live step. Returns false when steps before it are missing. */
  appendStep(step) {
    if (step.seq < this.nextSeq) return true;
    if (step.seq > this.nextSeq) return false;
    const list = step.incidents;
    const column = (index) => list.map((incident) => incident[index]);
    const columns = { id: column(0), time: column(1), MSOA: column(2), crime: column(3), suspect: column(4) };
    this.append(minutes(step.from), minutes(step.to), step.seq + 1, columns, list.length);
    return true;
  }

  /** Reads the steps up to `nextSeq`, in parts that take a moment or have all that fits. `told` hears of each. */
  async load(api, status, told) {
    const perStep = Math.max(1, status.incidents / Math.max(1, status.next_seq));
    const most = Math.max(1, Math.floor(INCIDENTS_AT_ONCE / perStep));
    let some = 48;
    while (this.nextSeq < status.next_seq) {
      some = Math.min(some, most, status.next_seq - this.nextSeq);
      const begun = performance.now();
      const reply = await api.steps(this.name, this.nextSeq, some);
      some = Math.max(1, Math.floor(some * Math.max(0.5, Math.min(8, MOMENT / (performance.now() - begun)))));
      this.append(minutes(reply.from), minutes(reply.to), reply.next_seq, reply, reply.count);
      told?.(this);
    }
  }

  get lastHour() {
    return Math.max(this.firstHour + 1, Math.ceil(this.clock / 60));
  }

  /** Index of the first incident at or after an hour since 1970. */
  indexAt(hour) {
    const sought = 60 * hour - this.start;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.time[middle] < sought) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Calls `see(hour, category, count)` for each hour in [from, to) that has any. */
  eachHour(from, to, see) {
    const { hours, categoryCount, firstHour } = this;
    const last = Math.min(to, this.lastHour);
    for (let hour = Math.max(from, firstHour); hour < last; hour += 1) {
      const row = (hour - firstHour) * categoryCount;
      for (let category = 0; category < categoryCount; category += 1) {
        if (hours[row + category]) see(hour, category, hours[row + category]);
      }
    }
  }
}

/** Counts of the incidents in a window, by area and category, kept up by what enters and leaves it. */
export class WindowCounts {
  constructor(data) {
    this.data = data;
    this.cells = new Int32Array(data.areaCount * data.categoryCount);
    this.low = 0;
    this.high = 0;
  }

  add(from, to, sign) {
    const { cells } = this;
    const { area, crime, categoryCount, categoryOfCrime } = this.data;
    for (let i = from; i < to; i += 1) cells[area[i] * categoryCount + categoryOfCrime[crime[i]]] += sign;
  }

  /** Moves to the hours [from, to). */
  move(from, to) {
    const low = this.data.indexAt(from);
    const high = Math.max(low, this.data.indexAt(to));
    const kept = Math.min(high, this.high) - Math.max(low, this.low);
    if (kept <= 0 || high - low < Math.abs(low - this.low) + Math.abs(high - this.high)) {
      this.cells.fill(0);
      this.add(low, high, 1);
    } else {
      if (low < this.low) this.add(low, this.low, 1);
      else this.add(this.low, low, -1);
      if (high > this.high) this.add(this.high, high, 1);
      else this.add(high, this.high, -1);
    }
    this.low = low;
    this.high = high;
  }

  /** Sums over the categories chosen, by area, into `sums`. */
  byArea(chosen, sums) {
    sumByArea(this.cells, chosen, sums);
  }
}

/** Sums of cells (area, then category) over the categories chosen. */
export function sumByArea(cells, chosen, sums) {
  const categories = chosen.length;
  for (let area = 0, at = 0; area < sums.length; area += 1) {
    let sum = 0;
    for (let category = 0; category < categories; category += 1, at += 1) {
      if (chosen[category]) sum += cells[at];
    }
    sums[area] = sum;
  }
}

/** How two runs' incidents in a window differ: those of each that the other does not have. */
export function difference(one, other, from, to, chosen, area) {
  let [a, aEnd] = [one.indexAt(from), one.indexAt(to)];
  let [b, bEnd] = [other.indexAt(from), other.indexAt(to)];
  const shift = one.start - other.start;
  const found = { onlyOne: 0, onlyOther: 0, both: 0 };
  const counts = (data, i) =>
    chosen[data.categoryOfCrime[data.crime[i]]] && (area === undefined || data.area[i] === area);
  while (a < aEnd || b < bEnd) {
    let order;
    if (a === aEnd) order = 1;
    else if (b === bEnd) order = -1;
    else order = one.time[a] + shift - other.time[b] || one.id[a] - other.id[b];
    if (order < 0) found.onlyOne += counts(one, a) ? 1 : 0;
    else if (order > 0) found.onlyOther += counts(other, b) ? 1 : 0;
    else found.both += counts(one, a) ? 1 : 0;
    if (order <= 0) a += 1;
    if (order >= 0) b += 1;
  }
  return found;
}
