// @ts-check
// An event as its form has it: texts and ticks, made of the interface's document, and the
// document's fields made of them. Nothing here is shown.

import { amountIn, shareIn, typedAmount, typedShare } from "./amounts.js";
import { isZone, localOf, momentOf } from "./zone_time.js";

/** @typedef {Record<string, any>} Values by the names of the form's fields */
/** @typedef {{field: string, words: string}} Wrong a field of the interface, and why */

export const TIMES = ["starts_at", "ends_at", "on_sale_at", "off_sale_at"];
const NUMBERS = ["max_per_user", "max_per_booking", "max_held_per_network"];
const SAME = [
  "name", "description", "payment", "late", "prevent_orphans", "waitlist", "one_booking_per_user",
  "registration",
];
const MINUTE_S = 60;
const HOUR_S = 3_600;
const KEY_MAX = 40;

/** What the interface has where a new event says nothing. */
const USUAL = {
  name: "", description: "", category: null, tags: [], starts_at: null, ends_at: null,
  on_sale_at: null, off_sale_at: null, capacity: null, hold_ttl_s: 600, max_per_user: 10,
  max_per_booking: 10, max_held_per_network: 50, prices: {}, payment: "none", pay_s: 900,
  types: {}, cancel_until_s: 86_400, prevent_orphans: false, waitlist: true,
  one_booking_per_user: false, registration: "closed", line: null, late: "same",
  fees: { per_order: 0, per_ticket: 0, percent_ppm: 0, paid_by: "buyer", returns: true },
  tax: { ppm: 0, included: true, name: "" },
};
const USUAL_LINE = {
  mode: "draw", gather_at: null, opens_at: null, identity: "any", turn_s: 180, turns_per_min: null,
  again: false, gate: { bits: 0, captcha: false, per_address: 50, account_days: 0 },
};

/** @param {string} zone @param {string} currency @param {string} venue @param {string} organisation */
export const newValues = (zone, currency, venue, organisation) => ({
  ...valuesOf({ ...USUAL, timezone: zone }, currency), venue, organisation,
});

/** @param {any} event as the interface tells it @param {string} usual currency @returns {Values} */
export function valuesOf(event, usual) {
  const currency = /** @type {any[]} */ (Object.values(event.prices))[0]?.currency ?? usual;
  const money = (/** @type {Record<string, any>} */ prices) =>
    Object.fromEntries(Object.entries(prices).map(([key, { amount }]) => [key, typedAmount(amount, currency)]));
  const { fees, tax } = event;
  return {
    ...Object.fromEntries(SAME.map((name) => [name, event[name]])),
    ...Object.fromEntries(NUMBERS.map((name) => [name, String(event[name])])),
    ...Object.fromEntries(TIMES.map((name) => [name, localOf(event[name], event.timezone)])),
    timezone: event.timezone, category: event.category ?? "", tags: event.tags.join(", "),
    capacity: event.capacity === null ? "" : String(event.capacity),
    hold_min: String(event.hold_ttl_s / MINUTE_S), pay_min: String(event.pay_s / MINUTE_S),
    cancel_h: String(event.cancel_until_s / HOUR_S),
    currency, prices: money(event.prices),
    types: Object.entries(event.types).map(([key, { name, prices = {}, max_per_order: most }]) =>
      ({ key, name, prices: money(prices), most: most === undefined ? "" : String(most) })),
    fee_order: typedAmount(fees.per_order, currency), fee_ticket: typedAmount(fees.per_ticket, currency),
    fee_percent: typedShare(fees.percent_ppm), fee_by: fees.paid_by, fee_returns: fees.returns,
    tax_percent: typedShare(tax.ppm), tax_included: tax.included, tax_name: tax.name,
    ...lineValues(event.line, event.timezone),
  };
}

/** @param {any} line @param {string} zone */
function lineValues(line, zone) {
  const terms = line ?? USUAL_LINE;
  return {
    line: line === null ? "none" : terms.mode,
    line_gather: localOf(terms.gather_at, zone), line_opens: localOf(terms.opens_at, zone),
    line_identity: terms.identity, line_turn_s: String(terms.turn_s),
    line_per_min: terms.turns_per_min === null ? "" : String(terms.turns_per_min),
    line_bits: String(terms.gate.bits), line_captcha: terms.gate.captcha, line_again: terms.again,
    // What the form does not show stays as it is.
    line_rest: line ?? {},
  };
}

/** Reads texts of a form, and notes what is none of what it should be. */
class Reader {
  /** @param {Values} values */
  constructor(values) {
    this.values = values;
    /** @type {Wrong[]} */
    this.wrong = [];
  }

  /** @param {string} field @param {string} words */
  miss(field, words) {
    this.wrong.push({ field, words });
    return null;
  }

  /** @param {string} field @param {string} text @param {number} [by] what one of them is */
  number(field, text, by = 1) {
    const number = Number(text.trim().replace(",", "."));
    if (text.trim() === "" || !Number.isFinite(number) || number < 0) return this.miss(field, "setup.r_number");
    return Math.round(number * by);
  }

  /** @param {string} field @param {string} text */
  amount(field, text) {
    return amountIn(text, this.values.currency) ?? this.miss(field, "setup.r_amount");
  }

  /** @param {string} field @param {string} text */
  share(field, text) {
    return shareIn(text) ?? this.miss(field, "setup.r_number");
  }

