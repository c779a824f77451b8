// The time shown: two ends, play, and the counts of the whole run above them.

import { byId, say } from "./dom.js";
import { dayAndMonth, monthAndYear, short, span } from "./time.js";

/** Adjustments beyond this many are one mark for each pixel at most. */
const MARKS = 2000;

export class Timeline {
  /** `changed()` is called when the window is another. Hours are since 1970. */
  constructor(changed) {
    this.changed = changed;
    this.first = 0;
    this.last = 1;
    this.window = [0, 1];
    this.length = 168;
    this.follow = true;
    this.playing = null;
    this.fromInput = byId("from");
    this.toInput = byId("to");
    this.fromInput.addEventListener("input", () => this.drag(Number(this.fromInput.value), null));
    this.toInput.addEventListener("input", () => this.drag(null, Number(this.toInput.value)));
    byId("play").addEventListener("click", () => (this.playing ? this.pause() : this.play()));
    byId("follow").addEventListener("change", (event) => this.setFollow(event.target.checked));
    for (const button of document.querySelectorAll("[data-last]")) {
      button.addEventListener("click", () => this.show(Number(button.dataset.last) || Infinity));
    }
    this.pan(byId("strip"));
  }

  /** A run's extent. */
  reach(first, last) {
    if (first === this.first && last === this.last) return;
    this.first = first;
    this.last = last;
    for (const input of [this.fromInput, this.toInput]) {
      input.min = first;
      input.max = last;
    }
    if (this.follow) this.place(last - this.length, last);
    else this.place(...this.window);
  }

  place(from, to) {
    const end = Math.max(this.first + 1, Math.min(this.last, Math.round(to)));
    const start = Math.max(this.first, Math.min(end - 1, Math.round(from)));
    const moved = start !== this.window[0] || end !== this.window[1];
    this.window = [start, end];
    this.fromInput.value = start;
    this.toInput.value = end;
    if (moved) this.changed();
  }

  drag(from, to) {
    this.pause();
    const [start, end] = this.window;
    if (from !== null) this.place(Math.min(from, end - 1), end);
    else this.place(start, Math.max(to, start + 1));
    this.length = this.window[1] - this.window[0];
    if (this.window[0] === this.first && this.window[1] === this.last) this.length = Infinity;
    this.mark(this.window[1] === this.last);
  }

  show(length) {
    this.pause();
    this.length = length;
    this.mark(true);
    this.place(this.last - length, this.last);
  }

  mark(follow) {
    this.follow = follow;
    byId("follow").checked = follow;
  }

  setFollow(follow) {
    this.pause();
    this.mark(follow);
    if (follow) this.place(this.last - this.length, this.last);
  }

  play() {
    const [start, end] = this.window;
    let length = end - start;
    if (length >= this.last - this.first) length = Math.max(1, Math.min(168, Math.round(length / 8)));
    if (end >= this.last) this.place(this.first, this.first + length);
    else this.place(start, start + length);
    this.length = length;
    this.mark(false);
    this.playing = { at: this.window[1], since: performance.now() };
    this.showPlaying();
  }

  pause() {
    if (!this.playing) return;
    this.playing = null;
    this.showPlaying();
  }

  showPlaying() {
    say(byId("play"), this.playing ? "Pause" : "Play");
    byId("play").setAttribute("aria-pressed", String(Boolean(this.playing)));
  }

  /** Moves on while playing. Called once for each frame. */
  tick(now) {
    if (!this.playing) return;
    const length = this.window[1] - this.window[0];
    this.playing.at += (Number(byId("pace").value) * Math.min(250, now - this.playing.since)) / 1000;
    this.playing.since = now;
    this.place(Math.floor(this.playing.at) - length, Math.floor(this.playing.at));
    if (this.playing.at >= this.last) this.pause();
  }

