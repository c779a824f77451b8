// Which run is shown, and which beside it.

import * as api from "./api.js";
import { cells } from "./cells.js";
import { byId, html, say } from "./dom.js";
import { Expectations } from "./expectations.js";
import { Shapes } from "./map.js";
import { relatives } from "./relatives.js";
import { Side } from "./side.js";
import { beside, changed, now, timeline } from "./state.js";

const POLL = 2000;
const SHAPES = {
  boundaries: "Areas are drawn by the boundaries that the daemon was given.",
  cells: "Areas are drawn as cells around their centroids, so their edges are not those of the real ones.",
  mixed: "Areas are drawn by the boundaries that the daemon was given, and those without as cells around their centroids.",
};

const models = new Map();
let names = "";
let journal;

async function modelOf(name) {
  if (!models.has(name)) {
    const drawn = api.boundaries(name).catch((error) => {
      // A daemon without boundaries: the page draws cells of its own.
      if (error.status === 404) return null;
      throw error;
    });
    models.set(name, Promise.all([api.models(name), drawn])
      .then(([model, collection]) => ({ model, shapes: new Shapes(collection ?? cells(model.areas), model.areas) })));
    models.get(name).catch(() => models.delete(name));
  }
  return models.get(name);
}

async function sideOf(status, mine) {
  const { model } = await modelOf(status.model);
  const side = new Side(status, model, (what) => {
    if (now[mine] !== side) return;
    if (what === "steps" || what === "loading") {
      reach();
      changed();
    } else now.slow = true;
  });
  side.expectations = new Expectations(side, () => changed());
  return side;
}

/** As far as the run goes; beside another, as far as both do. */
function reach() {
  const runs = [now.side, beside()].filter(Boolean).map((side) => side.data);
  if (!runs.length) return;
  timeline.reach(Math.max(...runs.map((run) => run.firstHour)), Math.min(...runs.map((run) => run.lastHour)));
}

export async function choose(run, mine = "side") {
  const token = (now[`${mine}Token`] = Symbol(run));
  byId(mine === "side" ? "run" : "other").value = run;
  trouble(mine, "");
  now[mine]?.end();
  now[mine] = null;
  remember();
  if (mine === "side" && now.other) {
    await choose("", "other");
  }
  offer();
  reach();
  if (!run) return changed();
  try {
    const status = now.runs.find((one) => one.run === run);
    const { model, shapes } = await modelOf(status.model);
    const side = await sideOf(status, mine);
    if (now[`${mine}Token`] !== token) return undefined;
    if (mine === "side") adopt(model, shapes);
    now[mine] = side;
    byId("content").hidden = false;
    if (mine === "side") timeline.setFollow(true);
    remember();
    listRuns(now.runs);
    reach();
    changed();
    await side.begin();
  } catch (error) {
    if (now[`${mine}Token`] === token) trouble(mine, error.message);
  }
  return undefined;
}

function adopt(model, shapes) {
  if (model === now.model) return;
  say(byId("shapes-words"), SHAPES[shapes.source]);
  Object.assign(now, { model, shapes, area: -1, chosen: new Uint8Array(model.categories.length).fill(1) });
  byId("categories-list").replaceChildren(...model.categories.map((category, index) => html("span", { class: "choice" },
    html("input", { type: "checkbox", id: `category-${index}`, checked: true,
      on: { change: (event) => { now.chosen[index] = event.target.checked ? 1 : 0; categoriesChanged(); } } }),
    html("label", { for: `category-${index}` }, category))));
  categoriesChanged();
}

function remember() {
  const query = new URLSearchParams();
  if (byId("run").value) query.set("run", byId("run").value);
  if (byId("other").value) query.set("with", byId("other").value);
  history.replaceState(null, "", `#${query}`);
}

