// @ts-check
// An event that does not take place: asked once, and how far its orders are given back.

import { newKey } from "../client/index.js";
import { askOwnJson } from "../own/owner.js";
import { Ask } from "../parts/dialog.js";
import { Button, Wrong } from "../parts/forms.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { moneyText, numberText } from "../words/format.js";
import { meaning, useDeed } from "./trouble.js";

/** @typedef {import("../words/index.js").Translate} Translate */

const AGAIN_MS = 2_000;
const ENDED = new Set(["cancelled", "completed", "draft"]);

/** @param {{t: Translate, event: any, home: string, onChange: () => void}} props */
export function Cancelling({ t, event, home, onChange }) {
  if (event.status === "cancelled") return html`<${Progress} t=${t} home=${home} onDone=${onChange} />`;
  if (ENDED.has(event.status)) return null;
  return html`<${Cancel} t=${t} event=${event} home=${home} onChange=${onChange} />`;
}

/** @param {{t: Translate, event: any, home: string, onChange: () => void}} props */
function Cancel({ t, event, home, onChange }) {
  const [asks, setAsks] = useState(false);
  const [sure, setSure] = useState(false);
  const [key] = useState(newKey);
  const deed = useDeed(t);
  const cancel = () => sure && deed.run(async () => {
    await askOwnJson(`${home}/cancel`, { method: "POST", key });
    setAsks(false);
    onChange();
  });
  return html`<details class="more"><summary>${t("office.cancelMore")}</summary>
    <div class="note stack"><p>${t("office.cancelWords")}</p>
      <div class="row"><${Button} kind="danger" data-testid="cancel-event" onClick=${() => setAsks(true)}>
        ${t("office.cancelEvent")}<//></div></div>
    ${asks && html`<${Ask} title=${t("office.cancelTitle")} onClose=${() => setAsks(false)}>
      <p><b dir="auto">${event.name}</b></p>
      <p>${t("office.cancelSure", { n: event.counts?.booked ?? 0 })}</p>
      <label class="check"><input type="checkbox" checked=${sure} data-testid="cancel-sure"
        onChange=${() => setSure(!sure)} /> ${t("office.cancelKnow")}</label>
      <${Wrong} text=${deed.trouble} />
      <div class="row"><${Button} onClick=${() => setAsks(false)}>${t("office.cancelNot")}<//>
        <${Button} kind="danger" busy=${deed.busy || !sure} data-testid="cancel-yes" onClick=${cancel}>
          ${t("office.cancelYes")}<//></div>
    <//>`}
  </details>`;
}

/** @param {{t: Translate, home: string, onDone: () => void}} props */
function Progress({ t, home, onDone }) {
  const [told, setTold] = useState(/** @type {any} */ (null));
  const [trouble, setTrouble] = useState("");
  useEffect(() => {
    let ended = false;
    let timer = 0;
    let before = "";
    const look = async () => {
      try {
        const found = await askOwnJson(`${home}/refunds`);
        if (ended) return;
        setTold(found);
        setTrouble("");
        if (before === "running" && found.status !== "running") onDone();
        before = found.status;
        if (found.status !== "running") return;
      } catch (error) {
        if (!ended) setTrouble(meaning(t, error));
      }
      if (!ended) timer = setTimeout(look, AGAIN_MS);
    };
    look();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, []);
  const over = told?.status === "done";
  const gone = told === null ? 0 : told.done + told.failed;
  return html`<section class=${`note stack ${over && !told.failed ? "good" : "wait"}`}
      aria-labelledby="progress-title" data-testid="cancelled" data-status=${told?.status ?? "unknown"}>
    <h2 id="progress-title">${t("office.isCancelled")}</h2>
    <${Wrong} text=${trouble} />
    ${told !== null && html`
      <p role="status">${t(over ? "office.allBack" : "office.goingBack",
        { n: told.orders, done: numberText(gone) })}</p>
      <progress max=${Math.max(1, told.orders)} value=${told.orders ? gone : 1}
        aria-labelledby="progress-title"></progress>
      <dl class="ledger">${["waiting", "pending", "failed", "done"].map((name) => html`<div key=${name}>
        <dt>${t(`office.back_${name}`)}</dt><dd data-testid=${`back-${name}`}>${numberText(told[name])}</dd>
      </div>`)}</dl>
      ${told.status === "running" && told.waiting === 0 && told.pending > 0 && html`<p
        data-testid="hands-left">${t("office.handsLeft", { n: told.pending })}
        ${" "}<a href="?refund=full">${t("office.handsShow")}</a></p>`}
      ${told.failures.length > 0 && html`<p>${t("office.failures")}</p><ul>${told.failures.map(
        (/** @type {any} */ one) => html`<li key=${one.order}><a href=${`#${encodeURIComponent(one.order)}`}>
          ${one.reference}</a> ${moneyText(one.due)}</li>`)}</ul>`}`}
  </section>`;
}
