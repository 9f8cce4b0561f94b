// @ts-check
// How the server and its parts are, in all processes.

import { askJson } from "../client/index.js";
import { useWork } from "../own/forms.js";
import { Wrong } from "../parts/forms.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { numberText } from "../words/format.js";
import { Part, useTold } from "../team/work.js";

const EVERY_MS = 5_000;
const MIB = 1 << 20;

/** @param {string} status */
const kindOf = (status) => ({ ok: "good", degraded: "wait", off: "" })[status] ?? "bad";

/** What a part says of itself, in a line; lists and tables of it stand in the document. @param {any} about */
const factsOf = (about) => Object.entries(about)
  .filter(([name, value]) => name !== "status" && ["string", "number", "boolean"].includes(typeof value))
  .map(([name, value]) => `${name.replaceAll("_", " ")} ${typeof value === "number" ? numberText(value) : value}`)
  .join(" · ");

/** @param {{t: any}} props */
export function Health({ t }) {
  const part = useTold();
  const work = useWork(t);
  const [known, setKnown] = useState(/** @type {any} */ (null));
  const look = () => work.run(async () => setKnown(await askJson("/health")));
  useEffect(() => {
    look();
    const timer = setInterval(() => document.visibilityState === "visible" && look(), EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  if (known === null) return html`<${Wrong} text=${work.trouble} />`;
  const parts = /** @type {[string, any][]} */ (Object.entries(known.parts));
  return html`<${Part} title=${t("admin.health")} of=${part} name="health" beside=${html`
      <span class=${`pill ${kindOf(known.status)}`} data-testid="health-status">
        ${t(`admin.is_${known.status}`)}</span>`}>
    <${Wrong} text=${work.trouble} />
    ${known.problems.map((/** @type {string} */ one) => html`<p class="note bad" lang="en">${one}</p>`)}
    <dl class="facts">
      <div><dt>${t("admin.version")}</dt><dd>${known.version}</dd></div>
      <div><dt>${t("admin.durability")}</dt><dd>${known.durability}</dd></div>
      <div><dt>${t("admin.rates")}</dt><dd>${t(`admin.rates_${known.rate_limits}`)}</dd></div></dl>
    <h3>${t("admin.parts")}</h3>
    <ul class="things">${parts.map(([name, about]) => html`<li key=${name} data-testid="health-part">
      <span class="told"><strong>${name.replaceAll("_", " ")}</strong>
        <span class="quiet small" lang="en">${factsOf(about)}</span></span>
      <span class=${`pill ${kindOf(about.status)}`}>${about.status}</span></li>`)}</ul>
    <h3>${t("admin.processes")}</h3>
    <ul class="things">${known.processes.map((/** @type {any} */ one) => html`<li key=${one.process}>
      <span class="told"><code>${one.process}</code><span class="quiet small">${t("admin.processFacts", {
        sockets: one.websockets, waiting: one.queue_depth,
        memory: Math.round(one.memory_bytes / MIB), cores: numberText(one.cpu_cores) })}</span></span>
      <span class=${`pill ${one.ready ? "good" : "wait"}`}>${t(one.ready ? "admin.ready" : "admin.notReady")}</span>
    </li>`)}</ul><//>`;
}
