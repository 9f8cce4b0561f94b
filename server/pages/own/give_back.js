// @ts-check
// Giving an order back, or some of its places: what comes back is told first, by the server.

import { Refused, Unreachable, ask, askJson, serverNow } from "../client/index.js";
import { Button, Wrong } from "../parts/forms.js";
import { Ask } from "../parts/dialog.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { amountText, momentIn, moneyText } from "../words/format.js";
import { toTitle, troubleText, useWork } from "./forms.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {import("./follow.js").OrderFollower} OrderFollower */

/** @param {any} order @returns {any[]} lines that its buyer has: fees alone do not go back */
const givable = (order) =>
  order.lines.filter((/** @type {any} */ one) => one.kind !== "fee" && one.state === "live");

/**
 * What would come back for some lines; null until it is known, or where it cannot be told.
 * @param {Translate} t @param {OrderFollower} follower @param {number[]} lines
 */
function usePreview(t, follower, lines) {
  const [told, setTold] = useState(/** @type {any} */ (null));
  const [trouble, setTrouble] = useState("");
  const { token } = follower.seen;
  useEffect(() => {
    setTrouble("");
    // What was told was of other lines.
    setTold(null);
    if (!lines.length) return undefined;
    let late = false;
    const body = { lines };
    askJson(`${follower.path}/refunds/preview`, { method: "POST", token, body }).then(
      (found) => late || setTold(found),
      (error) => {
        if (!(error instanceof Refused) && !(error instanceof Unreachable)) throw error;
        if (!late) setTrouble(troubleText(t, error));
      },
    );
    return () => void (late = true);
  }, [lines.join()]);
  return { told, trouble };
}

/** @param {Translate} t @param {any} order @param {any} told the preview @param {boolean} whole */
function sureText(t, order, told, whole) {
  const effect = whole ? t("own.sureAll") : t("own.sureSome");
  if (told === null) return effect;
  const nothing = !told.total?.amount;
  return `${effect} ${nothing ? t("own.backNothing") : t("own.backSum", { sum: moneyText(told.total) })}`;
}

/**
 * @param {{t: Translate, order: any, follower: OrderFollower, until: number | null,
 *   zone: string, names: Map<string, string> | null}} props `until` null where unknown
 */
export function GivingBack({ t, order, follower, until, zone, names }) {
  const [asks, setAsks] = useState(/** @type {"" | "all" | "some"} */ (""));
  const left = givable(order);
  if (!left.length) return null;
  const deadline = until !== null &&
    momentIn(until, zone, { dateStyle: "medium", timeStyle: "short" });
  const late = until !== null && serverNow() > until;
  if (late) return html`<p class="quiet small">${t("own.giveBackWas", { time: deadline || "" })}</p>`;
  return html`<div class="row">
      ${left.length > 1 && html`<${Button} data-testid="give-back" onClick=${() => setAsks("some")}>
        ${t("own.giveBack")}<//>`}
      <${Button} data-testid="cancel-order" onClick=${() => setAsks("all")}>${t("own.cancel")}<//>
    </div>
    ${deadline && html`<p class="quiet small">${t("own.giveBackUntil", { time: deadline })}</p>`}
    ${asks && html`<${Dialog} t=${t} order=${order} follower=${follower} names=${names} left=${left}
      whole=${asks === "all"} onClose=${() => setAsks("")} />`}`;
}

/**
 * @param {{t: Translate, order: any, follower: OrderFollower, left: any[], whole: boolean,
 *   names: Map<string, string> | null, onClose: () => void}} props
 */
function Dialog({ t, order, follower, left, whole, names, onClose }) {
  const [chosen, setChosen] = useState(/** @type {number[]} */ (whole
    ? left.map(({ line }) => line) : []));
  const { told, trouble } = usePreview(t, follower, chosen);
  const work = useWork(t);
  const toggle = (/** @type {number} */ line) => setChosen(
    chosen.includes(line) ? chosen.filter((one) => one !== line) : [...chosen, line].sort((a, b) => a - b));
  const give = () => told !== null && work.run(async () => {
    const body = whole ? undefined : { lines: chosen };
    await ask(`${follower.path}/cancel`, { method: "POST", token: follower.seen.token, body });
    await follower.load();
    onClose();
    toTitle();
  });
  return html`<${Ask} title=${t(whole ? "own.sure" : "own.giveBackTitle")} onClose=${onClose}>
    ${!whole && html`<p>${t("own.giveBackWords")}</p>
      <ul class="choices">${left.map((one) => html`<li key=${one.line}><label class="check">
        <input type="checkbox" checked=${chosen.includes(one.line)}
          onChange=${() => toggle(one.line)} />
        <span><bdi>${one.label}</bdi>
          <small class="quiet" dir="auto">${names?.get(one.category) ?? ""}</small></span>
        <span class="number">${order.currency && amountText(one.gross, order.currency)}</span>
      </label></li>`)}</ul>`}
    <p role="status" data-testid="comes-back" data-known=${told === null ? "no" : "yes"}>${
      chosen.length ? sureText(t, order, told, whole) : ""}</p>
    <p class="quiet">${t("own.reference")} <b class="number">${order.reference}</b></p>
    <${Wrong} text=${work.trouble || trouble} />
    <div class="row">
      <${Button} onClick=${onClose}>${t("own.keep")}<//>
      ${chosen.length > 0 && html`<${Button} kind="danger" busy=${work.busy || told === null}
        data-testid="give-back-yes" onClick=${give}>
        ${whole ? t("own.cancelYes") : t("own.giveBackYes", { n: chosen.length })}<//>`}
    </div>
  <//>`;
}
