// @ts-check
// The box office of an event: places are taken on the map, by number or by area, and paid by
// hand. Keys do all of it: F2 chooses, F8 is cash, F9 is card, F4 is free, Enter goes on.

import { Areas, Choose } from "../buy/choose.js";
import { Held, useLeft } from "../buy/hold.js";
import { usePlaces } from "../buy/places.js";
import { TroubleNote } from "../buy/trouble.js";
import { Legend } from "../map/legend.js";
import { Desk, named, tabsOfEvent, useRead } from "../organise/frame.js";
import { Wrong } from "../parts/forms.js";
import { show } from "../parts/page.js";
import { html, useEffect, useMemo, useReducer, useState } from "../vendor/preact/standalone.js";
import { words } from "../words/index.js";
import { Blocks, useReasons } from "./blocks.js";
import { Paying, Sold } from "./pay.js";
import { Till } from "./till.js";

const t = await words("buy", "map", "own", "organise", "counter");
const event = named("events");
const till = new Till(event);
const CLOSED = new Set(["draft", "scheduled", "cancelled", "completed"]);
const KEYS = { F2: "choose", F4: "free", F8: "cash", F9: "card" };

function Counter() {
  const [, update] = useReducer((/** @type {number} */ n) => n + 1, 0);
  const work = useRead(t, async () => {
    if (till.map === null) await till.open();
    return { name: till.event.name };
  });
  useEffect(() => {
    till.addEventListener("update", update);
    return () => {
      till.removeEventListener("update", update);
      till.end();
    };
  }, []);
  return html`<${Desk} t=${t} title=${t("counter.title")} about=${work.known?.name} work=${work}
      tabs=${tabsOfEvent(event)} here="counter">
    ${till.map !== null && html`<${Desktop} />`}
  <//>`;
}

function Desktop() {
  const [mode, setMode] = useState(/** @type {"sell" | "block"} */ ("sell"));
  const [paid, setPaid] = useState(/** @type {import("./till.js").Paid | null} */ (null));
  const [picked, setPicked] = useState(/** @type {string[]} */ ([]));
  const blocks = mode === "block";
  const { map } = till;
  const seated = map.seats.length > 0;
  till.onPicked = blocks
    ? (/** @type {string} */ label) => setPicked(picked.includes(label)
      ? picked.filter((one) => one !== label) : [...picked, label])
    : null;
  useKeys(blocks, setPaid);
  const legend = useMemo(
    () => seated && html`<${Legend} t=${t} map=${map} state=${till.state}
      prices=${till.event.prices} types=${Object.values(till.event.types)} filter=${null}
      onFilter=${() => {}} />`,
    [map, till.figures, till.event],
  );
  const reasons = useReasons(t, till);
  const { plan, list } = usePlaces(t, till, null, reasons.remarks);
  return html`<div class="stack">
    <div class="row" role="group" aria-label=${t("counter.mode")}>
      ${/** @type {const} */ (["sell", "block"]).map((one) => html`<button type="button" key=${one}
        class=${mode === one ? "button first" : "button"} aria-pressed=${mode === one}
        data-testid=${`mode-${one}`} onClick=${() => setMode(one)}>${t(`counter.${one}`)}</button>`)}
    </div>
    <div class=${seated ? "sale-grid" : "sale-grid alone"}>
      ${seated && html`<div class="stack plan-part">${legend}<div ref=${plan}></div></div>`}
      <aside class="panel card stack" id="panel" aria-label=${t("counter.title")} tabindex="-1">
        ${till.away && html`<p class="strip" role="status">${t("counter.away")}</p>`}
        ${blocks ? html`<${Blocks} t=${t} till=${till} groups=${reasons.groups}
            picked=${picked} onPicked=${setPicked} />`
          : html`<${Selling} onPay=${setPaid} />`}
      </aside>
      ${seated && html`<details class="list-part"><summary>${t("map.list")}</summary>
        <div ref=${list}></div></details>`}
    </div>
    ${paid !== null && till.quote !== null && html`<${Paying} t=${t} till=${till} paid=${paid}
      onClose=${() => setPaid(null)} />`}
  </div>`;
}

/** Which keys do what, while nothing is asked. @param {boolean} off @param {(paid: any) => void} onPay */
function useKeys(off, onPay) {
  useEffect(() => {
    const press = (/** @type {KeyboardEvent} */ pressed) => {
      const meant = KEYS[/** @type {keyof typeof KEYS} */ (pressed.key)];
      const plain = !pressed.altKey && !pressed.ctrlKey && !pressed.metaKey && !pressed.shiftKey;
      if (meant === undefined || !plain || off || document.querySelector("dialog[open]")) return;
      pressed.preventDefault();
      if (meant !== "choose") {
        if (till.ready) onPay(meant);
        return;
      }
      if (till.sold !== null) till.next();
      requestAnimationFrame(() => {
        const quantity = /** @type {HTMLInputElement | null} */ (
          document.querySelector('[data-testid="quantity"]'));
        quantity?.focus();
        quantity?.select();
      });
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [off]);
}

/** @param {{onPay: (paid: any) => void}} props */
function Selling({ onPay }) {
  const { hold, quote, sold, status } = till;
  const left = useLeft(hold);
  const over = hold !== null && left <= 0;
  useEffect(() => {
    // The event tells the customer, who is nobody: so it is asked.
    if (over) till.refresh();
  }, [over]);
  if (sold !== null) return html`<${Sold} t=${t} till=${till} />`;
  if (CLOSED.has(status)) return html`<p class="note wait">${t(`buy.is_${status}`)}</p>`;
  const free = quote !== null && !quote.total?.amount;
  return html`
    ${status !== "on_sale" && html`<p class="note wait">${t("counter.alone")}</p>`}
    <${TroubleNote} t=${t} sale=${till} />
    ${hold !== null && html`<section class="stack mine" aria-labelledby="mine-title">
      <h2 id="mine-title">${t("counter.customer")}</h2>
      <${Held} t=${t} sale=${till} />
      <div class="row actions">
        ${free ? html`<${Pay} paid="free" first=${true} onPay=${onPay} />`
          : html`<${Pay} paid="cash" first=${true} onPay=${onPay} />
            <${Pay} paid="card" onPay=${onPay} /><${Pay} paid="free" onPay=${onPay} />`}
        <button type="button" class="button" data-testid="release"
          onClick=${() => till.giveBack()}>${t("buy.release")}</button>
      </div></section>`}
    <section class="stack" aria-labelledby="choose-title">
      <h2 id="choose-title">${t(hold === null ? "buy.choose" : "buy.addMore")}</h2>
      <${Choose} t=${t} sale=${till} enabled=${true} />
      ${hold === null && html`<p class="quiet small">${t("counter.keys")}</p>`}
    </section>
    <${Areas} t=${t} sale=${till} enabled=${true} />
    <${Wrong} text="" />`;
}

/** @param {{paid: import("./till.js").Paid, first?: boolean, onPay: (paid: any) => void}} props */
function Pay({ paid, first = false, onPay }) {
  const key = Object.entries(KEYS).find(([, meant]) => meant === paid)?.[0];
  return html`<button type="button" class=${first ? "button first" : "button"}
    aria-disabled=${!till.ready} aria-keyshortcuts=${key} data-testid=${`pay-${paid}`}
    onClick=${() => till.ready && onPay(paid)}>${t(`counter.${paid}`)}
    <kbd aria-hidden="true">${key}</kbd></button>`;
}

show(html`<${Counter} />`);
