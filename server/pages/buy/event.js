// @ts-check
// The page of one event: what it is, its places, and buying them.

import { Connection, EventState, read, visitorToken } from "../client/index.js";
import { Page, entitle, show } from "../parts/page.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { momentText } from "../words/format.js";
import { words } from "../words/index.js";

const t = await words("buy");
const id = decodeURIComponent(location.pathname.split("/")[2]);

function Event() {
  const [event, setEvent] = useState(/** @type {any} */ (null));
  const [free, setFree] = useState(/** @type {number | null} */ (null));
  useEffect(() => {
    /** @type {Connection | null} */
    let line = null;
    Promise.all([
      read(`/v1/events/${encodeURIComponent(id)}`),
      read(`/v1/events/${encodeURIComponent(id)}/map`),
    ]).then(([document_, map]) => {
      setEvent(document_);
      entitle(document_.name);
      const state = new EventState(map.seats.length);
      line = new Connection(visitorToken);
      line.addEventListener("change", () => setFree(state.counts().free));
      line.watch(id, state);
    });
    return () => line?.end();
  }, []);
  return html`<${Page} t=${t}>
    ${event && html`<h1 dir="auto">${event.name}</h1>
      <p>${momentText(event.starts_at, event.timezone)}</p>
      <p>${free !== null && t("buy.free", { n: free })}</p>`}
  <//>`;
}

show(html`<${Event} />`);
