// The text that the daemon writes for Prometheus, and what can be read off its histograms.

/** Samples by name, each a list of `{ labels, value }`. */
export function parse(text) {
  const found = new Map();
  for (const line of text.split("\n")) {
    const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) continue;
    const labels = Object.fromEntries([...(match[2] ?? "").matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, key, value]) => [key, value]));
    if (!found.has(match[1])) found.set(match[1], []);
    found.get(match[1]).push({ labels, value: Number(match[3]) });
  }
  return found;
}

/** The value of a name without labels; NaN if there is none. */
export const value = (metrics, name) => metrics.get(name)?.[0].value ?? NaN;

/** The samples of one stage of a histogram: `counts` between one of `bounds` and the next, the `sum` and the number. */
export function histogram(metrics, name, stage) {
  const mine = (part) => (metrics.get(`${name}_${part}`) ?? []).filter(({ labels }) => labels.stage === stage);
  const buckets = mine("bucket");
  return {
    bounds: buckets.map(({ labels }) => (labels.le === "+Inf" ? Infinity : Number(labels.le))),
    counts: buckets.map((one, index) => one.value - (index ? buckets[index - 1].value : 0)),
    sum: mine("sum")[0]?.value ?? NaN, number: mine("count")[0]?.value ?? 0,
  };
}

/**
 * The value below which a share of a histogram lies, on the logarithm between the bounds about it; the first or the last
 * bound where it is beyond. NaN if the histogram is empty.
 */
export function quantile({ bounds, counts, number }, share) {
  let left = share * number;
  if (!number) return NaN;
  for (let index = 0; index < counts.length; index += 1) {
    if (left > counts[index] || !counts[index]) {
      left -= counts[index];
      continue;
    }
    const high = bounds[index];
    if (high === Infinity) return bounds[index - 1];
    if (!index) return high;
    const low = bounds[index - 1];
    return low * (high / low) ** (left / counts[index]);
  }
  return bounds[bounds.length - 2];
}