function listRuns(runs) {
  now.runs = runs;
  offer();
  const listed = JSON.stringify([runs.map((run) => [run.run, run.model]), now.side?.name, now.other?.name]);
  if (listed === names) return;
  names = listed;
  const picked = byId("run").value;
  byId("run").replaceChildren(...runs.map((run) => html("option", { value: run.run }, `${run.run} (${run.model})`)));
  byId("run").value = picked; // none, if it is no longer there
  const other = byId("other").value;
  const near = kin();
  const like = runs.filter((run) => now.side && run.model === now.side.status.model && run.run !== now.side.name
    && !near.some((one) => one.run === run.run));
  byId("other").replaceChildren(html("option", { value: "" }, "no other run"),
    ...near.map(({ run, words }) => html("option", { value: run }, `${run}, ${words}`)),
    ...like.map((run) => html("option", { value: run.run }, run.run)));
  byId("other").value = other;
}

function kin() {
  const mine = now.side && now.runs.find((run) => run.run === now.side.name);
  return mine ? relatives(now.runs, mine) : [];
}

/** Offers the run that this one is best compared with: the other future of the same past. */
function offer() {
  const [best] = now.other || byId("other").value ? [] : kin().filter((one) => one.steps > 0);
  byId("offer").hidden = !best;
  if (!best) return;
  say(byId("offer-words"), `Another future of the same past: ${best.run}, ${best.words}.`);
  byId("offer-take").value = best.run;
}

byId("offer-take").addEventListener("click", (event) => {
  byId("other").focus();
  choose(event.target.value, "other");
});

/** Shows the runs that the address names, or else one that goes on. */
async function visit() {
  const { runs } = now;
  const wished = new URLSearchParams(location.hash.slice(1));
  const there = (name) => runs.find((run) => run.run === wished.get(name));
  const first = there("run") ?? runs.find((run) => run.state === "open") ?? runs[0];
  if (!first) return;
  const read = choose(first.run);
  if (wished.get("run") && !there("run")) {
    trouble("side", `There is no run ${wished.get("run")}. What is shown is ${first.run}.`);
  }
  await read;
  if (now.side?.name === first.run && there("with")) await choose(there("with").run, "other");
}

addEventListener("hashchange", () => api.runs().then(listRuns).then(visit).catch((error) => trouble("daemon", error.message)));

export async function poll() {
  const shown = ["side", "other"].map((mine) => [mine, now[mine], now[mine]?.data.nextSeq]);
  try {
    const [runs, kept] = await Promise.all([api.runs(), api.journal()]);
    trouble("daemon", "");
    listRuns(runs);
    byId("nothing").hidden = runs.length > 0;
    if (!runs.length) {
      say(byId("lead"), "No run is open");
      say(byId("lead-more"), "");
      say(byId("nothing"), "Open one from a client, for instance with make demo. It appears here by itself.");
    } else if (!now.side && !now.sideToken) await visit();
    for (const [mine, side, heard] of shown) {
      if (!side || now[mine] !== side) continue;
      const status = runs.find((run) => run.run === side.name);
      if (!status) {
        side.end();
        trouble(mine, `The run ${side.name} is no longer there. What is shown is the last of it.`);
      } else if (kept === journal && side.isOf(status, heard)) side.take(status);
      else choose(side.name, mine);
    }
    journal = kept;
  } catch (error) {
    trouble("daemon", error.message);
  }
  setTimeout(poll, POLL);
}

const troubles = new Map();

/** Says what is wrong with the daemon, or with one of the runs shown. */
function trouble(where, words) {
  troubles.set(where, words);
  say(byId("trouble"), [...troubles.values()].filter(Boolean).join(" "));
  byId("trouble").hidden = !byId("trouble").textContent;
}

/** Says which categories count. */
export function categoriesChanged() {
  const chosen = now.model.categories.filter((_, index) => now.chosen[index]);
  say(byId("categories-words"), chosen.length === now.chosen.length ? `all ${chosen.length}`
    : chosen.length === 1 ? chosen[0] : chosen.length ? `${chosen.length} of ${now.chosen.length}` : "none");
  changed();
}
