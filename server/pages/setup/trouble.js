// @ts-check
// What the interface says no to about events, in words; and what is wrong with which field.

import { Refused } from "../client/index.js";
import { troubleText } from "../own/forms.js";
import { reasonIn } from "../parts/reasons.js";
import { html } from "../vendor/preact/standalone.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./terms.js").Wrong} Wrong */
/** @typedef {{field: string, detail: string}} Fault */

const MEANINGS = {
  tickets_sold: "setup.t_sold",
  wrong_state: "setup.t_state",
  venue_taken: "setup.t_taken",
  forbidden: "setup.t_forbidden",
  event_not_found: "setup.t_notFound",
  precondition_failed: "setup.t_meanwhile",
  limit_reached: "setup.t_limit",
  bad_field: "setup.t_fields",
  bad_image: "setup.t_image",
  too_large: "setup.t_imageSize",
  key_reused: "setup.t_made",
};

/** Refusals whose sentence says more than their code. */
const DETAILS = /** @type {[string, string][]} */ ([
  ["the currency stays", "setup.d_currency"],
  ["^(\\d+) places are held, booked or blocked", "setup.d_capacity"],
  ["^The places of a venue stay", "setup.d_drawn"],
  ["^The event is cancelled", "setup.d_cancelled"],
  ["^The event is completed", "setup.d_completed"],
  ["nobody takes payments here", "setup.d_noProvider"],
  ["^(.+?) has the venue at that time", "setup.d_taken"],
]);

/** What the interface says of fields: the sentence, and our words for it. */
export const REASONS = /** @type {[string, string][]} */ ([
  ["^In the past", "setup.r_past"],
  ["^Not after starts_at", "setup.r_endsBefore"],
  ["^After starts_at", "setup.r_opensLate"],
  ["^Not after on_sale_at", "setup.r_closesBefore"],
  ["^After the event is over", "setup.r_closesLate"],
  ["has no price; 0 is one", "setup.r_noPrice"],
  ["^The category itself has no price", "setup.r_typePrice"],
  ["^All prices of an event are in one currency", "setup.r_oneCurrency"],
  ["^ISO 4217 has no currency ([A-Z]*)", "setup.r_currency"],
  ["^Expected three capital letters", "setup.r_currency"],
  ["^At most ([0-9,]+)", "setup.r_most"],
  ["^Expected a whole number from ([0-9-]+) to ([0-9-]+)", "setup.r_between"],
  ["^There is no such venue", "setup.r_venue"],
  ["^There is no such organisation", "setup.r_organisation"],
  ["nobody takes payments here", "setup.d_noProvider"],
  ["cannot be paid here", "setup.r_unpayable"],
  ["IANA", "setup.r_zone"],
  ["^Only for events with just a capacity", "setup.r_registration"],
  ["^The places of a venue stay", "setup.d_drawn"],
  ["^This is missing", "setup.r_missing"],
  ["nothing but blanks|nothing that can be seen", "setup.r_name"],
]);

/** Fields of the interface that the form calls otherwise, by the first step of their path. */
const TITLES = {
  name: "setup.name", description: "setup.description", category: "setup.kind", tags: "setup.tags",
  venue: "setup.venue", capacity: "setup.capacity", organisation: "setup.organisation",
  timezone: "setup.timezone", starts_at: "setup.starts", ends_at: "setup.ends",
  on_sale_at: "setup.onSale", off_sale_at: "setup.offSale", prices: "setup.prices",
  types: "setup.types", fees: "setup.fees", tax: "setup.tax", payment: "setup.payment",
  pay_s: "setup.payMin", hold_ttl_s: "setup.holdMin", max_per_user: "setup.perUser",
  max_per_booking: "setup.perBooking", max_held_per_network: "setup.perNetwork",
  cancel_until_s: "setup.cancelHours", registration: "setup.registration", line: "setup.line",
  late: "setup.late",
};

/** @param {Translate} t @param {string} field @returns {string} what the form calls it */
export function fieldText(t, field) {
  const [top] = field.split(".");
  return top in TITLES ? t(TITLES[/** @type {keyof typeof TITLES} */ (top)]) : field;
}

/** @param {unknown} error @returns {Fault[]} */
const faultsOf = (error) => (error instanceof Refused ? error.problem.errors ?? [] : []);

/** As `troubleText`, with what is told of events. @param {Translate} t @param {unknown} error */
export function eventText(t, error) {
  if (!(error instanceof Refused)) return troubleText(t, error);
  const code = error.code ?? "";
  if (faultsOf(error).length > 0) return t("setup.t_fields");
  if (!(code in MEANINGS)) return troubleText(t, error);
  return reasonIn(t, DETAILS, error.message, MEANINGS[/** @type {keyof typeof MEANINGS} */ (code)]);
}

/**
 * What is wrong with which field, of the form's own and of the interface's finding.
 * @param {{t: Translate, wrong: Wrong[], refused: unknown, nameOf: (field: string) => string}} props
 *   `nameOf` says which category or type a field is of, if any
 */
export function WrongFields({ t, wrong, refused, nameOf }) {
  const faults = faultsOf(refused);
  if (wrong.length + faults.length === 0) return null;
  const line = (/** @type {string} */ field, /** @type {string} */ why, rest = "") =>
    html`<li key=${field} data-testid="wrong-field" data-field=${field}>
      <strong>${fieldText(t, field)}${nameOf(field) && html`: <span dir="auto">${nameOf(field)}</span>`}</strong>
      <span>${why}</span>${rest && html`<small class="quiet" lang="en">${rest}</small>`}</li>`;
  return html`<ul class="wrong-fields" aria-label=${t("setup.t_fields")}>
    ${wrong.map(({ field, words }) => line(field, t(words, { a: "", b: "" })))}
    ${faults.map(({ field, detail }) => {
      const why = reasonIn(t, REASONS, detail, "setup.r_other");
      return line(field, why, why === t("setup.r_other") ? detail : "");
    })}</ul>`;
}
