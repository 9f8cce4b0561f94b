// @ts-check
// Finding a ticket by its number or place, in what the device has taken along.

import { useModal } from "../parts/dialog.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { claimsOf, tidied } from "./gate/code.js";

const SHOWN_MAX = 20;

/**
 * @param {{t: import("../words/index.js").Translate, gate: import("./gate/gate.js").Gate,
 *   scan: (code: string) => void, close: () => void}} props
 */
export function Search({ t, gate, scan, close }) {
  const dialog = useModal();
  const [text, setText] = useState("");
  const { found, more } = gate.bundle.find(text, SHOWN_MAX);
  const status = (/** @type {import("./gate/judge.js").Ticket} */ one) => {
    if (["revoked", "locked"].includes(one.status)) return t(`door.${one.status}`);
    if (!one.listed) return t("door.notListed");
    const { standing } = gate.standing(one.number);
    return t(`door.${{ never: "never", in: "isIn", out: "isOut" }[standing]}`);
  };
  // A scanner types wherever one is.
  const submit = (/** @type {any} */ event) => {
    event.preventDefault();
    if (claimsOf(tidied(text)) === null) return;
    dialog.current?.close();
    scan(text);
  };
  const isEmpty = gate.bundle.takenAt === 0;
  return html`<dialog ref=${dialog} class="door-search" aria-labelledby="search-title"
    onClose=${close}>
    <form class="stack" onSubmit=${submit}>
      <div class="row apart"><h2 id="search-title">${t("door.searchTitle")}</h2>
        <button type="button" class="button" onClick=${() => dialog.current?.close()}>
          ${t("common.close")}</button></div>
      <label class="field"><span>${t("door.searchHint")}</span>
        <input type="search" autocomplete="off" data-testid="search-text" value=${text}
          onInput=${(/** @type {any} */ event) => setText(event.target.value)} /></label>
      <div role="status">
        ${isEmpty && html`<p class="quiet">${t("door.searchEmpty")}</p>`}
        ${text.trim() !== "" && found.length === 0 && !isEmpty && html`
          <p class="quiet">${t("door.searchNone")}</p>`}
        <ul>${found.map((one) => html`<li key=${one.number} class="door-found" data-testid="found">
          <strong dir="auto">${one.label}</strong> <span class="number quiet">${one.number}</span>
          <span class="pill">${status(one)}</span></li>`)}</ul>
        ${more > 0 && html`<p class="quiet">${t("door.searchMore", { n: more })}</p>`}
      </div>
    </form></dialog>`;
}
