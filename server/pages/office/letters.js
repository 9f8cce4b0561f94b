// @ts-check
// What the buyer of an order was told, and who did what about it.

import { Refused, newKey } from "../client/index.js";
import { askOwnJson } from "../own/owner.js";
import { Button, Wrong } from "../parts/forms.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { dayText } from "../words/format.js";
import { meaning, useDeed } from "./trouble.js";

/** @typedef {import("../words/index.js").Translate} Translate */

const SHOWN = 50;
const AGAIN_MS = 3_000; // a letter is written a moment later, and sent another
const LOOKS = /** @type {Record<string, string>} */ ({ sent: "good", dead: "bad", due: "wait" });

/** What calls about an order do, by method and route. */
const ACTS = /** @type {Record<string, string>} */ ({
  "POST /v1/orders": "ordered",
  "POST /v1/events/{event}/counter/sales": "sold",
  "POST /v1/orders/{order}/pay": "paid",
  "POST /v1/orders/{order}/open": "opened",
  "POST /v1/orders/{order}/cancel": "cancelled",
  "POST /v1/orders/{order}/refunds": "gave",
  "POST /v1/orders/{order}/refunds/{order_refund}/retry": "retried",
  "POST /v1/orders/{order}/refunds/{order_refund}/by-hand": "handed",
  "POST /v1/orders/{order}/letters": "wrote",
});

/** @param {any} one @returns {string} a letter's state: of its last mail */
const stateOf = (one) => one.mails.at(-1)?.state ?? "none";

/**
 * What is read beside an order, anew whenever that changes; who may not sees nothing of it.
 * @param {{t: Translate, order: any}} props
 */
export function Beside({ t, order }) {
  const [known, setKnown] = useState(/** @type {any} */ (null));
  const [trouble, setTrouble] = useState("");
  const [sent, setSent] = useState(0);
  const path = `/v1/orders/${encodeURIComponent(order.id)}`;
  const load = async () => {
    try {
      const [letters, acts] = await Promise.all([askOwnJson(`${path}/letters`),
        askOwnJson(`${path}/activity?limit=${SHOWN}`)]);
      setKnown({ letters, acts });
      setTrouble("");
    } catch (error) {
      // Who only looks at orders sees the rest of it.
      if (error instanceof Refused && error.code === "forbidden") return;
      setTrouble(meaning(t, error));
    }
  };
  useEffect(() => {
    load();
    const timer = setTimeout(load, AGAIN_MS);
    return () => clearTimeout(timer);
  }, [order, sent]);
  if (known === null) return html`<${Wrong} text=${trouble} />`;
  return html`<${Letters} t=${t} path=${path} letters=${known.letters.items} onSent=${() => setSent(sent + 1)} />
    <${History} t=${t} order=${order} acts=${known.acts.items} />`;
}

/** @param {{t: Translate, path: string, letters: any[], onSent: () => void}} props */
function Letters({ t, path, letters, onSent }) {
  const [told, setTold] = useState("");
  const deed = useDeed(t);
  const send = (/** @type {any} */ one) => deed.run(async () => {
    setTold("");
    await askOwnJson(`${path}/letters`, { method: "POST", body: { letter: one.letter }, key: newKey() });
    setTold(t("office.letterAgain"));
    onSent();
  });
  return html`<div class="stack" data-testid="letters"><h3>${t("office.letters")}</h3>
    ${letters.length === 0 && html`<p class="empty">${t("office.noLetters")}</p>`}
    <ul class="things">${letters.map((one) => html`<li key=${one.letter} data-testid="letter"
        data-kind=${one.kind} data-state=${stateOf(one)}>
      <span class="told"><b>${t(`office.letter_${one.kind}`)}</b>
        <small class="quiet">${dayText(Date.parse(one.at))}
          ${one.mails.length > 1 && ` · ${t("office.mails", { n: one.mails.length })}`}
          ${one.mails.at(-1)?.recipient && html` · <bdi>${one.mails.at(-1).recipient}</bdi>`}</small>
        ${stateOf(one) === "dead" && one.mails.at(-1).reason && html`<small dir="auto">${
          one.mails.at(-1).reason}</small>`}</span>
      <span class=${`pill ${LOOKS[stateOf(one)] ?? ""}`}>${t(`office.mail_${stateOf(one)}`)}</span>
      ${stateOf(one) !== "due" && html`<${Button} busy=${deed.busy} data-testid="send-again"
        aria-label=${t("office.sendAgainOf", { what: t(`office.letter_${one.kind}`) })}
        onClick=${() => send(one)}>${t("office.sendAgain")}<//>`}</li>`)}</ul>
    <${Wrong} text=${deed.trouble} />
    <p role="status" data-testid="letters-told">${told}</p></div>`;
}

/** Who did what, the newest first. @param {{t: Translate, order: any, acts: any[]}} props */
function History({ t, order, acts }) {
  const whose = (/** @type {any} */ one) => (one.actor === order.buyer.id ? t("office.byBuyer")
    : one.actor === null ? t("office.byNobody")
    : one.role === "admin" ? t("office.byAdmin") : t("office.bySeller"));
  const what = (/** @type {any} */ one) => {
    const name = ACTS[`${one.method} ${one.route}`];
    return name ? t(`office.act_${name}`) : html`<code>${one.method} ${one.route}</code>`;
  };
  return html`<details class="more" data-testid="history"><summary>${t("office.history")}</summary>
    ${acts.length === 0 && html`<p class="empty">${t("office.noHistory")}</p>`}
    <ol class="things">${acts.map((one) => html`<li key=${one.id} data-testid="act">
      <span class="told">${what(one)}<small class="quiet">${dayText(Date.parse(one.at))} ·
        ${" "}<span title=${one.actor ?? ""}>${whose(one)}</span></small></span>
      ${one.status >= 400 && html`<span class="pill bad">${t("office.actRefused")}</span>`}</li>`)}</ol>
  </details>`;
}
