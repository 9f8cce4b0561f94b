// @ts-check
// What an event is, where, and when.

import { html } from "../vendor/preact/standalone.js";
import { inputsOf } from "./inputs.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {{t: Translate, values: any, set: import("./inputs.js").Set}} Props */

/** @param {Props} props */
export function What({ t, values, set }) {
  const { text, lines } = inputsOf(values, set);
  return html`<section class="card stack"><h2>${t("setup.what")}</h2>
    ${text("name", t("setup.name"), { required: true, maxlength: 200 })}
    ${lines("description", t("setup.description"), { maxlength: 10_000, rows: 5 })}
    <div class="fields">${text("category", t("setup.kind"), { maxlength: 50, hint: t("setup.kindHint") })}
      ${text("tags", t("setup.tags"), { hint: t("setup.tagsHint") })}</div></section>`;
}

/**
 * Where a new event is, and whose: that stays.
 * @param {Props & {venues: any[], organisations: any[]}} props
 */
export function Where({ t, values, set, venues, organisations }) {
  const { choice, number } = inputsOf(values, set);
  const places = /** @type {[string, string][]} */ ([
    ["", t("setup.noVenue")], ...venues.map(({ id, name }) => [id, name]),
  ]);
  return html`<section class="card stack"><h2>${t("setup.where")}</h2>
    <div class="fields">
      ${choice("venue", t("setup.venue"), places, { hint: t("setup.venueHint") })}
      ${values.venue === "" && number("capacity", t("setup.capacity"))}
      ${organisations.length > 0 && choice("organisation", t("setup.organisation"),
        organisations.map(({ id, name }) => [id, name]))}
    </div>
    <p><a href="/organise/venues/new">${t("setup.newVenue")}</a></p></section>`;
}

/** Where an event is that is there. @param {Props & {event: any}} props */
export function Place({ t, values, set, event }) {
  const { number } = inputsOf(values, set);
  return html`<section class="card stack"><h2>${t("setup.where")}</h2>
    ${event.venue === null ? html`<div class="fields">${number("capacity", t("setup.capacity"),
        { hint: t("setup.capacityHint") })}</div>`
      : html`<p><a href=${`/organise/venues/${encodeURIComponent(event.venue)}`} dir="auto">${event.venue_name}</a></p>
        <p class="quiet">${t("setup.venueStays")}</p>`}</section>`;
}

/** @param {Props} props */
export function When({ t, values, set }) {
  const { text } = inputsOf(values, set);
  const time = (/** @type {string} */ name, /** @type {string} */ label, hint = "") =>
    text(name, label, { type: "datetime-local", hint });
  return html`<section class="card stack"><h2>${t("setup.when")}</h2>
    <div class="fields times">
      ${text("timezone", t("setup.timezone"), { list: "zones", hint: t("setup.timezoneHint") })}
      ${time("starts_at", t("setup.starts"))}
      ${time("ends_at", t("setup.ends"), t("setup.endsHint"))}
      ${time("on_sale_at", t("setup.onSale"), t("setup.onSaleHint"))}
      ${time("off_sale_at", t("setup.offSale"), t("setup.offSaleHint"))}
    </div>
    <datalist id="zones">${Intl.supportedValuesOf("timeZone").map((one) =>
      html`<option key=${one} value=${one} />`)}</datalist></section>`;
}
