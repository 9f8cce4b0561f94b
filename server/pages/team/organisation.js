// @ts-check
// An organisation, for its members: who belongs to it, what it tells whom, and its machines.

import { Desk, named, useRead } from "../organise/frame.js";
import { askOwn } from "../own/owner.js";
import { show } from "../parts/page.js";
import { html } from "../vendor/preact/standalone.js";
import { words } from "../words/index.js";
import { Activity } from "./activity.js";
import { Announcements } from "./announcements.js";
import { Details } from "./details.js";
import { Hooks } from "./hooks.js";
import { Keys } from "./keys.js";
import { Invitations, Members, Requests } from "./people.js";

const t = await words("own", "organise", "team");
const id = named("organisations");
const path = `/v1/organisations/${encodeURIComponent(id)}`;
const address = `/organise/organisations/${encodeURIComponent(id)}`;
const LEADS = ["owner", "leader"];

/** Each of its pages: name in the address, words, and what is on it. */
const PAGES = /** @type {[string, string, any[]][]} */ ([
  ["", "team.people", [Members, Invitations, Requests]],
  ["details", "team.details", [Details]],
  ["announcements", "team.announcements", [Announcements]],
  ["keys", "team.keys", [Keys]],
  ["hooks", "team.hooks", [Hooks]],
  ["activity", "team.activity", [Activity]],
]);

/**
 * @typedef {{t: import("../words/index.js").Translate, path: string, leads: boolean,
 *   known: any, reload: () => Promise<void>}} Props what each part of the page is given:
 *   `known` is the organisation with the tag of its document
 */

/** Which of its pages this is. @returns {string} */
function partHere() {
  const rest = location.pathname.split("/").slice(4);
  return rest[0] ?? "";
}

function Organisation() {
  const work = useRead(t, async () => {
    const answer = await askOwn(path);
    const about = await answer.json();
    return { ...about, etag: answer.headers.get("ETag") ?? "" };
  });
  const known = work.known;
  const leads = LEADS.includes(known?.role);
  const here = partHere();
  // Whoever only belongs to it sees who else does.
  const mine = PAGES.filter(([name]) => leads || name === "" || name === "details");
  const [, , parts] = mine.find(([name]) => name === here) ?? ["", "", []];
  const tabs = /** @type {[string, string, string][]} */ (
    mine.map(([name, says]) => [name, `${address}${name && `/${name}`}`, says]));
  return html`<${Desk} key=${known?.id} t=${t} title=${t("team.organisation")} about=${known?.name}
      work=${work} tabs=${known?.role ? tabs : []} here=${here}>
    ${known?.role ? parts.length > 0 ? parts.map((Part) => html`<${Part} t=${t} path=${path}
        leads=${leads} known=${known} reload=${work.load} />`)
        : html`<p class="note">${t("team.leadersOnly")}</p>`
      : html`<p class="note" data-testid="stranger">${t("team.stranger")}</p>
        <div class="row"><a class="button" href="/organise">${t("team.toHome")}</a></div>`}
  <//>`;
}

show(html`<${Organisation} />`);
