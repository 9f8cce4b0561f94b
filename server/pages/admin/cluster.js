// @ts-check
// The processes that serve, the events that each owns, and moving one to another.

import { newKey } from "../client/index.js";
import { useRead } from "../organise/frame.js";
import { askOwn, askOwnJson } from "../own/owner.js";
import { Confirm } from "../parts/confirm.js";
import { Select } from "../parts/fields.js";
import { Wrong } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { dayText, numberText } from "../words/format.js";
import { Part, useTeamWork, useTold } from "../team/work.js";

const EVERY_MS = 2_000;

/** @param {{t: any}} props */
export function Cluster({ t }) {
  const part = useTold();
  const { known, trouble, load } = useRead(t, () => askOwnJson("/v1/cluster"), EVERY_MS);
  const processes = /** @type {any[]} */ (known?.processes ?? []);
  const done = async (/** @type {string} */ text) => {
    await load();
    part.tell(text);
  };
  return html`<${Part} title=${t("admin.cluster")} of=${part} name="cluster">
    <${Wrong} text=${trouble} />
    ${processes.map((one) => html`<div key=${one.process} class="stack" data-testid="process"
        data-process=${one.process}>
      <div class="row apart"><h3><code>${one.process}</code></h3>
        ${one.leaving && html`<span class="pill wait">${t("admin.leaving")}</span>`}</div>
      <p class="quiet small">${t("admin.processSince", { pid: String(one.pid), time: dayText(Date.parse(one.started_at)) })}
        ${" "}${one.address ?? ""}</p>
      ${one.events.length === 0 ? html`<p class="quiet">${t("admin.ownsNone")}</p>`
        : html`<ul class="things">${one.events.map((/** @type {any} */ event) => html`<li key=${event.event}>
          <${Owned} t=${t} event=${event} done=${done} others=${processes.filter((other) =>
            other.process !== one.process && !other.leaving).map((other) => other.process)} /></li>`)}</ul>`}
    </div>`)}<//>`;
}

/** @param {{t: any, event: any, others: string[], done: (told: string) => any}} props */
function Owned({ t, event, others, done }) {
  const work = useTeamWork(t);
  const [chosen, setChosen] = useState("");
  const target = others.includes(chosen) ? chosen : others[0] ?? "";
  const move = async () => {
    const body = { event: event.event, process: target };
    await askOwn("/v1/cluster/move", { method: "POST", body, key: newKey() });
    await done(t("admin.moves", { process: target }));
  };
  return html`<span class="told" data-testid="owned" data-event=${event.event}>
      <a class="owned" href=${`/organise/events/${encodeURIComponent(event.event)}`}><code>${event.event}</code></a>
      <span class="quiet small">${t("admin.owned", { epoch: event.epoch, version: event.version,
        rate: numberText(event.commits_per_s) })}</span></span>
    ${others.length > 0 && html`<${Confirm} label=${t("admin.move")} title=${t("admin.moveSure")}
      words=${t("admin.moveWords")} yes=${t("admin.move")} no=${t("own.notNow")} work=${work} act=${move}
      name="move"><${Select} label=${t("admin.moveTo")} value=${target}
        options=${others.map((one) => [one, one])}
        onChange=${(/** @type {any} */ change) => setChosen(change.target.value)} /><//>`}`;
}
