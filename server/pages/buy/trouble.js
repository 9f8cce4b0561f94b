// @ts-check
// What the server said no to, in words: what happened, and what to do next. Where a place
// was lost, others like it are offered.

import { html, useEffect, useRef } from "../vendor/preact/standalone.js";
import { momentIn, moneyText } from "../words/format.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./sale.js").Trouble} Trouble */
/** @typedef {import("./sale.js").Sale} Sale */

const KNOWN = new Set([
  "unauthenticated",
  "forbidden",
  "event_not_found",
  "sale_not_open",
  "sale_paused",
  "sale_closed",
  "wait_your_turn",
  "turn_over",
  "hold_not_found",
  "hold_expired",
  "hold_pledged",
  "extend_limit",
  "too_many_seats",
  "user_limit",
  "already_booked",
  "seat_not_found",
  "area_not_found",
  "type_not_found",
  "type_limit",
  "code_invalid",
  "code_used_up",
  "held_too_often",
  "seat_not_free",
  "not_enough_seats",
  "no_companion",
  "orphan_seat",
  "payment_required",
  "overloaded",
  "unavailable",
  "outcome_unknown",
  "provider_unavailable",
  "rate_limited",
  "expired",
  "price_changed",
  "unreachable",
]);

/** @param {Translate} t @param {Trouble} trouble @param {any} event @returns {string} */
export function troubleText(t, trouble, event) {
  const { code, seats = [], orphans = [], limit, has, free, deadline, retry_after_ms } = trouble;
  if (!KNOWN.has(code)) return trouble.detail ?? t("buy.no_unknown");
  const most = limit ?? event?.max_per_user ?? 0;
  const values = {
    n: code === "not_enough_seats" ? (free ?? 0) : code === "seat_not_free" ? seats.length : most,
    seats: [...seats, ...orphans].join(", "),
    has: has ?? 0,
    at: deadline ? momentIn(deadline, zoneHere(), { timeStyle: "short" }) : "",
    minutes: Math.max(1, Math.ceil((retry_after_ms ?? 0) / 60_000)),
    total: trouble.total ? moneyText(trouble.total) : "",
  };
  if (code === "held_too_often" && limit !== undefined) return t("buy.no_held_by_network", values);
  if (code === "held_too_often" && !retry_after_ms) return t("buy.no_held_later", values);
  return t(`buy.no_${code}`, values);
}

// Deadlines of minutes are told on the clock that the reader looks at.
const zoneHere = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** @param {{t: Translate, sale: Sale}} props */
export function TroubleNote({ t, sale }) {
  const { trouble, event } = sale;
  const offered = useRef(/** @type {HTMLElement | null} */ (null));
  const alternatives = trouble?.alternatives ?? [];
  useEffect(() => {
    // What has the focus is gone with the seat; what to do next is here.
    if (alternatives.length && document.activeElement === document.body) {
      offered.current?.querySelector("button")?.focus({ preventScroll: true });
    }
  }, [trouble]);
  return html`<div role="alert">${
    trouble &&
    html`<div class="note wait stack trouble">
    <p>${troubleText(t, trouble, event)}</p>
    ${
      alternatives.length > 0 &&
      html`<div data-testid="alternatives" class="row" ref=${offered}>
      ${alternatives.map(
        (/** @type {string[]} */ seats) => html`<button key=${seats.join()} type="button"
        class="button" onClick=${() => sale.holdSeats(seats)}>
        <span class="unseen">${t("buy.takeInstead")}</span><bdi>${seats.join(", ")}</bdi></button>`,
      )}
    </div>`
    }
    ${
      trouble.code === "hold_pledged" &&
      sale.order !== null &&
      html`<p>
      <a class="button" href=${`/orders/${encodeURIComponent(sale.order)}`}>${t("buy.toOrder")}</a>
        </p>`
    }
    <button type="button" class="button bare" onClick=${() => sale.say(null)}>
      ${t("common.close")}</button>
  </div>`
  }</div>`;
}
