// The sentence at the top, the run's clock, speed and state, and what is said aloud.

import { byId, say } from "./dom.js";
import { number } from "./scale.js";
import { now } from "./state.js";
import { short } from "./time.js";
import { lead, several, speed, state } from "./words.js";

/** Milliseconds between one sentence said aloud and the next. */
const QUIET = 30_000;

/** Says something to those who hear the page. */
export function announce(words) {
  now.spoken = words;
  now.spokeAt = performance.now();
  say(byId("live"), words);
}

export function drawWords() {
  const { side, model } = now;
  if (side.status.error) {
    say(byId("lead"), `${side.name} was stopped`);
    say(byId("lead-more"), `${side.status.error.message}.`);
  } else if (side.loading) {
    say(byId("lead"), `${side.name}: reading what has happened so far`);
    say(byId("lead-more"), `${number(side.data.count)} of ${several(side.status.incidents, "incident")}`);
  } else if (side.day || !side.data.nextSeq) {
    const [head, more] = lead(model, side);
    say(byId("lead"), head);
    say(byId("lead-more"), more);
    // Said now and then, not with every step.
    if (performance.now() - now.spokeAt > QUIET && head !== now.spoken) announce(head);
  }
  drawState();
}

export function drawState() {
  const { side } = now;
  if (!side) return;
  say(byId("clock"), short(side.data.clock));
  say(byId("speed"), speed(side.speed()));
  const words = state(side) + (now.other ? `; ${now.other.name}: ${state(now.other)}` : "");
  say(byId("state-words"), words);
}