  /** The window is moved by its middle with the pointer; the keyboard has its ends. */
  pan(canvas) {
    const hour = (event) => {
      const box = canvas.getBoundingClientRect();
      return this.first + ((event.clientX - box.left) / box.width) * (this.last - this.first);
    };
    canvas.addEventListener("pointerdown", (event) => {
      this.pause();
      const [start, end] = this.window;
      const at = hour(event);
      const grip = at >= start && at <= end ? at - start : (end - start) / 2;
      const move = (moved) => {
        const from = Math.max(this.first, Math.min(this.last - (end - start), Math.round(hour(moved) - grip)));
        this.place(from, from + end - start);
        this.length = end - start;
        this.mark(this.window[1] === this.last && this.window[0] !== this.first);
      };
      move(event);
      canvas.setPointerCapture(event.pointerId);
      canvas.addEventListener("pointermove", move);
      canvas.addEventListener("pointerup", () => canvas.removeEventListener("pointermove", move), { once: true });
      canvas.addEventListener("pointercancel", () => canvas.removeEventListener("pointermove", move), { once: true });
    });
  }

  words() {
    const [from, to] = this.window;
    return `${short(60 * from)} to ${short(60 * to)} (${span(to - from)})`;
  }

  /** Draws the counts of the whole run for the categories chosen, the window, and the adjustments' times (minutes). */
  draw(data, chosen, adjustments, colours) {
    const canvas = byId("strip");
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const [wide, tall] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(tall * ratio)) {
      canvas.width = Math.round(wide * ratio);
      canvas.height = Math.round(tall * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, wide, tall);
    const hours = this.last - this.first;
    const x = (hour) => ((hour - this.first) / hours) * wide;
    // Bins of whole days where there is room for no more, so that the hours of the day do not flicker.
    const most = wide / 2.5;
    const bin = [1, 2, 3, 6, 12, 24, 48, 168, 336, 672].find((size) => hours / size <= most) ?? 2016;
    const { bins, largest } = this.binned(data, chosen, bin);
    const floor = tall - 16;
    const [from, to] = this.window;
    context.fillStyle = colours.panel;
    context.fillRect(0, 0, wide, floor);
    context.fillStyle = colours.band;
    context.fillRect(x(from), 0, Math.max(2, x(to) - x(from)), floor);
    bins.forEach((count, index) => {
      const left = x(this.first + index * bin);
      const right = Math.min(wide, x(this.first + (index + 1) * bin));
      const high = (count / largest) * (floor - 14);
      const hour = this.first + (index + 0.5) * bin;
      context.fillStyle = hour >= from && hour <= to ? colours.accent : colours.soft;
      context.fillRect(left, floor - high, Math.max(0.8, right - left - (right - left > 3 ? 1 : 0)), high);
    });
    context.fillStyle = colours.warm;
    for (const time of adjustments.slice(-MARKS)) {
      const at = x(time / 60);
      if (at >= 0 && at <= wide) context.fillRect(Math.round(at) - 0.5, 0, 1.5, 7);
    }
    context.fillStyle = colours.soft;
    context.font = "11px system-ui, sans-serif";
    const label = hours > 24 * 400 ? monthAndYear : dayAndMonth;
    const count = Math.max(1, Math.min(Math.floor(hours / 24), Math.max(2, Math.floor(wide / 110))));
    for (let index = 0; index <= count; index += 1) {
      context.textAlign = index === 0 ? "left" : index === count ? "right" : "center";
      context.fillText(label(60 * (this.first + (hours * index) / count)), (wide * index) / count, tall - 3);
    }
  }

  /** Counts of the whole run in bins of hours, kept until there are others. */
  binned(data, chosen, bin) {
    const key = [data.name, data.count, chosen, bin, this.first, this.last].join("|");
    if (this.bins?.key === key) return this.bins;
    const hours = this.last - this.first;
    const bins = new Float64Array(Math.ceil(hours / bin));
    data.eachHour(this.first, this.last, (hour, category, count) => {
      if (chosen[category]) bins[Math.floor((hour - this.first) / bin)] += count;
    });
    const last = bins.length - 1;
    const part = (hours - last * bin) / bin;
    if (part > 0.3) bins[last] /= part;
    this.bins = { key, bins, largest: Math.max(1, ...bins) };
    return this.bins;
  }

  /** Says where the ends are, for those who hear it. */
  tell() {
    say(byId("time-words"), this.words());
    this.fromInput.setAttribute("aria-valuetext", short(60 * this.window[0]));
    this.toInput.setAttribute("aria-valuetext", short(60 * this.window[1]));
  }
}
