// @ts-check
// Somebody else edited the event meanwhile: what theirs is, beside mine, which is kept.

import { Button } from "../parts/forms.js";
import { html } from "../vendor/preact/standalone.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./terms.js").Values} Values */

const TITLES = {
  name: "setup.name", description: "setup.description", category: "setup.kind", tags: "setup.tags",
  capacity: "setup.capacity", timezone: "setup.timezone", starts_at: "setup.starts", ends_at: "setup.ends",
  on_sale_at: "setup.onSale", off_sale_at: "setup.offSale", currency: "setup.currency", prices: "setup.prices",
  types: "setup.types", payment: "setup.payment", pay_min: "setup.payMin", late: "setup.late",
  fee_order: "setup.feeOrder", fee_ticket: "setup.feeTicket", fee_percent: "setup.feePercent",
  fee_by: "setup.feeBy", fee_returns: "setup.feeReturns", tax_percent: "setup.taxPercent",
  tax_name: "setup.taxName", tax_included: "setup.taxIncluded", hold_min: "setup.holdMin",
  max_per_user: "setup.perUser", max_per_booking: "setup.perBooking",
  max_held_per_network: "setup.perNetwork", cancel_h: "setup.cancelHours",
  registration: "setup.registration", one_booking_per_user: "setup.oneBooking",
  prevent_orphans: "setup.noOrphans", waitlist: "setup.waitlist", line: "setup.lineMode",
  line_gather: "setup.lineGather", line_opens: "setup.lineOpens", line_identity: "setup.lineIdentity",
  line_turn_s: "setup.lineTurn", line_per_min: "setup.linePerMin", line_bits: "setup.lineBits",
  line_captcha: "setup.lineCaptcha", line_again: "setup.lineAgain", line_rest: "setup.line",
};

/** What choices are called, by field and value. */
const CHOICES = {
  payment: { none: "setup.payNone", required: "setup.payRequired" },
  late: { same: "setup.lateSame", refund: "setup.lateRefund" },
  fee_by: { buyer: "setup.feeBuyer", seller: "setup.feeSeller" },
  registration: { closed: "setup.registrationClosed", open: "setup.registrationOpen" },
  line: { none: "setup.lineNone", fifo: "setup.lineFifo", draw: "setup.lineDraw", list: "setup.lineList" },
  line_identity: { any: "setup.identityAny", email: "setup.identityEmail", account: "setup.identityAccount" },
};

const LOCAL_TIME = /^(\d{4}-\d\d-\d\d)T/;

/** @param {Translate} t @param {string} name @param {any} value @returns {string} as people read it */
function shownText(t, name, value) {
  const choice = /** @type {any} */ (CHOICES)[name]?.[value];
  if (choice !== undefined) return t(choice);
  if (typeof value === "boolean") return t(value ? "setup.yes" : "setup.no");
  if (Array.isArray(value)) return value.map((one) => one.name).join(", ") || t("setup.nothing");
  if (typeof value === "object" && value !== null) return Object.values(value).map(String).join(", ") || t("setup.nothing");
  return String(value ?? "").replace(LOCAL_TIME, "$1 ") || t("setup.nothing");
}

/**
 * @param {{t: Translate, clashes: string[], mine: Values, theirs: Values,
 *   onTake: (name: string) => void}} props
 */
export function Conflict({ t, clashes, mine, theirs, onTake }) {
  if (clashes.length === 0) return null;
  return html`<section class="note wait stack" data-testid="conflict">
    <h3>${t("setup.meanwhile")}</h3><p>${t("setup.meanwhileWords")}</p>
    <ul class="clashes">${clashes.map((name) => {
      const title = t(TITLES[/** @type {keyof typeof TITLES} */ (name)]);
      return html`<li key=${name} data-field=${name}><strong>${title}</strong>
        <span dir="auto">${t("setup.theirs", { value: shownText(t, name, theirs[name]) })}</span>
        <span dir="auto">${t("setup.mine", { value: shownText(t, name, mine[name]) })}</span>
        <${Button} aria-label=${t("setup.takeTheirsNamed", { name: title })} data-testid="take-theirs"
          onClick=${() => onTake(name)}>${t("setup.takeTheirs")}<//></li>`;
    })}</ul></section>`;
}
