// @ts-check
// What one scan came to: a colour, a sign, words, a sound and a shake, each enough by itself.

import { html, useEffect, useRef } from "../vendor/preact/standalone.js";
import { clockText } from "../words/format.js";

const SIGNS = { good: "✓", again: "↺", bad: "✕", undone: "↶" };

/** @typedef {import("./gate/gate.js").Told} Told */
/** @typedef {import("../words/index.js").Translate} Translate */

/** @param {Told} told @returns {"good" | "again" | "bad" | "undone"} */
export function toneOf({ result, undone }) {
  if (undone) return "undone";
  if (result === "already_in") return "again";
  return result === "ok" ? "good" : "bad";
}

/**
 * @param {Translate} t @param {Told} told @param {boolean} online
 * @returns {{title: string, more: string}}
 */
function wordsOf(t, told, online) {
  const { result, before } = told;
  if (told.undone) {
    return { title: t("door.undone"), more: t(online ? "door.undoneWords" : "door.undoneLater") };
  }
  let more = t(`door.${result}Words`, {});
  if (result === "already_in") {
    const time = before ? clockText(before.at) : "";
    const way = before === null ? "Unknown" : before.gate === "" ? "NoGate" : "Words";
    more = t(`door.already_in${way}`, { time, gate: before?.gate ?? "" });
  } else if (told.sold) more = t("door.okSold");
  const title = result === "ok" && told.direction === "out" ? "okOut" : result;
  return { title: t(`door.${title}`), more };
}

/** @param {{t: Translate, told: Told | null, fresh: boolean, online: boolean}} props */
export function Result({ t, told, fresh, online }) {
  const place = useRef(/** @type {any} */ (null));
  useEffect(() => place.current?.scrollIntoView({ block: "nearest" }), [told]);
  const said = told === null ? null : wordsOf(t, told, online);
  if (said === null || told === null) {
    return html`<div class="door-result"><${Spoken} /><div class="door-ready">
      <p class="door-title">${t("door.ready")}</p>
      <p class="quiet">${t("door.readyHint")}</p></div></div>`;
  }
  const id = `${told.nonce}${told.undone}`;
  const number = told.result === "bad_signature" ? null : told.number; // nobody signed it
  const alone = told.alone ? t("door.alone") : "";
  const time = t("door.checkedAt", { time: clockText(told.at) });
  return html`<div class="door-result">
    <${Spoken} id=${id} text=${`${said.title}. ${told.label}. ${said.more} ${alone}`} />
    <div ref=${place} key=${id} class="door-told" data-testid="scan-result" data-tone=${toneOf(told)}
      data-result=${told.undone ? "undone" : told.result} data-fresh=${String(fresh)}>
      <span class="door-sign" aria-hidden="true">${SIGNS[toneOf(told)]}</span>
      <p class="door-title">${said.title}</p>
      ${told.label && html`<p class="door-label" dir="auto">${told.label}</p>`}
      ${told.category && told.category !== told.label && html`<p dir="auto">${told.category}</p>`}
      ${number && html`<p class="number small">${number}</p>`}
      <p>${said.more}</p>
      <p class="small">${fresh ? "" : `${t("door.last")} `}${time}
        ${alone && html` <strong class="door-alone" data-testid="scan-offline">${alone}</strong>`}</p>
    </div>
  </div>`;
}

/**
 * What is read out at once. The region is there before its words are, and each scan has a
 * paragraph of its own: else the same result twice would be read out once.
 * @param {{id?: string, text?: string}} props
 */
function Spoken({ id, text = "" }) {
  return html`<div class="unseen" aria-live="assertive"><p key=${id}>${text}</p></div>`;
}
