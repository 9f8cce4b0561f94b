// @ts-check
// How the server is, for those who administer it, and what they can do about it.

import { Desk, useRead } from "../organise/frame.js";
import { askOwnJson } from "../own/owner.js";
import { show } from "../parts/page.js";
import { html } from "../vendor/preact/standalone.js";
import { words } from "../words/index.js";
import { Activity } from "./activity.js";
import { Cluster } from "./cluster.js";
import { Health } from "./health.js";
import { Jobs } from "./jobs.js";
import { Caches, Limits } from "./limits.js";
import { Outbox } from "./outbox.js";
import { Users } from "./users.js";

const t = await words("own", "organise", "team", "admin");

/** Each of its pages: name in the address, words, and what is on it. */
const PAGES = /** @type {[string, string, any[]][]} */ ([
  ["", "admin.health", [Health]],
  ["jobs", "admin.jobs", [Jobs]],
  ["outbox", "admin.outbox", [Outbox]],
  ["cluster", "admin.cluster", [Cluster]],
  ["users", "admin.users", [Users]],
  ["activity", "admin.activity", [Activity]],
  ["limits", "admin.limits", [Limits, Caches]],
]);

function Administration() {
  // Only who administers is told this.
  const work = useRead(t, () => askOwnJson("/v1/limits"));
  const here = location.pathname.split("/")[2] ?? "";
  const [, , parts] = PAGES.find(([name]) => name === here) ?? PAGES[0];
  const tabs = /** @type {[string, string, string][]} */ (
    PAGES.map(([name, says]) => [name, name ? `/admin/${name}` : "/admin", says]));
  return html`<${Desk} t=${t} title=${t("admin.title")} work=${work}
      tabs=${work.known === null ? [] : tabs} here=${here}>
    ${parts.map((Part) => html`<${Part} t=${t} limits=${work.known} />`)}<//>`;
}

show(html`<${Administration} />`);
