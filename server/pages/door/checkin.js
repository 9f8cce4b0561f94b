// @ts-check
// The page at a door: which event, who this device is and which gate, then scanning.

import { read } from "../client/index.js";
import { Page, entitle, show } from "../parts/page.js";
import { keepForLater } from "../parts/worker.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { momentText } from "../words/format.js";
import { words } from "../words/index.js";
import { Device } from "./gate/device.js";
import { Vault } from "./gate/vault.js";
import { Pair } from "./pair.js";
import { Scanner } from "./scanner.js";

const t = await words("door");
const event = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const vault = await Vault.open();
const device = new Device(vault);
await device.load();
const known = event === "" ? null : await vault.get(`settings ${event}`);

function Choose() {
  const [events, setEvents] = useState(/** @type {any[] | null} */ (null));
  const [trouble, setTrouble] = useState("");
  useEffect(() => {
    const fail = () => setTrouble(t("door.unreachable"));
    read("/v1/events").then((answer) => setEvents(answer.items), fail);
  }, []);
  return html`<${Page} t=${t} narrow><div class="stack">
    <h1>${t("door.which")}</h1>
    ${trouble && html`<p class="note bad" role="alert">${trouble}</p>`}
    ${events?.length === 0 && html`<p class="empty">${t("door.whichNone")}</p>`}
    <ul class="stack">${events?.map((one) => html`<li key=${one.id}>
      <a class="card door-event" href=${`/checkin/${encodeURIComponent(one.id)}`}>
        <h2 dir="auto">${one.name}</h2>
        <p class="quiet">${momentText(one.starts_at, one.timezone)}</p></a></li>`)}</ul>
  </div><//>`;
}

function Door() {
  const [settings, setSettings] = useState(device.credential === null ? null : known);
  const [former, setFormer] = useState(known);
  if (settings === null) {
    return html`<${Page} t=${t} narrow>
      <${Pair} t=${t} vault=${vault} device=${device} event=${event} former=${former}
        done=${setSettings} /><//>`;
  }
  const again = () => {
    setFormer(settings);
    setSettings(null);
  };
  return html`<${Scanner} t=${t} vault=${vault} device=${device} event=${event}
    settings=${settings} again=${again} />`;
}

entitle(t("door.title"));
show(event === "" ? html`<${Choose} />` : html`<${Door} />`);
keepForLater("/checkin/worker.js");
