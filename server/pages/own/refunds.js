// @ts-check
// Money of an order that went back, or is on its way: how each part of it stands, live.

import { Refused, Unreachable, askJson } from "../client/index.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { dayText, moneyText } from "../words/format.js";

/** @typedef {import("../words/index.js").Translate} Translate */

const AGAIN_MS = 5_000; // where no frame comes
const PENDING = new Set(["requested", "sent"]);

/** How a refund stands, in a look and words. @param {Translate} t @param {string} status */
function stateOf(t, status) {
  switch (status) {
    case "settled": return ["good", t("own.refundSettled")];
    case "by_hand": return ["good", t("own.refundByHand")];
    case "failed": return ["bad", t("own.refundFailed")];
    default: return ["wait", t("own.refundPending")];
  }
}

/**
 * @param {{t: Translate, order: any, token: string,
 *   follower: import("./follow.js").OrderFollower}} props
 */
export function Refunds({ t, order, token, follower }) {
  const [items, setItems] = useState(/** @type {any[]} */ ([]));
  const none = order.refund === "none";
  useEffect(() => {
    if (none) return undefined;
    let timer = 0;
    let late = false;
    askJson(`${follower.path}/refunds`, { token }).then(
      (found) => {
        if (late) return;
        setItems(found.items);
        // Each load of the order looks here once more.
        if (found.items.some((/** @type {any} */ one) => PENDING.has(one.status)))
          timer = setTimeout(() => follower.load(), AGAIN_MS);
      },
      (error) => {
        // It is told as soon as somebody answers; the order itself says the sum.
        if (!(error instanceof Refused) && !(error instanceof Unreachable)) throw error;
      },
    );
    return () => {
      late = true;
      clearTimeout(timer);
    };
  }, [order, token]);
  const again = new Set(items.map((one) => one.instead_of));
  const shown = items.filter((one) => !again.has(one.refund));
  if (none || !shown.length) return null;
  const labels = new Map(order.lines.map((/** @type {any} */ one) => [one.line, one.label]));
  return html`<div><h3>${t("own.refunds")}</h3>
    <ul class="things" aria-live="polite">${shown.map((one) => {
      const [look, words] = stateOf(t, one.status);
      const what = one.lines.map((/** @type {number} */ line) => labels.get(line)).join(", ");
      return html`<li key=${one.refund} data-testid="refund" data-state=${one.status}>
        <div><b class="number">${moneyText(one.amount)}</b>
          <p class="quiet small"><bdi>${what}</bdi>${what && " · "}${dayText(Date.parse(one.at))}</p>
        </div><span class=${`pill ${look}`}>${words}</span></li>`;
    })}</ul></div>`;
}
