// @ts-check
// An event: made, changed, shown with a picture, published, copied, withdrawn.

import { Desk, named, tabsOfEvent, useRead } from "../organise/frame.js";
import { askOwn, askOwnJson, readAll } from "../own/owner.js";
import { show } from "../parts/page.js";
import { html } from "../vendor/preact/standalone.js";
import { words } from "../words/index.js";
import { Editing } from "./editing.js";
import { Making } from "./making.js";

const t = await words("own", "organise", "setup");
const event = named("events");
const isNew = event === "new";
const home = `/v1/events/${encodeURIComponent(event)}`;

/** @returns {Promise<any>} for a new event: where it can be, and whose */
async function readChoices() {
  const [all, venues] = await Promise.all([
    readAll("/v1/organisations", askOwnJson), readAll("/v1/venues", askOwnJson),
  ]);
  const organisations = all.filter(({ role }) => role === "owner" || role === "leader");
  // Those of one's own first: there may be many of others.
  const own = new Set(organisations.map(({ id }) => id));
  const order = (/** @type {any} */ one) => (own.has(one.organisation) ? 0 : 1);
  return { organisations, venues: venues.sort((a, b) => order(a) - order(b)) };
}

/** @returns {Promise<any>} of an event that is there: itself, its tag, its categories */
async function readEvent() {
  const response = await askOwn(home);
  const document = await response.json();
  const venue = document.venue === null ? null
    : await askOwnJson(`/v1/venues/${encodeURIComponent(document.venue)}`);
  return { event: document, tag: response.headers.get("ETag"), categories: venue?.categories ?? null };
}

function Page() {
  const work = useRead(t, isNew ? readChoices : readEvent);
  return html`<${Desk} t=${t} title=${t(isNew ? "setup.newEvent" : "setup.event")} work=${work}
      about=${work.known?.event?.name} tabs=${isNew ? [] : tabsOfEvent(event)} here="edit"
      beside=${html`<a class="button bare" href="/organise">${t("setup.toHome")}</a>`}>
    ${work.known && (isNew ? html`<${Making} t=${t} known=${work.known} />`
      : html`<${Editing} t=${t} home=${home} known=${work.known} load=${readEvent} onKnown=${work.setKnown} />`)}
  <//>`;
}

show(html`<${Page} />`);
