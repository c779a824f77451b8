// How the daemon is: read again every two seconds from the API and the metrics.

import { byId, html, keepingFocus, say, svg, table } from "./dom.js";
import { histogram, parse, quantile, value } from "./metrics.js";
import { number } from "./scale.js";
import { minutes, short, span } from "./time.js";
import { several, speed } from "./words.js";

const AGAIN = 2000;
const STAGES = ["waiting", "sampling", "encoding", "sending"];
const CUT = {
  connections: "connections above their number", idle: "idle connections", malformed: "malformed ones",
  subscriptions: "too many subscriptions", stuck: "stuck listeners", unread: "too much unread",
};

let before = null;

async function read() {
  const answers = await Promise.all(["/api/v1/", "/api/v1/status", "/metrics"].map((path) => fetch(location.origin + path)));
  const refused = answers.find((answer) => !answer.ok);
  if (refused) {
    const told = await refused.json().catch(() => ({}));
    throw new Error(told.error?.message ?? `${refused.status} from the daemon`);
  }
  const [root, status, text] = await Promise.all([answers[0].json(), answers[1].json(), answers[2].text()]);
  // By the daemon's own clock, where it says what that is.
  const date = Date.parse(answers[2].headers.get("Date") ?? "");
  return { root, status, metrics: parse(text), date: Number.isFinite(date) ? date / 1000 : Date.now() / 1000, at: performance.now() };
}

const bytes = (count) => (count < 1 << 10 ? `${number(count)} B` : count < 1 << 20 ? `${number(count / 1024)} KiB`
  : count < 2 ** 30 ? `${number(count / 2 ** 20)} MiB` : `${number(count / 2 ** 30)} GiB`);

/** Seconds in words: "3 min", "2 hours". */
const long = (seconds) => (seconds < 90 ? several(Math.max(0, Math.round(seconds)), "second")
  : seconds < 5400 ? several(Math.round(seconds / 60), "minute") : span(seconds / 3600));

/** A short time: "0.4 ms". */
function time(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 1e-3) return `${number(seconds * 1e6, seconds < 1e-5 ? 1 : 0)} µs`;
  return seconds < 1 ? `${number(seconds * 1e3)} ms` : `${number(seconds)} s`;
}

/** A name's rate of change a second since the reading before, or NaN. */
function rate(name, now) {
  const seconds = before ? (now.at - before.at) / 1000 : 0;
  const grown = before ? value(now.metrics, name) - value(before.metrics, name) : NaN;
  return seconds > 0.5 && grown >= 0 ? grown / seconds : NaN;
}

function stateOf(run) {
  if (run.error) return `${run.state}: ${run.error.message}`;
  const waited = (run.waiting_for ?? []).map((who) => `${who.name} (${number(Math.round(who.seconds))} s${who.overdue ? ", overdue" : ""})`);
  if (waited.length) return `waits for ${waited.join(" and ")}`;
  return run.stepping ? "at work on a step" : run.state;
}

function speedOf(run, now) {
  const then = before?.status.runs.find((one) => one.run === run.run);
  if (!then || run.state !== "open") return "–";
  return speed(Math.max(0, (minutes(run.time) - minutes(then.time)) / ((now.at - before.at) / 1000)));
}

function put(id, made) {
  keepingFocus(byId(id), () => byId(id).replaceChildren(made));
}

function drawRuns(now) {
  const { runs } = now.status;
  const count = (state) => runs.filter((run) => run.state === state).length;
  say(byId("runs-words"), runs.length
    ? ["open", "ended", "closed", "stopped"].filter(count).map((state) => `${number(count(state))} ${state}`).join(", ")
    : "None yet. Open one from a client, for instance with make demo.");
  byId("runs").hidden = !runs.length;
  put("runs", table("Oldest first", ["Run", "Model", "State", "Clock", "Speed", "Next step", "Incidents", "Adjustments", "In force",
    "Forked from"], runs.map((run) => [
    html("a", { href: `/#run=${encodeURIComponent(run.run)}`, "data-key": run.run }, run.run), run.model, stateOf(run),
    short(minutes(run.time)), speedOf(run, now), number(run.next_seq), number(run.incidents), number(run.adjustments),
    number(run.in_force ?? NaN), run.forked_from === null ? "–" : `${run.forked_from}, at step ${number(run.forked_seq)}`]),
  [0, 1, 2, 3, 4, 9]));
}

function bars({ counts, number: all }) {
  const width = 12;
  return svg("svg", { class: "bar", viewBox: `0 0 ${width * counts.length} 24`, width: width * counts.length, height: 24,
    "aria-hidden": "true" },
  svg("line", { class: "axis", x1: 0, x2: width * counts.length, y1: 23.5, y2: 23.5 }),
  counts.map((count, index) => (count ? svg("rect", { class: "fill-accent", x: width * index + 1, width: width - 2,
    y: 23 - Math.max(1, (22 * count) / all), height: Math.max(1, (22 * count) / all) }) : null)));
}

