// @ts-check
// The page with all events that are on sale.

import { read } from "../client/index.js";
import { Page, entitle, show } from "../parts/page.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { momentText } from "../words/format.js";
import { words } from "../words/index.js";

const t = await words("buy");

function Events() {
  const [events, setEvents] = useState(/** @type {any[] | null} */ (null));
  useEffect(() => {
    read("/v1/events").then((answer) => setEvents(answer.items ?? answer.events));
  }, []);
  return html`<${Page} t=${t} here="events">
    <h1>${t("buy.events")}</h1>
    <ul class="events">${events?.map((event) => html`<li key=${event.id}>
      <a class="card" data-testid="event-card" href=${`/events/${event.id}`}>
        <h2 dir="auto">${event.name}</h2>
        <p class="quiet">${momentText(event.starts_at, event.timezone)}</p>
      </a></li>`)}</ul>
  <//>`;
}

entitle("");
show(html`<${Events} />`);
