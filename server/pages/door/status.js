// @ts-check
// How the gate stands: connected or not, what waits, how many are in, what to look into.

import { html } from "../vendor/preact/standalone.js";
import { clockText, numberText } from "../words/format.js";

/**
 * @typedef {{t: import("../words/index.js").Translate, gate: import("./gate/gate.js").Gate}}
 *   Shown
 */

/** @param {Shown & {settings: import("./gate/gate.js").Settings, again: () => void}} props */
export function Status({ t, gate, settings, again }) {
  const { facts } = gate.bundle;
  const n = gate.ledger.waiting.length;
  return html`<header class="door-top">
    <div class="row apart">
      <h1 class="door-name" dir="auto">${facts?.name ?? t("door.title")}</h1>
      <button type="button" class="button" onClick=${again} aria-label=${t("door.settings")}
        title=${t("door.settings")} data-testid="door-settings">
        <span aria-hidden="true">⚙</span></button>
    </div>
    <div class="row">
      <p class=${gate.online ? "pill good" : "pill wait"} role="status" data-testid="connection"
        data-online=${String(gate.online)}><span aria-hidden="true">${gate.online ? "●" : "○"}</span>
        ${t(gate.online ? "door.online" : "door.offline")}</p>
      ${n > 0 && html`<p class="pill wait" data-testid="waiting" data-count=${n}>
        ${t("door.waiting", { n })}</p>`}
      <p class="pill">${t(`door.${settings.direction}`)}</p>
      ${settings.gate
        ? html`<p class="pill" dir="auto">${settings.gate}</p>`
        : html`<button type="button" class="button bare" onClick=${again}>
          ${t("door.nameGate")}</button>`}
      ${facts && settings.list !== "main" && html`
        <p class="pill" dir="auto">${facts.list.name}</p>`}
    </div>
    <${Counts} t=${t} gate=${gate} />
  </header>`;
}

/** @param {Shown} props */
function Counts({ t, gate }) {
  const { counted, gates } = gate;
  if (counted === null) return null;
  const of = gate.bundle.takenAt > 0 ? ` ${t("door.countOf", { n: gate.bundle.expected })}` : "";
  const fact = (/** @type {number} */ value, /** @type {string} */ name, more = "") => html`<div>
    <dd class="number">${numberText(value)}${more}</dd><dt>${t(`door.${name}`)}</dt></div>`;
  return html`<details class="door-counts" data-testid="counts" data-in=${counted.in}
    data-out=${counted.out} data-double=${counted.double}>
    <summary aria-label=${t("door.counts")}><dl>
      ${fact(counted.in, "countIn", of)}${counted.out > 0 && fact(counted.out, "countOut")}
      ${fact(counted.per_min, "countMinute")}
      ${counted.double > 0 && fact(counted.double, "countDouble")}
    </dl></summary>
    <h2 class="unseen">${t("door.byGate")}</h2>
    <ul class="door-gates">${gates.map((one) => html`<li key=${one.gate} class="row apart">
      <span dir="auto">${one.gate || t("door.noGate")}</span>
      <span class="number quiet">${numberText(one.in)} ${t("door.countIn")} ·
        ${" "}${numberText(one.per_min)} ${t("door.countMinute")}</span></li>`)}</ul>
  </details>`;
}

/** What people at the door have to know. @param {Shown & {again: () => void}} props */
export function Troubles({ t, gate, again }) {
  const { takenAt } = gate.bundle;
  const { refused, online } = gate;
  const stuck = gate.ledger.stuck;
  const notes = [];
  if (!isSecureContext) notes.push(t("door.insecure"));
  else if (!gate.vault.lasting) notes.push(t("door.notLasting"));
  if (refused === null && !online) {
    const time = clockText(takenAt);
    notes.push(takenAt > 0 ? t("door.offlineHint", { time }) : t("door.offlineNothing"));
  }
  if (stuck.length > 0) notes.push(t("door.stuck", { n: stuck.length, why: stuck[0].stuck }));
  return html`<div class="door-notes" role="status">
    ${refused && html`<div class="note bad stack"><p>${t("door.refused", { detail: refused.message })}</p>
      <button type="button" class="button" onClick=${again}>${t("door.pairAgain")}</button></div>`}
    ${notes.map((text) => html`<p class="note wait">${text}</p>`)}
  </div>`;
}

/** Who is in and should not be. @param {Shown} props */
export function Alarms({ t, gate }) {
  const { alarms } = gate.ledger;
  if (alarms.length === 0) return null;
  const text = (/** @type {import("./gate/ledger.js").Alarm} */ one) => {
    const isKnown = ["double_entry", "entered_revoked"].includes(one.outcome);
    const name = isKnown ? one.outcome : "alarmOther";
    const other = one.other === null ? "" : clockText(Date.parse(one.other.at));
    const gateName = (/** @type {string | undefined} */ known) => known || t("door.noGate");
    return t(`door.${name}`, {
      label: one.label || one.number || "?", time: clockText(one.at), gate: gateName(one.gate),
      other, otherGate: gateName(one.other?.gate),
    });
  };
  const settle = async (/** @type {string} */ nonce) => {
    await gate.ledger.settle(nonce);
    gate.show();
  };
  return html`<section class="door-alarms note bad stack" role="alert" data-testid="alarms">
    <h2>${t("door.alarms")}</h2>
    <ul class="stack">${alarms.map((one) => html`
      <li key=${one.nonce} class="row apart" data-outcome=${one.outcome}>
      <span dir="auto">${text(one)}</span>
      <button type="button" class="button" onClick=${() => settle(one.nonce)}>
        ${t("door.settled")}</button></li>`)}</ul>
  </section>`;
}