function drawStages(now) {
  put("stages", table("Since the start", ["Stage", "Times", "Median", "99th percentile", "Mean", "From 10 µs to seconds"],
    STAGES.map((stage) => {
      const found = histogram(now.metrics, "crims_step_stage_seconds", stage);
      const about = (share) => {
        const at = quantile(found, share);
        if (at <= found.bounds[0]) return `under ${time(found.bounds[0])}`;
        return at >= found.bounds.at(-2) ? `over ${time(found.bounds.at(-2))}` : Number.isFinite(at) ? `≈ ${time(at)}` : "–";
      };
      return [stage, number(found.number), about(0.5), about(0.99), time(found.sum / found.number), bars(found)];
    })));
}

function drawRest(now) {
  const { metrics, status } = now;
  const one = (name) => value(metrics, name);
  const peers = status.peers ?? {};
  put("peers", table("Now", ["What", "ZeroMQ", "HTTP"], [
    ["connections", number(one("crims_connections")), number(one("crims_http_connections"))],
    ["listeners, streams", number(one("crims_listeners")), number(one("crims_http_streams"))],
    ["subscriptions", number(peers.subscriptions ?? NaN), "–"],
    ["replies not taken yet", bytes(one("crims_unread_bytes")), bytes(one("crims_http_unread_bytes"))],
    ["events not taken yet", bytes(one("crims_event_bytes")), "–"],
  ]));
  const some = (name) => (metrics.get(name) ?? []).filter((sample) => sample.value > 0);
  const refused = [
    ["events lost to listeners", number(one("crims_events_dropped_total"))],
    ["steps asked again", number(one("crims_step_retries_total"))],
    ...some("crims_refusals_total").map(({ labels, value: count }) => [`refused: ${labels.code}`, number(count)]),
    ...some("crims_connections_cut_total").map(({ labels, value: count }) => [`cut: ${CUT[labels.reason] ?? labels.reason}`, number(count)]),
    ...(one("crims_http_connections_cut_total") ? [["cut over HTTP: no whole request in time", number(one("crims_http_connections_cut_total"))]] : []),
    ...some("crims_http_requests_total").filter(({ labels }) => labels.status >= "400")
      .map(({ labels, value: count }) => [`answered over HTTP with ${labels.status}`, number(count)]),
    ...["failed_handshakes", "refused_handshakes", "cut_revoked", "dropped_requests", "ended_at_once"].filter((name) => peers[name])
      .map((name) => [name.replaceAll("_", " "), number(peers[name])]),
  ];
  put("refused", table("Since the start", ["What", "How often"], refused));
  const share = rate("process_cpu_seconds_total", now);
  put("process", table("Now", ["What", "How much"], [
    ["processor", Number.isFinite(share) ? `${number(100 * share, 0)}\u00a0% of one` : "–"],
    ["processor since the start", time(one("process_cpu_seconds_total"))],
    ["memory", bytes(one("process_resident_memory_bytes"))],
    ["open files and sockets", `${number(one("process_open_fds"))} of ${number(one("process_max_fds"))}`],
    ["version", now.root.version],
    ["models", now.root.models.join(", ")],
    ["journal", `${now.root.journal.slice(0, 8)}…, start number ${number(now.root.boot)}`],
  ]));
}

function drawNow(now) {
  const { root, status, metrics } = now;
  const uptime = now.date - value(metrics, "process_start_time_seconds");
  const open = status.runs.filter((run) => run.state === "open");
  const waits = open.filter((run) => run.waiting_for?.length).length;
  say(byId("lead"), `CriMS ${root.version} is up for ${long(uptime)} and answers: ${several(open.length, "run")} open`
    + (waits ? `, ${number(waits)} waiting for a participant` : ""));
  const dropped = value(metrics, "crims_events_dropped_total");
  say(byId("lead-more"), dropped ? `${several(dropped, "event")} were lost to listeners that did not keep up.`
    : "No event was lost to a listener.");
  const steps = rate("crims_steps_total", now);
  byId("now").replaceChildren(...[
    ["steps a second now", Number.isFinite(steps) ? number(steps) : "–"], ["steps", number(value(metrics, "crims_steps_total"))],
    ["incidents", number(value(metrics, "crims_incidents_total"))],
    ["adjustments", number(value(metrics, "crims_adjustments_total"))],
    ["memory", bytes(value(metrics, "process_resident_memory_bytes"))],
    ["listeners and streams", number(value(metrics, "crims_listeners") + value(metrics, "crims_http_streams"))],
  ].map(([label, text]) => html("li", {}, html("span", {}, label), html("strong", {}, text))));
  say(byId("read"), `Read at ${new Date(1000 * now.date).toISOString().slice(11, 19)} universal time, and again every two seconds.`);
}

async function again() {
  try {
    const now = await read();
    drawNow(now);
    byId("content").hidden = false;
    drawRuns(now);
    drawStages(now);
    drawRest(now);
    before = now;
    byId("trouble").hidden = true;
  } catch (error) {
    say(byId("trouble"), error instanceof TypeError ? "The daemon does not answer. What is shown is the last that it said." : error.message);
    byId("trouble").hidden = false;
  }
  setTimeout(again, AGAIN);
}

again();
