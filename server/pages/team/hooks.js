// @ts-check
// The hooks of an organisation: where its machines are told what happens.

import { newKey } from "../client/index.js";
import { askOwn, askOwnJson } from "../own/owner.js";
import { Confirm } from "../parts/confirm.js";
import { Check, Select } from "../parts/fields.js";
import { Button, Field, Form, Wrong } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { dayText } from "../words/format.js";
import { Deliveries } from "./deliveries.js";
import { Overlap } from "./keys.js";
import { Listing, Part, Secret, useList, useTeamWork, useTold } from "./work.js";

/** @typedef {import("./organisation.js").Props} Props */

/** All that a hook can be told of. */
const TYPES = [
  "order.confirmed", "order.cancelled", "order.refunded", "ticket.issued", "ticket.revoked",
  "ticket.transferred", "ticket.checked_in", "event.published", "event.changed", "event.cancelled",
  "event.completed", "sale.opened", "sale.paused", "sale.resumed", "sale.closed", "support.raised",
];
/** From when on is said again what was said: hours before now. */
const SINCE = [["1", "team.lastHour"], ["24", "team.lastDay"], ["168", "team.lastWeek"]];
const HOUR_MS = 3_600_000;

/** @param {Props} props */
export function Hooks({ t, path }) {
  const part = useTold();
  const [fresh, setFresh] = useState(/** @type {any} */ (null));
  const [makes, setMakes] = useState(false);
  const [shown, setShown] = useState("");
  const place = `${path}/hooks`;
  const list = useList(t, place);
  const [told, setTold] = useState(0);
  const done = async (/** @type {string} */ text) => {
    await list.load();
    setTold(told + 1);
    part.tell(text);
  };
  const made = async (/** @type {any} */ hook) => {
    setMakes(false);
    setFresh(hook);
    await done(t("team.hookMade", { url: hook.url }));
  };
  return html`<${Part} title=${t("team.hooks")} of=${part} name="hooks" beside=${!makes && html`
      <${Button} kind="first" onClick=${() => setMakes(true)} data-testid="new-hook">${t("team.newHook")}<//>`}>
    <p class="quiet">${t("team.hookWords")}</p>
    ${fresh?.secret && html`<${Secret} t=${t} words=${t("team.hookOnce")} secret=${fresh.secret}
      onClose=${() => setFresh(null)} />`}
    ${makes && html`<${Make} t=${t} place=${place} made=${made} onClose=${() => setMakes(false)} />`}
    <${Listing} t=${t} list=${list} none=${t("team.noHooks")} row=${(/** @type {any} */ one) =>
      html`<${Hook} t=${t} place=${place} one=${one} made=${made} done=${done}
        onShow=${() => setShown(one.id)} />`} />
  <//>
  ${(list.items ?? []).length > 0 && html`<${Deliveries} t=${t} path=${path} hooks=${list.items ?? []}
    hook=${shown} onHook=${setShown} anew=${told} />`}`;
}

/** @param {{t: any, place: string, made: (hook: any) => any, onClose: () => any}} props */
function Make({ t, place, made, onClose }) {
  const work = useTeamWork(t);
  const [key] = useState(newKey);
  const [form, setForm] = useState("standard");
  const [types, setTypes] = useState(/** @type {string[]} */ ([]));
  const make = (/** @type {any} */ { url, description }) => work.run(async () => {
    const body = { url, description, form, types };
    await made(await askOwnJson(place, { method: "POST", body, key }));
  });
  return html`<${Form} onSend=${make} data-testid="make-hook">
    <${Field} label=${t("team.url")} name="url" type="url" required maxlength="2000"
      placeholder="https://…" hint=${t("team.urlWords")} />
    <div class="fields"><${Field} label=${t("team.hookName")} name="description" maxlength="200" dir="auto" />
      <${Select} label=${t("team.form")} value=${form} options=${[["standard", t("team.form_standard")],
        ["discord", t("team.form_discord")]]}
        onChange=${(/** @type {any} */ event) => setForm(event.target.value)} /></div>
    <${Types} t=${t} types=${types} onChange=${setTypes} />
    <${Wrong} text=${work.trouble} />
    <div class="row"><${Button} kind="first" type="submit" busy=${work.busy}>${t("team.makeHook")}<//>
      <${Button} onClick=${onClose}>${t("own.notNow")}<//></div>
  <//>`;
}

/** @param {{t: any, types: string[], onChange: (types: string[]) => void}} props */
const Types = ({ t, types, onChange }) => html`<details><summary>${types.length === 0
    ? t("team.allTypes") : t("team.someTypes", { n: types.length })}</summary>
  <fieldset class="choices"><legend class="unseen">${t("team.types")}</legend>${TYPES.map((type) =>
    html`<${Check} key=${type} name=${type} label=${html`<code>${type}</code>`} checked=${types.includes(type)}
      onChange=${(/** @type {boolean} */ on) =>
        onChange(on ? [...types, type] : types.filter((one) => one !== type))} />`)}</fieldset></details>`;

