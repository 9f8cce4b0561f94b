// @ts-check
// What was promised of the order before anybody joined, for everyone to keep.

import { html } from "../vendor/preact/standalone.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./place.js").Place} Place */

/** @param {{t: Translate, place: Place}} props */
export function Fair({ t, place }) {
  const { line } = place;
  if (line.mode !== "draw" || line.commitment === null) return null;
  return html`<details class="fair briefly"><summary>${t("line.fair")}</summary>
    <div class="stack small"><p>${t("line.fairWords")}</p>
    <dl class="facts"><dt>${t("line.commitment")}</dt>
      <dd><code data-testid="line-commitment">${line.commitment}</code></dd></dl></div></details>`;
}
