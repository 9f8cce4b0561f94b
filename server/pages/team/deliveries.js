// @ts-check
// What hooks were told, each message with every time that it was sent.

import { newKey } from "../client/index.js";
import { askOwn, askOwnJson } from "../own/owner.js";
import { Confirm } from "../parts/confirm.js";
import { Select } from "../parts/fields.js";
import { Button, Wrong } from "../parts/forms.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { dayText } from "../words/format.js";
import { Listing, Part, useList, useTeamWork, useTold } from "./work.js";

const KINDS = /** @type {Record<string, string>} */ ({ sent: "good", due: "wait", dead: "bad" });
const isGoing = (/** @type {any[]} */ items) => items.some((one) => one.state === "due");

/**
 * @param {{t: any, path: string, hooks: any[], hook: string, onHook: (hook: string) => void,
 *   anew: number}} props `hook` is the one whose messages are wanted, "" all of them; when
 *   `anew` changes there are others
 */
export function Deliveries({ t, path, hooks, hook, onHook, anew }) {
  const part = useTold();
  const [state, setState] = useState("");
  const filters = [hook && `hook=${encodeURIComponent(hook)}`, state && `state=${state}`];
  const place = `${path}/deliveries`;
  const list = useList(t, `${place}?${["limit=20", ...filters.filter(Boolean)].join("&")}`, isGoing);
  useEffect(() => { if (anew > 0) list.load(); }, [anew]);
  const done = async (/** @type {string} */ text) => {
    await list.load();
    part.tell(text);
  };
  const names = hooks.map((one) => [one.id, one.description || one.url]);
  return html`<${Part} title=${t("team.deliveries")} of=${part} name="deliveries"
      beside=${html`<${Button} onClick=${list.load}>${t("team.lookAgain")}<//>`}>
    <div class="fields">
      <${Select} label=${t("team.toHook")} value=${hook} options=${[["", t("team.allHooks")], ...names]}
        onChange=${(/** @type {any} */ event) => onHook(event.target.value)} />
      <${Select} label=${t("team.state")} value=${state} options=${[["", t("team.allStates")],
        ...Object.keys(KINDS).map((one) => [one, t(`team.state_${one}`)])]}
        onChange=${(/** @type {any} */ event) => setState(event.target.value)} /></div>
    <${Listing} t=${t} list=${list} none=${t("team.noDeliveries")} row=${(/** @type {any} */ one) =>
      html`<${Delivery} t=${t} place=${place} one=${one} done=${done} />`} />
  <//>`;
}

/** What became of a message. @param {any} t @param {any} one */
function answerText(t, one) {
  if (one.status !== null) return t("team.answered", { status: String(one.status), n: one.attempts });
  if (one.error !== null) return t("team.notReached", { error: one.error, n: one.attempts });
  return t("team.notTried");
}

/** @param {any} props */
function Delivery({ t, place, one, done }) {
  const [open, setOpen] = useState(false);
  const work = useTeamWork(t);
  const path = `${place}/${encodeURIComponent(one.id)}`;
  const replay = async () => {
    await askOwn(`${path}/replay`, { method: "POST", key: newKey() });
    await done(t("team.sentAgain"));
  };
  return html`<div class="told" data-testid="delivery" data-state=${one.state}>
      <span><code>${one.type}</code> <span class="quiet small">${one.subject}</span></span>
      <span class="quiet small">${dayText(Date.parse(one.created_at))} · ${answerText(t, one)}${
        one.due_at ? ` · ${t("team.nextAt", { time: dayText(Date.parse(one.due_at)) })}` : ""}</span></div>
    <span class=${`pill ${KINDS[one.state]}`} data-testid="delivery-state">${t(`team.state_${one.state}`)}</span>
    <div class="row">
      <${Button} aria-expanded=${String(open)} onClick=${() => setOpen(!open)} data-testid="delivery-log">
        ${t("team.log")}<//>
      <${Confirm} label=${t("team.sendAgain")} title=${t("team.sendAgainSure")} words=${t("team.sendAgainWords")}
        yes=${t("team.sendAgain")} no=${t("own.notNow")} work=${work} act=${replay} name="delivery-replay" /></div>
    ${open && html`<${Log} key=${`${one.attempts} ${one.state}`} t=${t} path=${path} />`}`;
}

/** Each time that a message was sent, and what it says. @param {{t: any, path: string}} props */
function Log({ t, path }) {
  const [found, setFound] = useState(/** @type {any} */ (null));
  const work = useTeamWork(t);
  useEffect(() => { work.run(async () => setFound(await askOwnJson(path))); }, [path]);
  if (found === null) return html`<${Wrong} text=${work.trouble} />`;
  return html`<div class="stack wide" data-testid="attempts">
    ${found.log.length === 0 ? html`<p class="quiet">${t("team.notTried")}</p>` : html`<div class="scroll" tabindex="0"
      role="region" aria-label=${t("team.log")}><table><thead><tr><th>${t("team.when")}</th>
        <th>${t("team.answer")}</th><th>${t("team.took")}</th></tr></thead>
      <tbody>${found.log.map((/** @type {any} */ one) => html`<tr key=${one.at}>
        <td>${dayText(Date.parse(one.at))}</td><td>${one.status ?? ""} ${one.error ?? ""}</td>
        <td class="number">${t("team.ms", { n: one.took_ms })}</td></tr>`)}</tbody></table></div>`}
    <details><summary>${t("team.body")}</summary><pre class="scroll" tabindex="0">${
      JSON.stringify(found.body, null, 2)}</pre></details></div>`;
}
