// One run as the page has it: what was read, what is heard, what adjusts it, how fast it goes.

import * as api from "./api.js";
import { Baseline } from "./expected.js";
import { RunData, WindowCounts } from "./run.js";
import { minutes } from "./time.js";

const SPEED_SECONDS = 6;
/** A daemon that does not answer is asked again after this many milliseconds. */
const AGAIN = 2000;
/** Milliseconds between one look at the last day and the next: a sentence that changes faster cannot be read. */
const READABLE = 1000;
const DAY = 1440;

export class Side {
  /** `heard(what)` is called after each change: "steps", "trail", "state", "loading". */
  constructor(status, model, heard) {
    this.status = status;
    this.model = model;
    this.heard = heard;
    this.data = new RunData(status, model);
    this.counts = new WindowCounts(this.data);
    this.before = new WindowCounts(this.data);
    this.baseline = new Baseline(api, status.run, model.areas.length, model.categories.length);
    this.trail = [];
    this.samples = [];
    this.loading = true;
    this.ended = false;
    this.heardAt = -Infinity;
    Object.assign(this, { day: null, dayNext: 0, recent: [], recentIsFull: false });
  }

  get name() {
    return this.status.run;
  }

  /** Reads all steps there are and then listens. */
  async begin() {
    // It has nothing that can be read, and its status says why.
    if (this.status.error) return;
    while (this.loading && !this.ended) {
      try {
        await Promise.all([this.data.load(api, this.status, () => this.heard("loading")), this.readTrail()]);
        this.loading = false;
      } catch (error) {
        if (error.code !== "lost") throw error;
        await api.pause(AGAIN / 1000);
      }
    }
    if (this.ended) return;
    this.heard("steps");
    this.listen();
  }

  /** Whether nothing more can come. */
  get isOver() {
    const { state, error, next_seq: nextSeq } = this.status;
    return this.ended || Boolean(error) || (state === "closed" && nextSeq <= this.data.nextSeq);
  }

  /**
   * Hears what happens, as long as somebody looks: a stream takes one of the six connections that a browser has to one
   * address for all of its tabs. A page in the background reads now and then.
   */
  listen() {
    this.stop?.();
    if (this.loading || this.isOver || document.hidden) return;
    this.stop = api.events(this.name, this.data.nextSeq - 1, (kind, event) => {
      if (kind === "step") this.step(event);
      else if (kind === "adjustment") this.adjustment(event);
      else if (kind === "run") this.turn(event.event);
      // The daemon has too many streams, say. What comes meanwhile is read.
      else setTimeout(() => this.listen(), AGAIN);
    });
  }

  /** The run has ended, was closed or deleted. After the latter two the stream ends, and there is no other. */
  turn(event) {
    if (event === "deleted") return this.end();
    if (event === "closed") this.stop();
    return this.poll().catch(() => {});
  }

  step(event) {
    this.heardAt = performance.now();
    const isNew = event.seq === this.data.nextSeq;
    if (event.error || !this.data.appendStep(event)) {
      this.catchUp();
      return;
    }
    if (!isNew) return;
    this.samples.push([this.heardAt, this.data.clock]);
    this.remember(event);
    this.heard("steps");
  }

  /** Reads what was missed. */
  async catchUp() {
    if (this.catching) return;
    this.catching = true;
    Object.assign(this, { recent: [], recentIsFull: false });
    try {
      await this.poll();
      await this.data.load(api, this.status);
      this.heard("steps");
    } catch {
      // It is tried again when the run is looked at next.
    } finally {
      this.catching = false;
    }
  }

  adjustment(line) {
    const at = this.trail.findIndex((known) => known.adjustment === line.adjustment);
    if (at < 0) this.trail.push(line);
    else this.trail[at] = line;
    this.heard("trail");
  }

  async readTrail() {
    this.trail = await api.trail(this.name);
    this.heard("trail");
  }

  /**
   * Looks at the last 24 hours of simulated time, or the last step if that is longer: `from`, `to`, `count`, `expected`,
   * `baseline`, all of the same moment, into `day`. Steps that were heard say so themselves; until they fill a day the
   * daemon is asked, which has to draw it again.
   */
  async lookAtDay() {
    const { nextSeq, clock, start } = this.data;
    const now = performance.now();
    if (this.loading || this.ended || !nextSeq || this.day?.nextSeq === nextSeq || now < this.dayNext) return;
    this.dayNext = now + READABLE;
    const [first] = this.recent;
    if (first && (this.recentIsFull || first.from === start)) {
      const sum = (what) => this.recent.reduce((total, step) => total + step[what], 0);
      this.day = { from: first.from, to: clock, count: sum("count"), expected: sum("expected"), baseline: sum("baseline"), nextSeq };
      this.heard("state");
      return;
    }
    // Steps of months have no one length: the mean is near enough, and the reply says from when to when.
    const steps = Math.max(1, Math.min(nextSeq, Math.round((DAY * nextSeq) / (clock - start))));
    this.dayNext = Infinity;
    try {
      const { from, to, count, expected, baseline } = await api.counts(this.name, nextSeq - steps, steps);
      this.day = { from: minutes(from), to: minutes(to), count, expected, baseline, nextSeq };
      this.heard("state");
    } catch {
      // It is asked for again, and what is wrong is said by others.
    }
    this.dayNext = performance.now() + Math.max(READABLE, 4 * (performance.now() - now));
  }

  /** Keeps a step that was heard, and of those before it as many as make a day. */
  remember({ from, to, count, expected, baseline }) {
    this.recent.push({ from: minutes(from), to: minutes(to), count, expected, baseline });
    while (this.recent.length > 1 && this.recent[0].from < minutes(to) - DAY) {
      this.recent.shift();
      this.recentIsFull = true;
    }
  }

  async poll() {
    const all = await api.runs();
    const status = all.find((run) => run.run === this.name);
    if (status) this.take(status);
    return all;
  }

  /** Whether a status is of this run, and not of a later one of its name; `heard` steps were known when it was asked for. */
  isOf(status, heard) {
    const { state, model, start, step } = this.status;
    return !this.ended && status.model === model && status.start === start && status.step === step
      && status.next_seq >= heard && (state !== "closed" || status.state === "closed");
  }

  take(status) {
    const changed = status.adjustments !== this.trail.length || status.in_force !== this.status.in_force;
    this.status = status;
    if (changed && !this.loading) this.readTrail().catch(() => {});
    // Nothing is published of some runs, and an event may be lost.
    const still = performance.now() - this.heardAt > AGAIN;
    if (!this.loading && still && status.next_seq > this.data.nextSeq) this.catchUp();
    this.heard("state");
  }

  /** Simulated minutes for each second, lately. */
  speed() {
    const now = performance.now();
    while (this.samples.length > 2 && now - this.samples[0][0] > 1000 * SPEED_SECONDS) this.samples.shift();
    const first = this.samples[0];
    const last = this.samples[this.samples.length - 1];
    if (!first || first === last || now - last[0] > 1000 * SPEED_SECONDS) return 0;
    return (1000 * (last[1] - first[1])) / Math.max(last[0] - first[0], now - last[0]);
  }

  /** Seconds since a step was heard of. */
  silence() {
    return (performance.now() - this.heardAt) / 1000;
  }

  /** Whether somebody is stepping the run just now. */
  isStepped() {
    return this.silence() < 3 || this.status.stepping;
  }

  end() {
    this.ended = true;
    this.stop?.();
  }
}
