// The HTTP API: replies, columns, live events.

// From the origin, since a browser fetches nothing by an address with a password, as the page's may be.
const ROOT = `${location.origin}/api/v1/`;

/** A refusal or a lost connection, in words for a person. */
export class Trouble extends Error {
  constructor(message, status, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

const lost = () => new Trouble("The daemon does not answer. This page goes on when it does.", 0, "lost");

async function get(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const url = ROOT + path + (given.length ? `?${new URLSearchParams(given)}` : "");
  for (let attempt = 0; ; attempt += 1) {
    let answer;
    try {
      answer = await fetch(url);
    } catch {
      throw lost();
    }
    if (answer.ok) return answer;
    if ((answer.status === 429 || answer.status === 503) && attempt < 5) {
      await pause(Math.min(10, Number(answer.headers.get("Retry-After")) || 1));
      continue;
    }
    const error = await answer.json().then((body) => body.error, () => ({}));
    throw new Trouble(error?.message ?? `${answer.status} for ${path}`, answer.status, error?.code);
  }
}

const json = async (path, query) => (await get(path, query)).json();
const name = encodeURIComponent;

export const models = (model) => json(`models/${name(model)}`);
export const boundaries = (model) => json(`models/${name(model)}/areas.geojson`);
/** The data folder; another one after a daemon that keeps nothing was started again. */
export const journal = async () => (await json("")).journal;
export const runs = async () => (await json("runs")).runs;
export const trail = async (run) => (await json(`runs/${name(run)}/adjustments`)).adjustments;
export const rates = (run, from, to, by) => json(`runs/${name(run)}/rates`, { from, to, by });

/** Counts of steps with what was expected, without the incidents. */
export const counts = (run, seq, count) => json(`runs/${name(run)}/steps`, { seq, count, format: "none" });

const ARRAYS = { i64: BigInt64Array, i32: Int32Array, u16: Uint16Array, u8: Uint8Array };

/** Steps as columns: the reply's members, and `rows`, `id` as doubles, `time`, `MSOA`, `crime`, `suspect`. */
export async function steps(run, seq, count) {
  const answer = await get(`runs/${name(run)}/steps`, { seq, count, format: "columns" });
  const body = await answer.arrayBuffer().catch(() => { throw lost(); });
  const length = new DataView(body).getUint32(0, true);
  const reply = JSON.parse(new TextDecoder().decode(new Uint8Array(body, 4, length)));
  let offset = 4 + length;
  for (const { name: column, type } of reply.columns) {
    const values = new ARRAYS[type](body, offset, reply.count);
    reply[column] = type === "i64" ? Float64Array.from(values, Number) : values;
    offset += Math.ceil(values.byteLength / 8) * 8;
  }
  return reply;
}

/**
 * A run's events as they happen; the browser asks for what it missed. "lost" is heard when it does so no more. Returns a
 * function that ends it.
 */
export function events(run, after, heard) {
  const query = after >= 0 ? `?after=${after}` : "";
  const source = new EventSource(`${ROOT}runs/${name(run)}/events${query}`);
  for (const kind of ["step", "adjustment", "run"]) {
    source.addEventListener(kind, (event) => heard(kind, JSON.parse(event.data)));
  }
  source.addEventListener("error", () => source.readyState === EventSource.CLOSED && heard("lost"));
  return () => source.close();
}
