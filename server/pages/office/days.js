// @ts-check
// What came in and went back by the days of the event's zone.

import { useWork } from "../own/forms.js";
import { askOwnJson } from "../own/owner.js";
import { Button, Wrong } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { moneyText, momentIn, numberText } from "../words/format.js";

/** @typedef {import("../words/index.js").Translate} Translate */

/** @param {{amount: number, currency: string}[]} sums @returns {string} by currency */
const sumsText = (sums) => (sums.length ? sums.map(moneyText).join(" + ") : "–");

/**
 * The last days on which something happened, once somebody wants to see them.
 * @param {{t: Translate, home: string, zone: string}} props
 */
export function Days({ t, home, zone }) {
  const work = useWork(t);
  const [trend, setTrend] = useState(/** @type {any[] | null} */ (null));
  const show = () => work.run(async () => {
    const path = `${home}/analytics?step=day&tz=${encodeURIComponent(zone)}`;
    setTrend((await askOwnJson(path)).trend);
  });
  return html`<section class="card stack" aria-labelledby="days-title">
    <h2 id="days-title">${t("office.days")}</h2>
    <${Wrong} text=${work.trouble} />
    ${trend === null ? html`<div class="row"><${Button} busy=${work.busy} data-testid="show-days"
        onClick=${show}>${t("office.showDays")}<//></div>`
      : trend.length === 0 ? html`<p class="quiet">${t("office.noDays")}</p>`
      : html`<div class="wide" tabindex="0" role="group" aria-labelledby="days-title"><table class="figures" data-testid="days">
        <thead><tr>${["day", "orders", "paid", "less", "returned", "net"].map((name) =>
          html`<th scope="col" key=${name}>${t(`office.day_${name}`)}</th>`)}</tr></thead>
        <tbody>${trend.toReversed().map((one) => html`<tr key=${one.at}>
          <th scope="row">${momentIn(one.at, zone, { dateStyle: "medium" })}</th>
          <td>${numberText(one.bookings)}</td><td>${sumsText(one.paid)}</td>
          <td>${sumsText(one.discounts)}</td><td>${sumsText(one.returned)}</td>
          <td>${sumsText(one.net)}</td></tr>`)}</tbody></table></div>`}
  </section>`;
}
