// @ts-check
// Reasons that the interface gives in sentences, for who calls it, in words of a page.

/** @typedef {import("../words/index.js").Translate} Translate */

/**
 * The words for a reason: those of the first sentence that it begins as. What the brackets
 * of that find are `a` and `b` of the words.
 * @param {Translate} t @param {[string, string][]} reasons patterns, and names of words
 * @param {string} detail @param {string} other words for all else
 */
export function reasonIn(t, reasons, detail, other) {
  for (const [pattern, words] of reasons) {
    const found = new RegExp(pattern).exec(detail);
    if (found === null) continue;
    const [a = "", b = ""] = found.slice(1).filter((one) => one !== undefined);
    return t(words, { a, b });
  }
  return t(other);
}
