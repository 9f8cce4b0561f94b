// @ts-check
// What an order would cost, with the codes that somebody has for it.

import { Refused, askJson, visitorToken } from "../client/index.js";

/** @typedef {import("./sale.js").Sale} Sale */
/** @typedef {import("./sale.js").Code} Code */
/** @typedef {import("./sale.js").Kind} Kind */

/** What the server says of codes that it takes no more, or not for this. */
export const OF_CODES = new Set(["code_invalid", "code_used_up"]);

/** Ask what a code does. @param {Sale} sale @param {string} code @returns {Promise<any>} */
export const checked = async (sale, code) =>
  askJson(`${sale.path}/codes/check`, {
    token: await visitorToken(),
    method: "POST",
    body: { code },
  });

/**
 * What a hold costs with all codes that take something off of it, and why others do not: as
 * those for children where nobody is one yet. Throws `Refused`, `Unreachable`.
 * @param {Sale} sale @returns {Promise<{quote: any, idle: Map<string, string>}>}
 */
export async function withCodes(sale) {
  const { codes, asked } = sale;
  const token = await visitorToken();
  /** @type {Map<string, string>} */
  const idle = new Map();
  /** @param {Code[]} some @returns {Promise<any>} null where one of them is no use */
  const attempt = async (some) => {
    const body = { ...asked, ...codesOf(some) };
    try {
      return await askJson("/v1/orders/quote", { token, method: "POST", body });
    } catch (error) {
      const code = error instanceof Refused ? (error.code ?? "") : "";
      const last = some.at(-1);
      if (last === undefined || !OF_CODES.has(code)) throw error;
      idle.set(last.code, code);
      return null;
    }
  };
  const all = await attempt(codes);
  if (all !== null) return { quote: all, idle };
  let quote = await attempt([]);
  if (codes.length === 1) return { quote, idle };
  idle.clear();
  /** @type {Code[]} */
  const good = [];
  for (const one of codes) {
    const found = await attempt([...good, one]);
    if (found === null) continue;
    quote = found;
    good.push(one);
  }
  return { quote, idle };
}

/** What the interface is told of codes. @param {Code[]} codes */
export const codesOf = (codes) =>
  codes.length ? { codes: codes.map(({ code }) => code) } : {};

/**
 * What the interface is told of types: those of what is still held, and null for none.
 * @param {Record<string, Kind>} kinds @param {string[]} seats
 * @param {Record<string, number>} areas @returns {Record<string, Kind> | null}
 */
export function typesOf(kinds, seats, areas) {
  /** @type {Record<string, Kind>} */
  const told = {};
  for (const [label, kind] of Object.entries(kinds)) {
    if (typeof kind === "string") {
      if (seats.includes(label)) told[label] = kind;
      continue;
    }
    let left = areas[label] ?? 0;
    /** @type {Record<string, number>} */
    const kept = {};
    for (const [name, count] of Object.entries(kind)) {
      const some = Math.min(count, left);
      left -= some;
      if (some > 0) kept[name] = some;
    }
    if (Object.keys(kept).length) told[label] = kept;
  }
  return Object.keys(told).length ? told : null;
}
