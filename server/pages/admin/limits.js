// @ts-check
// What the limits are set to, and what the caches hold.

import { newKey } from "../client/index.js";
import { useRead } from "../organise/frame.js";
import { askOwnJson } from "../own/owner.js";
import { Confirm } from "../parts/confirm.js";
import { Wrong } from "../parts/forms.js";
import { html } from "../vendor/preact/standalone.js";
import { numberText } from "../words/format.js";
import { Part, useTeamWork, useTold } from "../team/work.js";

const KIB = 1_024;

/** @param {{t: any, limits: any}} props */
export function Limits({ t, limits }) {
  const part = useTold();
  const budgets = /** @type {[string, any][]} */ (Object.entries(limits.budgets));
  const quotas = /** @type {[string, number][]} */ (Object.entries(limits.quotas));
  return html`<${Part} title=${t("admin.limits")} of=${part} name="limits">
    <p>${t(`admin.rates_${limits.rate_limits}`)}</p>
    <h3>${t("admin.budgets", { minutes: limits.window_s / 60 })}</h3>
    <dl class="facts">${budgets.map(([name, one]) => html`<div key=${name}><dt>${t(`admin.budget_${name}`)}</dt>
      <dd>${numberText(one.requests)}<span class="quiet small"> ${t(one.set ? "admin.set" : "admin.usual")}</span></dd></div>`)}</dl>
    <h3>${t("admin.quotas")}</h3>
    <dl class="facts">${quotas.map(([name, most]) => html`<div key=${name}><dt>${t(`admin.quota_${name}`)}</dt>
      <dd>${numberText(most)}</dd></div>`)}</dl><//>`;
}

/** @param {{t: any}} props */
export function Caches({ t }) {
  const part = useTold();
  const work = useTeamWork(t);
  const { known, trouble, load } = useRead(t, () => askOwnJson("/v1/cache/stats"));
  const clear = async () => {
    const dropped = await askOwnJson("/v1/cache/clear", { method: "POST", key: newKey() });
    await load();
    part.tell(t("admin.cleared", { n: dropped.entries }));
  };
  const caches = /** @type {[string, any][]} */ (Object.entries(known?.caches ?? {}));
  return html`<${Part} title=${t("admin.caches")} of=${part} name="caches" beside=${html`<div>
      <${Confirm} label=${t("admin.clear")} title=${t("admin.clearSure")} words=${t("admin.clearWords")}
        yes=${t("admin.clear")} no=${t("own.notNow")} work=${work} act=${clear} name="clear" /></div>`}>
    <${Wrong} text=${trouble} />
    <ul class="things">${caches.map(([name, one]) => html`<li key=${name}><strong>${name}</strong>
      <span class="quiet small">${t("admin.cache", { n: one.entries, size: Math.round(one.bytes / KIB),
        hits: one.hits, misses: one.misses })}</span></li>`)}</ul><//>`;
}
