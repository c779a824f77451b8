// Civil time: minutes since 1970 in local time without zone or daylight saving, as the daemon's times are.

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
  "November", "December"];

export const DAY = 1440;

/** Minutes of a time as the daemon writes it: `2020-01-06T00:00:00`, `2020-01-06`, `2020-01`. */
export function minutes(text) {
  const [year, month, day = 1, hour = 0, minute = 0] = text.split(/[-T:]/).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute) / 60000;
}

/** Minutes as the daemon reads them. */
export function written(time) {
  return new Date(time * 60000).toISOString().slice(0, 19);
}

function parts(time) {
  const date = new Date(time * 60000);
  return { day: date.getUTCDate(), dayOfWeek: date.getUTCDay(), month: date.getUTCMonth(), year: date.getUTCFullYear() };
}

const two = (number) => String(number).padStart(2, "0");

export function clock(time) {
  const minute = ((time % DAY) + DAY) % DAY;
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/** Tuesday 7 January 2020, 14:00 */
export function long(time) {
  const { day, dayOfWeek, month, year } = parts(time);
  return `${DAYS[dayOfWeek]} ${day} ${MONTHS[month]} ${year}, ${clock(time)}`;
}

/** Tue 7 Jan 2020, 14:00 */
export function short(time) {
  const { day, dayOfWeek, month, year } = parts(time);
  return `${DAYS[dayOfWeek].slice(0, 3)} ${day} ${MONTHS[month].slice(0, 3)} ${year}, ${clock(time)}`;
}

/** 7 Jan */
export function dayAndMonth(time) {
  const { day, month } = parts(time);
  return `${day} ${MONTHS[month].slice(0, 3)}`;
}

/** Jan 2020 */
export function monthAndYear(time) {
  const { month, year } = parts(time);
  return `${MONTHS[month].slice(0, 3)} ${year}`;
}

export function weekday(index) {
  return DAYS[(index + 1) % 7];
}

/** Hour of the week of an hour since 1970, Monday first: 1 January 1970 was a Thursday. */
export function hourOfWeek(hour) {
  return (((hour + 72) % 168) + 168) % 168;
}

/** Months since 1970 of a time. */
export function monthIndex(time) {
  const { month, year } = parts(time);
  return (year - 1970) * 12 + month;
}

/** The first minute of a month since 1970. */
export function monthStart(index) {
  return Date.UTC(1970 + Math.floor(index / 12), ((index % 12) + 12) % 12, 1) / 60000;
}

/** A number of hours in words: "3 days". */
export function span(hours) {
  const say = (number, unit) => `${round(number)} ${unit}${round(number) === "1" ? "" : "s"}`;
  if (hours < 48) return say(hours, "hour");
  if (hours < 24 * 61) return say(hours / 24, "day");
  if (hours < 8766 * 2) return say(hours / 730.5, "month");
  return say(hours / 8766, "year");
}

function round(number) {
  return number >= 10 || Number.isInteger(number) ? String(Math.round(number)) : number.toFixed(1);
}