  /** @param {string} field @param {Record<string, string>} texts by category; empty is none */
  prices(field, texts) {
    const given = Object.entries(texts).filter(([, text]) => text.trim() !== "");
    return Object.fromEntries(given.map(([key, text]) =>
      [key, { amount: this.amount(`${field}.${key}`, text), currency: this.values.currency }]));
  }
}

/**
 * @param {Values} values
 * @returns {{body: Record<string, any>, wrong: Wrong[]}} what the interface takes, all of it
 */
export function bodyOf(values) {
  const reader = new Reader(values);
  const zone = isZone(values.timezone) ? values.timezone : "UTC";
  if (zone !== values.timezone) reader.miss("timezone", "setup.r_zone");
  /** @type {Record<string, any>} */
  const body = {};
  for (const name of SAME) body[name] = values[name];
  body.name = values.name.trim();
  if (!body.name) reader.miss("name", "setup.r_name");
  for (const name of NUMBERS) body[name] = reader.number(name, values[name]);
  body.timezone = values.timezone;
  for (const name of TIMES) body[name] = momentOf(values[name], zone);
  if (body.starts_at === null) reader.miss("starts_at", "setup.r_begin");
  body.category = values.category.trim() || null;
  body.tags = values.tags.split(",").map((/** @type {string} */ one) => one.trim()).filter(Boolean);
  if (values.capacity.trim() !== "") body.capacity = reader.number("capacity", values.capacity);
  body.hold_ttl_s = reader.number("hold_ttl_s", values.hold_min, MINUTE_S);
  body.pay_s = reader.number("pay_s", values.pay_min, MINUTE_S);
  body.cancel_until_s = reader.number("cancel_until_s", values.cancel_h, HOUR_S);
  body.prices = reader.prices("prices", values.prices);
  body.types = Object.fromEntries(values.types.map((/** @type {any} */ one) => [one.key, typeOf(reader, one)]));
  body.fees = {
    per_order: reader.amount("fees", values.fee_order), per_ticket: reader.amount("fees", values.fee_ticket),
    percent_ppm: reader.share("fees", values.fee_percent), paid_by: values.fee_by, returns: values.fee_returns,
  };
  body.tax = {
    ppm: reader.share("tax", values.tax_percent), included: values.tax_included,
    name: values.tax_name.trim() || "Tax",
  };
  body.line = lineOf(reader, zone);
  return { body, wrong: reader.wrong };
}

/** @param {Reader} reader @param {any} type */
function typeOf(reader, { key, name, prices, most }) {
  if (!name.trim()) reader.miss(`types.${key}`, "setup.r_name");
  const limit = most.trim() === "" ? {} : { max_per_order: reader.number(`types.${key}`, most) };
  return { name: name.trim(), prices: reader.prices(`types.${key}.prices`, prices), ...limit };
}

/** @param {Reader} reader @param {string} zone */
function lineOf(reader, zone) {
  const { values } = reader;
  if (values.line === "none") return null;
  const perMin = values.line_per_min.trim();
  return {
    ...values.line_rest, mode: values.line,
    gather_at: momentOf(values.line_gather, zone), opens_at: momentOf(values.line_opens, zone),
    identity: values.line_identity, again: values.line_again,
    turn_s: reader.number("line", values.line_turn_s),
    turns_per_min: perMin === "" ? null : reader.number("line", perMin),
    gate: {
      per_address: 50, account_days: 0, ...values.line_rest.gate, bits: reader.number("line", values.line_bits),
      captcha: values.line_captcha,
    },
  };
}

/** @param {any} one @param {any} other */
export const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/**
 * What to send so that an event becomes as the form has it: prices and types are merged
 * there, so one that is gone is sent as null. Times are sent together, since they would
 * move along with the beginning.
 * @param {Values} before @param {Values} after @returns {{patch: Record<string, any>, wrong: Wrong[]}}
 */
export function patchOf(before, after) {
  const former = bodyOf(before).body;
  const { body, wrong } = bodyOf(after);
  /** @type {Record<string, any>} */
  const patch = {};
  for (const [name, value] of Object.entries(body)) {
    if (isSame(value, former[name])) continue;
    const gone = name === "prices" || name === "types"
      ? Object.keys(former[name]).filter((key) => !(key in value)) : [];
    patch[name] = gone.length ? { ...value, ...Object.fromEntries(gone.map((key) => [key, null])) } : value;
  }
  if ("starts_at" in patch) for (const name of TIMES) patch[name] = body[name];
  return { patch, wrong };
}

/**
 * What two made of the same event: what only they changed is theirs, and what both did is
 * mine, and named.
 * @param {Values} base @param {Values} mine @param {Values} theirs
 * @returns {{values: Values, clashes: string[]}}
 */
export function mergedWith(base, mine, theirs) {
  const values = { ...mine };
  const clashes = [];
  for (const name of Object.keys(theirs)) {
    if (isSame(mine[name], base[name])) values[name] = theirs[name];
    else if (!isSame(theirs[name], base[name]) && !isSame(theirs[name], mine[name])) clashes.push(name);
  }
  return { values, clashes };
}

/** @param {string} name @param {{key: string}[]} others @returns {string} a key for a type */
export function typeKey(name, others) {
  const plain = name.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "");
  const wanted = plain.slice(0, KEY_MAX) || "type";
  let key = wanted;
  for (let n = 2; others.some((one) => one.key === key); n++) key = `${wanted}_${n}`;
  return key;
}
