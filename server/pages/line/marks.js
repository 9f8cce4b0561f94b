// @ts-check
// What one can tell of a place by what all who wait are told of a line. Pure.

/**
 * @typedef {{marks: [number, number][], from_s?: number[] | null, to_s?: number[] | null}} Told
 *   ranks, each with how many before it are not done, and how long it takes to come there
 */

/**
 * What lies at a rank, on the line between the marks around it.
 * @param {Told} told @param {number} rank @param {number[]} values of the marks
 * @returns {number}
 */
function between({ marks }, rank, values) {
  const above = marks.findIndex(([mark]) => mark > rank);
  if (above === 0) return values[0];
  if (above < 0) return values[marks.length - 1];
  const [low, high] = [marks[above - 1][0], marks[above][0]];
  const share = (rank - low) / (high - low);
  return Math.ceil(values[above - 1] + share * (values[above] - values[above - 1]));
}

/**
 * How many before a rank are not done: exact at a mark, and behind the last.
 * @param {Told} told @param {number} rank @returns {number}
 */
export function aheadAt(told, rank) {
  const { marks } = told;
  const [first] = marks[0];
  const [last, left] = marks[marks.length - 1];
  if (rank < first) return 0;
  if (rank >= last) return left + rank - last;
  return between(told, rank, marks.map(([, count]) => count));
}

/**
 * How long it takes for half of those there, and for nine in ten; null until it is known.
 * @param {Told} told @param {number} rank @returns {{from_s: number, to_s: number} | null}
 */
export function rangeAt(told, rank) {
  if (!told.from_s || !told.to_s) return null;
  return { from_s: between(told, rank, told.from_s), to_s: between(told, rank, told.to_s) };
}
