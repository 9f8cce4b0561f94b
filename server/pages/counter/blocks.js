// @ts-check
// Taking seats off sale, and putting them back: those that were picked on the map.

import { useWork } from "../own/forms.js";
import { askOwnJson } from "../own/owner.js";
import { newKey } from "../client/index.js";
import { Button, Wrong } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";

/** @typedef {import("../words/index.js").Translate} Translate */

const BLOCKED = "x".charCodeAt(0);
const SHOWN_MAX = 200;
const FREE = "f".charCodeAt(0);

/** @param {import("./till.js").Till} till @returns {string[]} seats that are off sale */
const closedOf = ({ map, state }) => map.seats
  .filter((/** @type {any} */ one) => state?.seats[one.index] === BLOCKED)
  .map((/** @type {any} */ one) => one.label);

/** Seats to pick by their names. @param {{labels: string[], picked: string[], name: string,
 *   onPick: (label: string) => void}} props */
const Chips = ({ labels, picked, name, onPick }) => html`<ul class="row chips" aria-label=${name}>
  ${labels.map((label) => html`<li key=${label}><button type="button" class="pill" data-chip=${label}
    aria-pressed=${picked.includes(label)} onClick=${() => onPick(label)}><bdi>${label}</bdi></button>
    </li>`)}</ul>`;

/**
 * @param {{t: Translate, till: import("./till.js").Till, picked: string[],
 *   onPicked: (picked: string[]) => void}} props
 */
export function Blocks({ t, till, picked, onPicked }) {
  const work = useWork(t);
  const [told, setTold] = useState("");
  const of = (/** @type {number} */ code) =>
    picked.filter((label) => till.state?.seats[till.indexes?.get(label) ?? -1] === code);
  const [free, blocked] = [of(FREE), of(BLOCKED)];
  const closed = closedOf(till);
  const toggle = (/** @type {string} */ label) => onPicked(picked.includes(label)
    ? picked.filter((one) => one !== label) : [...picked, label]);
  const act = (/** @type {"block" | "unblock"} */ op, /** @type {any} */ what) => work.run(async () => {
    setTold("");
    const body = { op, ...what };
    const reply = await askOwnJson(`${till.path}/commands`, { method: "POST", body, key: newKey() });
    const n = reply.seats.length + Object.values(reply.areas)
      .reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one, 0);
    setTold(t(op === "block" ? "counter.blocked" : "counter.unblocked", { n }));
    onPicked([]);
  });
  return html`<section class="stack" aria-labelledby="block-title" data-testid="blocks">
    <h2 id="block-title">${t("counter.block")}</h2>
    <p>${t("counter.blockWords")}</p>
    ${free.length > 0 && html`<${Chips} labels=${free} picked=${picked} onPick=${toggle}
      name=${t("counter.picked")} />`}
    ${closed.length > 0 && html`<h3>${t("counter.offSale", { n: closed.length })}</h3>
      <${Chips} labels=${closed.slice(0, SHOWN_MAX)} picked=${picked} onPick=${toggle}
        name=${t("counter.offSale", { n: closed.length })} />`}
    <${Wrong} text=${work.trouble} />
    <p role="status" data-testid="blocks-told">${told}</p>
    <div class="row">
      ${free.length > 0 && html`<${Button} kind="danger" busy=${work.busy} data-testid="block"
        onClick=${() => act("block", { seats: free })}>
        ${t("counter.blockThem", { n: free.length })}<//>`}
      ${blocked.length > 0 && html`<${Button} busy=${work.busy} data-testid="unblock"
        onClick=${() => act("unblock", { seats: blocked })}>
        ${t("counter.unblockThem", { n: blocked.length })}<//>`}
      ${picked.length > 0 && html`<${Button} onClick=${() => onPicked([])}>
        ${t("counter.clear")}<//>`}
    </div>
    ${till.map.areas.length > 0 && html`<ul class="things">${till.map.areas.map(
      (/** @type {any} */ { label }) => {
        const counts = till.state?.areas.get(label);
        return html`<li key=${label}><span class="told"><bdi>${label}</bdi>
          <small class="quiet">${t("counter.areaIs", { free: counts?.free ?? 0,
            blocked: counts?.blocked ?? 0 })}</small></span>
          <span class="row">
            <${Button} busy=${work.busy || !counts?.blocked} aria-label=${t("counter.oneBack", { area: label })}
              onClick=${() => counts?.blocked && act("unblock", { areas: { [label]: 1 } })}>−<//>
            <${Button} busy=${work.busy || !counts?.free} aria-label=${t("counter.oneOff", { area: label })}
              onClick=${() => counts?.free && act("block", { areas: { [label]: 1 } })}>+<//>
          </span></li>`;
      })}</ul>`}
  </section>`;
}