/** How a hook is: a kind of pill, and words. @param {any} t @param {any} one @returns {[string, string]} */
function stateOf(t, one) {
  if (one.off === "gone") return ["bad", t("team.hookGone")];
  if (one.off !== null) return ["", t("team.hookOff")];
  if (one.rests_until !== null && Date.parse(one.rests_until) > Date.now()) {
    return ["wait", t("team.hookRests", { time: dayText(Date.parse(one.rests_until)) })];
  }
  return one.failures > 0 ? ["wait", t("team.hookFails", { n: one.failures })] : ["good", t("team.hookOn")];
}

/** @param {any} props */
function Hook({ t, place, one, made, done, onShow }) {
  const path = `${place}/${encodeURIComponent(one.id)}`;
  const [kind, state] = stateOf(t, one);
  const tries = useTeamWork(t);
  const test = () => tries.run(async () => {
    await askOwn(`${path}/test`, { method: "POST", key: newKey() });
    onShow();
    await done(t("team.tested"));
  });
  return html`<div class="told" data-testid="hook" data-hook=${one.id}>
      <strong dir="auto">${one.description || t("team.hook")}</strong>
      <span class="small address">${one.url}</span>
      <span class="quiet small">${one.types.length === 0 ? t("team.allTypes") : one.types.join(", ")}</span>
      ${one.error && one.failures > 0 && html`<span class="small wrong">${t("team.lastError", { error: one.error })}</span>`}</div>
    <span class=${`pill ${kind}`} data-testid="hook-state">${state}</span>
    <div class="row">
      ${one.active && html`<${Button} busy=${tries.busy} onClick=${test} data-testid="hook-test">${t("team.test")}<//>`}
      <${Acts} t=${t} path=${path} one=${one} made=${made} done=${done} />
      <${Wrong} text=${tries.trouble} /></div>`;
}

/** What is asked before it is done with a hook. @param {any} props */
function Acts({ t, path, one, made, done }) {
  const [turns, edits, rotates, replays, deletes] =
    [useTeamWork(t), useTeamWork(t), useTeamWork(t), useTeamWork(t), useTeamWork(t)];
  const [types, setTypes] = useState(one.types);
  const [url, setUrl] = useState(one.url);
  const [overlap, setOverlap] = useState("86400");
  const [since, setSince] = useState("24");
  const no = t("own.notNow");
  const patch = async (/** @type {any} */ body, /** @type {string} */ text) => {
    await askOwn(path, { method: "PATCH", body });
    await done(text);
  };
  const rotate = async () => {
    const body = { overlap_s: Number(overlap) };
    await made(await askOwnJson(`${path}/rotate`, { method: "POST", body, key: newKey() }));
  };
  const replay = async () => {
    const body = { since: new Date(Date.now() - Number(since) * HOUR_MS).toISOString() };
    const { replayed } = await askOwnJson(`${path}/replay`, { method: "POST", body, key: newKey() });
    await done(t("team.replayed", { n: replayed }));
  };
  const end = async () => {
    await askOwn(path, { method: "DELETE" });
    await done(t("team.hookDeleted"));
  };
  return html`<${Confirm} label=${t(one.active ? "team.turnOff" : "team.turnOn")} name="hook-turn"
      title=${t(one.active ? "team.turnOffSure" : "team.turnOnSure")}
      words=${t(one.active ? "team.turnOffWords" : "team.turnOnWords")} no=${no}
      yes=${t(one.active ? "team.turnOff" : "team.turnOn")} work=${turns}
      act=${() => patch({ active: !one.active }, t(one.active ? "team.turnedOff" : "team.turnedOn"))} />
    <${Confirm} label=${t("team.change")} title=${t("team.changeHook")} yes=${t("own.save")} no=${no}
      work=${edits} act=${() => patch({ url, types }, t("own.saved"))}>
      <${Field} label=${t("team.url")} type="url" value=${url} maxlength="2000"
        onInput=${(/** @type {any} */ event) => setUrl(event.target.value)} />
      <${Types} t=${t} types=${types} onChange=${setTypes} /><//>
    <${Confirm} label=${t("team.rotate")} title=${t("team.rotateHook")} words=${t("team.rotateHookWords")}
      yes=${t("team.rotate")} no=${no} work=${rotates} act=${rotate}>
      <${Overlap} t=${t} value=${overlap} onChange=${setOverlap} /><//>
    <${Confirm} label=${t("team.replay")} title=${t("team.replaySure")} words=${t("team.replayWords")}
      yes=${t("team.replay")} no=${no} work=${replays} act=${replay} name="hook-replay">
      <${Select} label=${t("team.since2")} value=${since} options=${SINCE.map(([n, says]) => [n, t(says)])}
        onChange=${(/** @type {any} */ event) => setSince(event.target.value)} /><//>
    <${Confirm} kind="danger" label=${t("team.deleteIt")} title=${t("team.deleteHook")}
      words=${t("team.deleteHookWords")} yes=${t("team.deleteIt")} no=${no} work=${deletes} act=${end} />`;
}
