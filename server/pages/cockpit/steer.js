// @ts-check
// Whether an event sells, and what changes that; and who changed what.

import { newKey, serverNow } from "../client/index.js";
import { useRead } from "../organise/frame.js";
import { askOwnJson } from "../own/owner.js";
import { Confirm } from "../parts/confirm.js";
import { Wrong } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { clockText } from "../words/format.js";
import { useSteering } from "./trouble.js";

/** @typedef {import("../words/index.js").Translate} Translate */

const STATES = new Set(["draft", "scheduled", "on_sale", "paused", "closed", "completed", "cancelled"]);
const STEPS_MS = 5_000;
const SHOWN = 6;

/** What calls did, in words `cockpit.did_`: by method and the end of the route. */
const DEEDS = /** @type {[string, RegExp, string][]} */ ([
  ["PATCH", /\{event\}$/, "edit"],
  ["DELETE", /\{event\}$/, "delete"],
  ["POST", /\{event\}\/publish$/, "publish"],
  ["POST", /\{event\}\/pause$/, "pause"],
  ["POST", /\{event\}\/resume$/, "resume"],
  ["POST", /\{event\}\/close$/, "close"],
  ["POST", /\{event\}\/cancel$/, "cancel"],
  ["PATCH", /\/line$/, "pace"],
  ["POST", /\/line\/open$/, "lineOpen"],
  ["POST", /\/line\/pause$/, "linePause"],
  ["POST", /\/line\/resume$/, "lineResume"],
  ["POST", /\/line\/close$/, "lineClose"],
  ["POST", /\/line\/messages$/, "say"],
]);

/** @param {Translate} t @param {any} step @returns {string} */
function deedText(t, { method, route, details }) {
  if (details.op === "block" || details.op === "unblock") return t(`cockpit.did_${details.op}`);
  const known = DEEDS.find(([verb, pattern]) => verb === method && pattern.test(route));
  return known === undefined ? `${method} ${route}` : t(`cockpit.did_${known[2]}`);
}

/** Whether it sells. @param {{t: Translate, home: string, known: any, load: () => any}} props */
export function Sale({ t, home, known, load }) {
  const [did, setDid] = useState("");
  const props = { t, home, load, onDid: setDid };
  const status = STATES.has(known.status) ? known.status : "other";
  return html`<section class="card stack" aria-label=${t("cockpit.sale")}>
    <div class="row apart"><p class="big" data-testid="cockpit-status">${t(`cockpit.state_${status}`)}</p>
      <div class="row">
        ${status === "on_sale" && html`<${Step} key="pause" what="pause" ...${props} />`}
        ${status === "paused" && html`<${Step} key="resume" what="resume" kind="first" ...${props} />`}
        ${(status === "on_sale" || status === "paused")
          && html`<${Step} key="close" what="close" kind="danger" ...${props} />`}
      </div></div>
    <p class=${did ? "note good" : ""} role="status" data-testid="cockpit-did">${did}</p>
    <${Steps} t=${t} home=${home} />
  </section>`;
}

/**
 * A step of the sale; once it is done its button is gone, so the sale says so.
 * @param {{t: Translate, home: string, what: string, kind?: string, load: () => any,
 *   onDid: (text: string) => void}} props
 */
function Step({ t, home, what, kind = "", load, onDid }) {
  const work = useSteering(t);
  const act = async () => {
    await askOwnJson(`${home}/${what}`, { method: "POST", key: newKey() });
    onDid(t(`cockpit.${what}Did`, { time: clockText(serverNow()) }));
    await load();
  };
  return html`<${Confirm} label=${t(`cockpit.${what}`)} title=${t(`cockpit.${what}`)}
    words=${t(`cockpit.${what}Will`)} yes=${t(`cockpit.${what}Yes`)} no=${t("cockpit.leaveIt")}
    work=${work} act=${act} kind=${kind} name=${`cockpit-${what}`} />`;
}

/** Who did what, the latest first. @param {{t: Translate, home: string}} props */
function Steps({ t, home }) {
  const { known, trouble } = useRead(t, () => askOwnJson(`${home}/activity?limit=${SHOWN}`), STEPS_MS);
  if (known === null && !trouble) return null;
  return html`<details class="steps" data-testid="steps"><summary>${t("cockpit.steps")}</summary>
    <${Wrong} text=${trouble} />
    ${known?.items.length === 0 && html`<p class="quiet">${t("cockpit.noSteps")}</p>`}
    <ul class="things">${known?.items.map((/** @type {any} */ one) => html`<li key=${one.id}>
      <span>${deedText(t, one)}</span>
      <span class="quiet small"><bdi>${one.name ?? t("cockpit.somebody")}</bdi> ·
        ${" "}${clockText(Date.parse(one.at))}</span></li>`)}</ul></details>`;
}
