// @ts-check
// A wish in words.

/** @typedef {import("./place.js").Wish} Wish */

/**
 * @param {import("../words/index.js").Translate} t @param {Wish} wish
 * @param {any} map whose categories have names
 * @returns {string}
 */
export function wishText(t, wish, map) {
  const names = (wish.categories ?? []).map(
    (key) => map.categories.find((/** @type {any} */ one) => one.key === key)?.label ?? key);
  const where = names.length ? names.join(", ") : t("line.anywhere");
  return t("line.wishOf", { n: wish.quantity, where });
}
