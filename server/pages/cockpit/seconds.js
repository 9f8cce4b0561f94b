// @ts-check
// The last ten minutes of an event by the second, put together from what was told bit by bit.

export const KEPT_S = 600;
/** Over so many seconds "a second" is reckoned. */
export const PACE_S = 10;

/** @typedef {{at: number} & Record<string, any>} Second */
/** @typedef {string | ((one: Second) => number)} Figure its name, or what reads it */

/**
 * Add what was told to what is known, without what is too old.
 * A process that took the event over may tell a second again.
 * @param {Second[]} known @param {Second[]} told @param {number} now in seconds @returns {Second[]}
 */
export function grown(known, told, now) {
  const all = new Map([...known, ...told].map((one) => [one.at, one]));
  const seconds = [...all.values()].sort((one, other) => one.at - other.at);
  const first = seconds.findIndex((one) => one.at > now - KEPT_S);
  // What stood before goes on into the time that is shown.
  return first < 0 ? seconds.slice(-1) : seconds.slice(Math.max(0, first - 1));
}

/**
 * One figure for each of so many seconds up to now; where nothing changed, as it was before.
 * @param {Second[]} seconds @param {Figure} figure @param {number} now @param {number} span
 * @returns {(number | null)[]} null before anything is known
 */
export function series(seconds, figure, now, span) {
  const read = typeof figure === "string" ? (/** @type {Second} */ one) => one[figure] : figure;
  const values = [];
  let place = 0;
  let value = /** @type {number | null} */ (null);
  for (let at = now - span + 1; at <= now; at += 1) {
    while (place < seconds.length && seconds[place].at <= at) value = read(seconds[place++]);
    values.push(value);
  }
  return values;
}

/**
 * How much a total grew in each of those seconds. Where an owner began anew, by what it has.
 * @param {Second[]} seconds @param {Figure} figure @param {number} now @param {number} span
 * @returns {(number | null)[]}
 */
export function growth(seconds, figure, now, span) {
  const values = series(seconds, figure, now, span + 1);
  return values.slice(1).map((value, place) => {
    const before = values[place];
    if (value === null || before === null) return null;
    return value < before ? value : value - before;
  });
}

/** @param {(number | null)[]} values */
export const sum = (values) => values.reduce((/** @type {number} */ all, one) => all + (one ?? 0), 0);
