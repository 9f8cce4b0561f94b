// @ts-check
// The keys of an organisation's machines: each is shown once.

import { newKey } from "../client/index.js";
import { askOwn, askOwnJson } from "../own/owner.js";
import { Confirm } from "../parts/confirm.js";
import { Check, Select } from "../parts/fields.js";
import { Button, Field, Form, Wrong } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { dayText } from "../words/format.js";
import { Listing, Part, Secret, useList, useTeamWork, useTold } from "./work.js";

/** @typedef {import("./organisation.js").Props} Props */

/** What a key may do, as the interface names it; in words `team.scope_`. */
const SCOPES = [
  "events:read", "events:write", "bookings:read", "tickets:scan", "members:read",
  "analytics:read", "checkin",
];
/** For how long the secret of before is good beside the new one: seconds. */
const OVERLAPS = [["0", "team.atOnce"], ["3600", "team.inAnHour"], ["86400", "team.inADay"],
  ["604800", "team.inAWeek"]];

/** @param {any} t */
const scopeText = (t) => (/** @type {string} */ scope) => t(`team.scope_${scope.replace(":", "_")}`);

/** @param {{t: any, value: string, onChange: (seconds: string) => void}} props */
export const Overlap = ({ t, value, onChange }) => html`<${Select} label=${t("team.oldEnds")}
  value=${value} options=${OVERLAPS.map(([seconds, says]) => [seconds, t(says)])}
  onChange=${(/** @type {any} */ event) => onChange(event.target.value)} />`;

/** @param {Props} props */
export function Keys({ t, path }) {
  const part = useTold();
  const [fresh, setFresh] = useState(/** @type {any} */ (null));
  const [makes, setMakes] = useState(false);
  const place = `${path}/api-keys`;
  const list = useList(t, place);
  const made = async (/** @type {any} */ key) => {
    setMakes(false);
    setFresh(key);
    await list.load();
    part.tell(t("team.keyMade", { name: key.name }));
  };
  const done = async (/** @type {string} */ text) => {
    await list.load();
    part.tell(text);
  };
  return html`<${Part} title=${t("team.keys")} of=${part} name="keys" beside=${!makes && html`
      <${Button} kind="first" onClick=${() => setMakes(true)} data-testid="new-key">${t("team.newKey")}<//>`}>
    ${fresh?.key && html`<${Secret} t=${t} words=${t("team.keyOnce")} secret=${fresh.key}
      onClose=${() => setFresh(null)} />`}
    ${makes && html`<${Make} t=${t} place=${place} made=${made} onClose=${() => setMakes(false)} />`}
    <${Listing} t=${t} list=${list} none=${t("team.noKeys")} row=${(/** @type {any} */ one) =>
      html`<${Key} t=${t} place=${place} one=${one} made=${made} done=${done} />`} />
  <//>`;
}

/** @param {{t: any, place: string, made: (key: any) => any, onClose: () => any}} props */
function Make({ t, place, made, onClose }) {
  const work = useTeamWork(t);
  const [key] = useState(newKey);
  const [scopes, setScopes] = useState(["checkin"]);
  const make = (/** @type {any} */ { name, until }) => work.run(async () => {
    const ends = until ? { expires_at: new Date(`${until}T23:59:59`).toISOString() } : {};
    const body = { name, scopes, ...ends };
    await made(await askOwnJson(place, { method: "POST", body, key }));
  });
  const tick = (/** @type {string} */ scope) => (/** @type {boolean} */ on) =>
    setScopes(on ? [...scopes, scope] : scopes.filter((one) => one !== scope));
  return html`<${Form} onSend=${make} data-testid="make-key">
    <div class="fields"><${Field} label=${t("team.keyName")} name="name" required maxlength="200" dir="auto"
        hint=${t("team.keyNameWords")} />
      <${Field} label=${t("team.keyUntil")} name="until" type="date" hint=${t("team.keyUntilWords")} /></div>
    <fieldset class="choices"><legend>${t("team.scopes")}</legend>${SCOPES.map((scope) => html`
      <${Check} key=${scope} name=${scope} label=${scopeText(t)(scope)} checked=${scopes.includes(scope)}
        onChange=${tick(scope)} />`)}</fieldset>
    ${scopes.length === 0 && html`<p class="note wait">${t("team.noScope")}</p>`}
    <${Wrong} text=${work.trouble} />
    <div class="row"><${Button} kind="first" type="submit" busy=${work.busy}>${t("team.makeKey")}<//>
      <${Button} onClick=${onClose}>${t("own.notNow")}<//></div>
  <//>`;
}

/** @param {{t: any, place: string, one: any, made: (key: any) => any, done: (told: string) => any}} props */
function Key({ t, place, one, made, done }) {
  const rotates = useTeamWork(t);
  const revokes = useTeamWork(t);
  const [overlap, setOverlap] = useState("0");
  const path = `${place}/${encodeURIComponent(one.id)}`;
  const at = (/** @type {string} */ time) => dayText(Date.parse(time));
  const isOver = one.expires_at !== null && Date.parse(one.expires_at) < Date.now();
  const rotate = async () => {
    const body = { overlap_s: Number(overlap) };
    await made(await askOwnJson(`${path}/rotate`, { method: "POST", body, key: newKey() }));
  };
  const revoke = async () => {
    await askOwn(path, { method: "DELETE" });
    await done(t("team.keyRevoked", { name: one.name }));
  };
  const state = one.revoked_at ? "revoked" : isOver ? "expired" : "good";
  return html`<span class="told" data-testid="key"><strong dir="auto">${one.name}</strong>
      <span class="small"><code>${one.prefix}…</code></span>
      <span class="quiet small">${one.scopes.map(scopeText(t)).join(", ")}</span>
      <span class="quiet small">${one.last_used_at ? t("team.keyUsed", { time: at(one.last_used_at) })
        : t("team.keyUnused")}${one.expires_at ? ` · ${t("team.until", { time: at(one.expires_at) })}` : ""}</span></span>
    <span class=${`pill ${state === "good" ? "good" : ""}`} data-testid="key-state">
      ${t(`team.key_${state}`)}</span>
    ${!one.revoked_at && html`<div class="row">
      <${Confirm} label=${t("team.rotate")} title=${t("team.rotateSure", { name: one.name })}
        words=${t("team.rotateWords")} yes=${t("team.rotate")} no=${t("own.notNow")} work=${rotates}
        act=${rotate}><${Overlap} t=${t} value=${overlap} onChange=${setOverlap} /><//>
      <${Confirm} kind="danger" label=${t("team.revoke")} title=${t("team.revokeSure", { name: one.name })}
        words=${t("team.revokeWords")} yes=${t("team.revoke")} no=${t("own.notNow")} work=${revokes}
        act=${revoke} name="key-revoke" /></div>`}`;
}
