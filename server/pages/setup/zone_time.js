// @ts-check
// Times on the clocks of a zone, as `<input type="datetime-local">` has them, and moments.

/** @param {number} ms @param {string} zone of IANA @returns {number} its clock, as if it were UTC */
function clockIn(ms, zone) {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
    hour: "2-digit", minute: "2-digit", second: "2-digit",
  }).formatToParts(new Date(ms));
  const of = (/** @type {string} */ type) => Number(parts.find((one) => one.type === type)?.value);
  return Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second"));
}

/** @param {string} zone @returns {boolean} whether this browser knows it */
export function isZone(zone) {
  try {
    return Boolean(new Intl.DateTimeFormat("en-US", { timeZone: zone }));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return false;
  }
}

/**
 * @param {string | null} at as the interface tells it @param {string} zone
 * @returns {string} as `2026-12-31T20:00`; nothing for no time
 */
export function localOf(at, zone) {
  if (at === null) return "";
  return new Date(clockIn(Date.parse(at), zone)).toISOString().slice(0, 16);
}

/**
 * What clocks show twice when summer ends is meant the first time; what they leave out when
 * it begins is so much later.
 * @param {string} local @param {string} zone
 * @returns {string | null} the moment, as the interface takes it
 */
export function momentOf(local, zone) {
  if (local === "") return null;
  const wanted = Date.parse(`${local}Z`);
  if (Number.isNaN(wanted)) return null;
  const away = (/** @type {number} */ ms) => clockIn(ms, zone) - ms;
  const day = 86_400_000;
  // Before and after any change of the clocks nearby.
  const tries = [wanted - away(wanted - day), wanted - away(wanted + day)];
  const fitting = tries.filter((ms) => clockIn(ms, zone) === wanted);
  const ms = fitting.length > 0 ? Math.min(...fitting) : Math.max(...tries);
  return new Date(ms).toISOString().replace(".000Z", "Z");
}
