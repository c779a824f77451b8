// Colours and classes. Seven classes of one hue order for amounts, seven from purple to orange for differences.

const style = getComputedStyle(document.documentElement);

/** The colours in force, dark or light: `s` for amounts, `d` for differences, and single ones by name. */
export function colours() {
  const take = (name) => style.getPropertyValue(`--${name}`).trim();
  const seven = (letter) => Array.from({ length: 7 }, (_, index) => take(letter + index));
  return {
    s: seven("s"), d: seven("d"), paper: take("paper"), ink: take("ink"), soft: take("soft"), line: take("line"),
    grid: take("grid"), panel: take("panel"), accent: take("accent"), warm: take("warm"), band: take("band"),
  };
}

/** The next of 1, 2, 5, 10, 20 … that is not below a number; 1 for none. */
export function nice(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((step) => step * power >= value * 0.999999);
}

/** Two digits, as people would say it. */
function rounded(value) {
  if (!(value > 0)) return 0;
  const power = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Number((Math.round(value / power) * power).toPrecision(2));
}

/** Bounds of seven classes of amounts, in which the values fall about equally often. `whole` makes them counts. */
export function amountBreaks(values, whole) {
  const sorted = Float64Array.from(values).filter((value) => value > 0).sort();
  if (!sorted.length) return whole ? [1] : [];
  const largest = sorted[sorted.length - 1];
  if (whole && largest <= 7) return Array.from({ length: 6 }, (_, index) => index + 1);
  const at = [0.1, 0.25, 0.45, 0.65, 0.82, 0.95].map((share) => sorted[Math.floor(share * (sorted.length - 1))]);
  const breaks = at.map((value) => (whole ? Math.max(1, Math.round(rounded(value))) : rounded(value)));
  return [...new Set(breaks)].sort((a, b) => a - b);
}

/**
 * Bounds of seven classes of differences, the same on both sides, three times as far each: few areas differ much. Those
 * of counts (`whole`) lie between whole numbers.
 */
export function differenceBreaks(values, whole) {
  const sorted = Float64Array.from(values, Math.abs).sort();
  const unit = nice(sorted[Math.floor(0.98 * (sorted.length - 1))] / 10 || 0);
  const bounds = [1, 3, 10].map((bound) => (whole ? bound * Math.max(1, unit) - 0.5 : Number((bound * unit).toPrecision(1))));
  return [...bounds.map((bound) => -bound).reverse(), ...bounds];
}

/** Class of a value: how many bounds it reaches. */
export function classOf(value, breaks) {
  let found = 0;
  while (found < breaks.length && value >= breaks[found]) found += 1;
  return found;
}

/** Colours of the classes that the breaks make, spread over the seven. */
export function classColours(seven, breaks) {
  const classes = breaks.length + 1;
  if (classes === seven.length) return seven;
  return Array.from({ length: classes }, (_, index) => seven[classes === 1 ? 0 : Math.round((6 * index) / (classes - 1))]);
}

/** What a class holds, in words: "under 5", "5 to 10", "10 and more". */
export function classWords(index, breaks, whole) {
  if (!breaks.length) return "none";
  if (index === 0) return whole && breaks[0] === 1 ? "none" : `under ${number(breaks[0])}`;
  if (index === breaks.length) return `${number(breaks[index - 1])} and more`;
  const last = whole ? breaks[index] - 1 : breaks[index];
  if (whole && last === breaks[index - 1]) return number(last);
  return `${number(breaks[index - 1])} to ${number(last)}`;
}

/** What feedback makes of a baseline. Sums are kept in seven digits: what differs by less is rounding, not feedback. */
export function effectOf(expected, baseline) {
  const effect = expected - baseline;
  return Math.abs(effect) > 1e-6 * baseline ? effect : 0;
}

/** A number for people: digits that matter, thousands apart, a true minus. */
export function number(value, digits) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const places = digits ?? (Number.isInteger(value) || size >= 100 ? 0 : size >= 0.1 || !size ? 1 : Math.min(6, 1 + Math.ceil(-Math.log10(size))));
  const text = size.toLocaleString("en-GB", { minimumFractionDigits: 0, maximumFractionDigits: places });
  return value < 0 && Number(text.replace(/,/g, "")) ? `−${text}` : text;
}

/** A number with its sign. */
export function signed(value, digits) {
  const text = number(value, digits);
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/** A change as a percentage with its sign. */
export function percent(change) {
  return Number.isFinite(change) ? `${signed(100 * change, Math.abs(change) < 0.0995 ? 1 : 0)}\u00a0%` : "–";
}
