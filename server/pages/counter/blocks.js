// @ts-check
// Taking seats off sale, and putting them back: those that were picked on the map.

import { useWork } from "../own/forms.js";
import { askOwnJson } from "../own/owner.js";
import { newKey } from "../client/index.js";
import { Button, Wrong } from "../parts/forms.js";
import { html, useEffect, useMemo, useState } from "../vendor/preact/standalone.js";

/** @typedef {import("../words/index.js").Translate} Translate */

const BLOCKED = "x".charCodeAt(0);
const SHOWN_MAX = 200;
const FREE = "f".charCodeAt(0);

const REASON_MAX = 200; // as the interface has it

/** @typedef {{reason: string | null, seats: string[]}} Group seats that are off sale, and why */

/** @param {import("./till.js").Till} till @returns {string[]} seats that are off sale */
const closedOf = ({ map, state }) => map.seats
  .filter((/** @type {any} */ one) => state?.seats[one.index] === BLOCKED)
  .map((/** @type {any} */ one) => one.label);

/**
 * Why seats are off sale: asked for whenever other seats are. Until it is known, and where
 * nobody answers, they are off sale for no reason that is told.
 * @param {Translate} t @param {import("./till.js").Till} till
 * @returns {{groups: Group[], remarks: Map<number, string>}}
 */
export function useReasons(t, till) {
  const [told, setTold] = useState(/** @type {Group[]} */ ([]));
  const off = useMemo(() => closedOf(till), [till.map, till.figures]);
  const which = off.join("\n");
  useEffect(() => {
    if (!which) return undefined;
    let ended = false;
    askOwnJson(`${till.path}/blocked`).then(
      ({ items }) => !ended && setTold(items),
      () => undefined, // the next change asks again
    );
    return () => {
      ended = true;
    };
  }, [which]);
  return useMemo(() => {
    const still = new Set(off);
    const known = new Map(told.flatMap(({ reason, seats }) => seats
      .filter((label) => reason !== null && still.has(label)).map((label) => [label, reason])));
    /** @type {Map<string | null, string[]>} */
    const groups = new Map();
    for (const label of off) {
      const reason = known.get(label) ?? null;
      groups.set(reason, [...groups.get(reason) ?? [], label]);
    }
    const remarks = new Map([...known].map(([label, reason]) =>
      [till.indexes?.get(/** @type {string} */ (label)) ?? -1, t("counter.because", { reason: reason ?? "" })]));
    return { groups: [...groups].map(([reason, seats]) => ({ reason, seats })), remarks };
  }, [which, told]);
}

/** Seats to pick by their names. @param {{labels: string[], picked: string[], name: string,
 *   onPick: (label: string) => void}} props */
const Chips = ({ labels, picked, name, onPick }) => html`<ul class="row chips" aria-label=${name}>
  ${labels.map((label) => html`<li key=${label}><button type="button" class="pill" data-chip=${label}
    aria-pressed=${picked.includes(label)} onClick=${() => onPick(label)}><bdi>${label}</bdi></button>
    </li>`)}</ul>`;

/**
 * @param {{t: Translate, till: import("./till.js").Till, picked: string[], groups: Group[],
 *   onPicked: (picked: string[]) => void}} props
 */
export function Blocks({ t, till, groups, picked, onPicked }) {
  const work = useWork(t);
  const [told, setTold] = useState("");
  const [reason, setReason] = useState("");
  const of = (/** @type {number} */ code) =>
    picked.filter((label) => till.state?.seats[till.indexes?.get(label) ?? -1] === code);
  const [free, blocked] = [of(FREE), of(BLOCKED)];
  const toggle = (/** @type {string} */ label) => onPicked(picked.includes(label)
    ? picked.filter((one) => one !== label) : [...picked, label]);
  const act = (/** @type {"block" | "unblock"} */ op, /** @type {any} */ what) => work.run(async () => {
    setTold("");
    const why = op === "block" && reason.trim() ? { reason: reason.trim() } : {};
    const body = { op, ...what, ...why };
    const reply = await askOwnJson(`${till.path}/commands`, { method: "POST", body, key: newKey() });
    const n = reply.seats.length + Object.values(reply.areas)
      .reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one, 0);
    setTold(t(op === "block" ? "counter.blocked" : "counter.unblocked", { n }));
    setReason("");
    onPicked([]);
  });
  const offSale = groups.reduce((sum, { seats }) => sum + seats.length, 0);
  return html`<section class="stack" aria-labelledby="block-title" data-testid="blocks">
    <h2 id="block-title">${t("counter.block")}</h2>
    <p>${t("counter.blockWords")}</p>
    ${free.length > 0 && html`<${Chips} labels=${free} picked=${picked} onPick=${toggle}
      name=${t("counter.picked")} />`}
    ${free.length > 0 && html`<label class="field"><span>${t("counter.blockReason")}</span>
      <input maxlength=${REASON_MAX} data-testid="block-reason" value=${reason} autocomplete="off"
        onInput=${(/** @type {any} */ { target }) => setReason(target.value)} />
      <small>${t("counter.blockReasonHint")}</small></label>`}
    ${offSale > 0 && html`<h3>${t("counter.offSale", { n: offSale })}</h3>`}
    ${groups.map(({ reason: why, seats }) => html`<div key=${why ?? ""} data-testid="off-sale"
        data-reason=${why ?? ""}>${why !== null ? html`<p dir="auto"><b>${why}</b></p>`
          : groups.length > 1 && html`<p class="quiet">${t("counter.noReason")}</p>`}
      <${Chips} labels=${seats.slice(0, SHOWN_MAX)} picked=${picked} onPick=${toggle}
        name=${why ?? t("counter.offSale", { n: seats.length })} /></div>`)}
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
