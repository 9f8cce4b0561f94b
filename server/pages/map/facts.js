// @ts-check
// What is said of a seat, a section or an area: the same words on the map, in the list and
// aloud.

import { ACCESSIBLE, COMPANION, RESTRICTED } from "./model.js";
import { BOOKED, FREE, HELD } from "./tally.js";

/** @typedef {import("./model.js").Model} Model */
/** @typedef {{amount: number, currency: string}} Money */
/**
 * @typedef {object} Speech What words are made with
 * @property {import("../words/index.js").Translate} t
 * @property {(money: Money) => string} format
 * @property {Record<string, Money>} prices By category
 */
/**
 * @typedef {object} Facts
 * @property {string} title @property {string} category @property {number} color Of which category
 * @property {string} price Empty where it has none
 * @property {string[]} notes @property {string} status
 */

/** The name of a word for what became of a seat. @param {number} code Letter
 * @param {boolean} mine @param {boolean} pending */
export function statusWord(code, mine, pending) {
  if (pending) return "map.isPending";
  if (mine) return "map.isMine";
  if (code === FREE) return "map.isFree";
  if (code === HELD) return "map.isHeld";
  return code === BOOKED ? "map.isBooked" : "map.isClosed";
}

/** What a section is called; one that has a whole name needs no word before it.
 * @param {string} name @param {import("../words/index.js").Translate} t */
export function sectionName(name, t) {
  return /^\S{1,4}$/.test(name) ? t("map.section", { section: name }) : name;
}

/** What a row is called: a table is none. @param {Model} model @param {import("./model.js").Row} row
 * @param {import("../words/index.js").Translate} t */
export function rowName(model, row, t) {
  if (row.name === null) return t("map.seats");
  return model.isTable(row) ? t("map.table", { table: row.name }) : t("map.row", { row: row.name });
}

/** @param {Model} model @param {number} index @param {number} code @param {boolean} mine
 * @param {boolean} pending @param {Speech} speech @returns {Facts} */
export function seatFacts(model, index, code, mine, pending, { t, format, prices }) {
  const seat = model.seats[index];
  const category = model.categories[model.category[index]];
  const price = prices[category.key];
  const where = [];
  if (seat.section !== null) where.push(sectionName(seat.section, t));
  if (seat.row !== null) where.push(rowName(model, model.rows[model.row[index]], t));
  where.push(t("map.seat", { number: seat.number }));
  const notes = [];
  if (model.flags[index] & ACCESSIBLE) notes.push(t("map.accessible"));
  if (model.flags[index] & COMPANION) notes.push(t("map.companion"));
  if (model.flags[index] & RESTRICTED) notes.push(t("map.restricted"));
  if (seat.entrance) notes.push(t("map.entrance", { entrance: seat.entrance }));
  return {
    title: seat.row === null && seat.section === null ? seat.label : where.join(" · "),
    category: category.label,
    color: model.category[index],
    price: price ? format(price) : "",
    notes,
    status: t(statusWord(code, mine, pending)),
  };
}

/** @param {Model} model @param {number} index @param {number} free
 * @param {Money | undefined} cheapest @param {Speech} speech @returns {Facts} */
export function sectionFacts(model, index, free, cheapest, { t, format }) {
  const section = model.sections[index];
  return {
    title: sectionName(section.name ?? "", t),
    category: model.categories[section.category].label,
    color: section.category,
    price: cheapest && free ? t("map.from", { price: format(cheapest) }) : "",
    notes: [],
    status: free ? t("map.free", { n: free }) : t("map.soldOut"),
  };
}

/** @param {Model} model @param {number} index @param {number} free @param {number} mine How many
 * @param {Speech} speech @returns {Facts} */
export function areaFacts(model, index, free, mine, { t, format, prices }) {
  const area = model.areas[index];
  const category = model.categories[area.category];
  const price = prices[category.key];
  return {
    title: area.label,
    category: category.label,
    color: area.category,
    price: price ? format(price) : "",
    notes: mine > 0 ? [t("map.isYours", { n: mine })] : [],
    status: free ? t("map.free", { n: free }) : t("map.soldOut"),
  };
}

/** Facts as one sentence, for who listens. @param {Facts} facts */
export function spoken({ title, category, price, notes, status }) {
  const said = category === title ? [] : [category];
  return [title.replaceAll(" · ", ", "), status, ...said, price, ...notes].filter(Boolean).join(", ");
}
