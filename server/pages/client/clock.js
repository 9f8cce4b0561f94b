// @ts-check
// The server's clock. Those of phones go wrong, and times to pay do not wait for them.

let ahead = 0; // of ours, in ms

/**
 * Learn the time from an answer.
 *
 * The header leaves out what is less than a second: rather too late than too early.
 * @param {Response} response
 */
export function learnTime(response) {
  const told = Date.parse(response.headers.get("Date") ?? "");
  if (!Number.isNaN(told)) ahead = told + 999 - Date.now();
}

/** @returns {number} the time at the server, in ms since 1970 */
export const serverNow = () => Date.now() + ahead;

/**
 * A deadline by a clock that nobody sets, for what is told as a time that is left.
 * @param {number} left_ms
 * @returns {number} to be compared with `performance.now()`
 */
export const deadlineIn = (left_ms) => performance.now() + left_ms;
