// @ts-check
// What the server does again and again, by one process at a time.

import { newKey } from "../client/index.js";
import { askOwn } from "../own/owner.js";
import { Confirm } from "../parts/confirm.js";
import { html } from "../vendor/preact/standalone.js";
import { dayText, numberText } from "../words/format.js";
import { Listing, Part, useList, useTeamWork, useTold } from "../team/work.js";

const at = (/** @type {string | null} */ time) => (time === null ? "–" : dayText(Date.parse(time)));

/** @param {{t: any}} props */
export function Jobs({ t }) {
  const part = useTold();
  const found = useList(t, "/v1/jobs");
  // This list has no pages.
  const list = { ...found, hasMore: false };
  const done = async (/** @type {string} */ text) => {
    await list.load();
    part.tell(text);
  };
  return html`<${Part} title=${t("admin.jobs")} of=${part} name="jobs">
    <${Listing} t=${t} list=${list} none="" by="job" row=${(/** @type {any} */ one) =>
      html`<${Job} t=${t} one=${one} done=${done} />`} /><//>`;
}

/** @param {{t: any, one: any, done: (told: string) => any}} props */
function Job({ t, one, done }) {
  const work = useTeamWork(t);
  const run = async () => {
    await askOwn(`/v1/jobs/${encodeURIComponent(one.job)}/run`, { method: "POST", key: newKey() });
    await done(t("admin.jobRuns", { job: one.job }));
  };
  const state = one.overdue ? ["bad", "admin.overdue"] : one.failures > 0 ? ["wait", "admin.failing"]
    : ["good", `admin.job_${one.state}`];
  return html`<span class="told" data-testid="job" data-job=${one.job}><strong>${one.job.replaceAll("_", " ")}</strong>
      <span class="quiet small">${t("admin.jobEvery", { every: numberText(one.every_s), next: at(one.next_at) })}</span>
      <span class="quiet small">${t("admin.jobLast", { ok: at(one.ok_at), process: one.process ?? "–" })}</span>
      ${one.failures > 0 && html`<span class="small wrong">${t("admin.jobFailed", { n: one.failures,
        error: one.error ?? "" })}</span>`}</span>
    <span class=${`pill ${state[0]}`}>${t(state[1])}</span>
    <${Confirm} label=${t("admin.runNow")} title=${t("admin.runSure", { job: one.job })}
      words=${t("admin.runWords")} yes=${t("admin.runNow")} no=${t("own.notNow")} work=${work} act=${run} />`;
}
