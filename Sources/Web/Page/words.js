// Sentences about what the simulation is doing.

import { number } from "./scale.js";
import { long, span } from "./time.js";

/** The force's name, from a title such as "Merseyside, 2018-01 to 2019-12". */
export const force = (model) => model.title.split(",")[0];

const several = (count, one) => `${number(count)} ${one}${count === 1 ? "" : "s"}`;

/** What happened in the last day and what the feedback did, as [head, more]. */
export function lead(model, side) {
  const { day } = side;
  if (!day) {
    return [`${force(model)}, ${long(side.data.clock)}: nothing simulated yet`, "The run is open and waits for its first step."];
  }
  const hours = (day.to - day.from) / 60;
  const whole = day.from === side.data.start && hours < 24;
  const head = `${force(model)}, ${long(day.to)}: ${several(day.count, "incident")} in the `
    + `${whole ? "first" : "last"} ${hours === 1 ? "hour" : hours === 24 ? "24 hours" : span(hours)}`;
  if (!side.trail.length) {
    return [head, `${number(day.expected, 0)} were expected. Nobody has changed a rate: the police’s feedback would lower `
      + "or raise it."];
  }
  const size = Math.round(Math.abs(day.expected - day.baseline));
  const what = size === 0 ? "about as many as without the police’s feedback"
    : `about ${number(size)} ${day.expected < day.baseline ? "fewer" : "more"} than without the police’s feedback`;
  return [`${head}, ${what}`, `With the adjustments in force ${number(day.expected, 0)} were expected, `
    + `without them ${number(day.baseline, 0)}; the rest is chance. ${several(side.trail.length, "adjustment")} so far, `
    + `${number(side.status.in_force ?? 0)} in force or pending.`];
}

/** What a run is doing, or whom it waits for. */
export function state(side) {
  const { status } = side;
  if (status.error) return `stopped: ${status.error.message}`;
  if (side.loading) return `reading what has happened: ${number(side.data.count)} incidents so far`;
  if (status.state === "closed") return "closed: it can be read, and goes no further";
  if (status.state === "ended") return "ended: it has reached its end";
  if (status.waiting_for?.length) {
    const who = status.waiting_for.map(({ name, seconds, overdue }) =>
      `${name} (${number(Math.round(seconds))} s${overdue ? ", overdue" : ""})`);
    return `waits for ${who.join(" and ")}`;
  }
  if (status.stepping) return "at work on a step";
  if (side.silence() > 3) return `waits to be asked for step ${number(side.data.nextSeq)}`;
  return "running";
}

/** How much simulated time passes in a second. */
export function speed(minutesPerSecond) {
  if (!minutesPerSecond) return "standing";
  const hours = minutesPerSecond / 60;
  if (hours < 1) return `${number(Math.round(minutesPerSecond))} min a second`;
  if (hours < 48) return `${number(hours)} hours a second`;
  return `${number(hours / 24)} days a second`;
}

/** What an adjustment does: "×0.6 on burglary in 10 areas, halving every 12h, 30 % displaced". */
export function effect(line, model) {
  const whose = line.target === "suspect" ? "odds of a suspect " : "";
  const what = line.mode === "set" ? `set to ${number(line.factor)} of the baseline` : `×${number(line.factor, 3)}`;
  const crimes = [...(line.categories ?? []), ...(line.codes ?? []), ...(line.descriptions ?? [])];
  const where = line.areas
    ? line.areas.length === 1 ? nameOf(line.areas[0], model) : `${number(line.areas.length)} areas`
    : "all areas";
  return [
    `${whose}${what} on ${crimes.length ? some(crimes) : "all crime"} in ${where}`,
    line.half_life ? `halving every ${line.half_life}` : null,
    line.displacement ? `${number(100 * line.displacement, 0)} % displaced` : null,
  ].filter(Boolean).join(", ");
}

function some(list) {
  return list.length <= 3 ? list.join(", ") : `${list.slice(0, 2).join(", ")} and ${list.length - 2} more`;
}

function nameOf(code, model) {
  return model.areas.find((area) => area.code === code)?.name ?? code;
}

export { several };
