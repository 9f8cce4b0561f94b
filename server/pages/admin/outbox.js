// @ts-check
// What is to leave the server, what did, and what could not.

import { newKey } from "../client/index.js";
import { askOwn } from "../own/owner.js";
import { Confirm } from "../parts/confirm.js";
import { Select } from "../parts/fields.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { dayText } from "../words/format.js";
import { Listing, Part, useList, useTeamWork, useTold } from "../team/work.js";

const KINDS = /** @type {Record<string, string>} */ ({ dead: "bad", due: "wait", sent: "good" });

/** @param {{t: any}} props */
export function Outbox({ t }) {
  const part = useTold();
  const [channel, setChannel] = useState("mail");
  const [state, setState] = useState("dead");
  const list = useList(t, `/v1/outbox?channel=${channel}${state && `&state=${state}`}`);
  const done = async (/** @type {string} */ text) => {
    await list.load();
    part.tell(text);
  };
  const choose = (/** @type {(value: string) => void} */ set) => (/** @type {any} */ event) => set(event.target.value);
  return html`<${Part} title=${t("admin.outbox")} of=${part} name="outbox">
    <div class="fields"><${Select} label=${t("admin.channel")} value=${channel} onChange=${choose(setChannel)}
        options=${[["mail", t("admin.channel_mail")], ["hook", t("admin.channel_hook")]]} />
      <${Select} label=${t("team.state")} value=${state} onChange=${choose(setState)} options=${[
        ...Object.keys(KINDS).map((one) => [one, t(`team.state_${one}`)]), ["", t("team.allStates")]]} /></div>
    <${Listing} t=${t} list=${list} none=${t("admin.outboxNone")} by="row" row=${(/** @type {any} */ one) =>
      html`<${Row} t=${t} one=${one} done=${done} />`} /><//>`;
}

/** @param {{t: any, one: any, done: (told: string) => any}} props */
function Row({ t, one, done }) {
  const work = useTeamWork(t);
  const replay = async () => {
    await askOwn(`/v1/outbox/${encodeURIComponent(one.row)}/replay`, { method: "POST", key: newKey() });
    await done(t("admin.replayed", { to: one.recipient }));
  };
  return html`<span class="told" data-testid="outbox-row"><bdi>${one.recipient}</bdi>
      <span class="quiet small">${one.kind ?? ""} ${dayText(Date.parse(one.created_at))} ·
        ${" "}${t("admin.tries", { n: one.attempts })}</span>
      ${one.reason && html`<span class="small wrong" lang="en">${one.reason}</span>`}</span>
    <span class=${`pill ${KINDS[one.state]}`}>${t(`team.state_${one.state}`)}</span>
    ${one.state === "dead" && html`<${Confirm} label=${t("team.sendAgain")} name="outbox-replay"
      title=${t("admin.replaySure", { to: one.recipient })} words=${t("admin.replayWords")}
      yes=${t("team.sendAgain")} no=${t("own.notNow")} work=${work} act=${replay} />`}`;
}
