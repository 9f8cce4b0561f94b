// @ts-check
// Where who runs something begins: their events, their organisations, their venues.

import { newKey } from "../client/index.js";
import { askOwn, askOwnJson } from "../own/owner.js";
import { Ask } from "../parts/dialog.js";
import { Lines } from "../parts/fields.js";
import { Button, Field, Form, Wrong } from "../parts/forms.js";
import { show } from "../parts/page.js";
import { noteRuns } from "../parts/runs.js";
import { Listing, Part, roleText, useList, useTeamWork, useTold } from "../team/work.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { momentText } from "../words/format.js";
import { words } from "../words/index.js";
import { Desk, tabsOfEvent, useRead } from "./frame.js";

const t = await words("own", "organise", "team");
const ORGANISATIONS = "/v1/organisations";
const KINDS = /** @type {Record<string, string>} */ ({
  on_sale: "good", paused: "wait", cancelled: "bad",
});

/** @typedef {import("../team/work.js").Listed} Listed */

function Home() {
  const work = useRead(t, () => askOwnJson("/v1/me"));
  const me = work.known;
  return html`<${Desk} key=${me?.id} t=${t} title=${t("team.home")} about=${me?.name} work=${work}>
    <${Desks} me=${me} /><//>`;
}

/** @param {{me: any}} props */
function Desks({ me }) {
  const organisations = useList(t, ORGANISATIONS);
  const led = (organisations.items ?? []).filter((one) => ["owner", "leader"].includes(one.role));
  const sells = led.length > 0 || ["organizer", "admin"].includes(me.role);
  useEffect(() => {
    if (organisations.items !== null) noteRuns(organisations.items.length > 0);
  }, [organisations.items]);
  return html`<${Events} sells=${sells} />
    <${Organisations} list=${organisations} />
    <${Venues} sells=${sells} />`;
}

/** @param {{sells: boolean}} props */
function Events({ sells }) {
  const part = useTold();
  const list = useList(t, "/v1/me/events?upcoming=true&limit=25");
  const [looks, setLooks] = useState(false);
  const over = useList(t, looks ? "/v1/me/events?upcoming=false&limit=25" : "");
  const row = (/** @type {any} */ one) => html`<${Event} one=${one} />`;
  return html`<${Part} title=${t("team.events")} of=${part} name="my-events" beside=${sells &&
      html`<a class="button first" href="/organise/events/new">${t("team.newEvent")}</a>`}>
    <${Listing} t=${t} list=${list} none=${t(sells ? "team.noEvents" : "team.noEventsYet")}
      row=${row} />
    ${looks ? html`<h3>${t("team.over")}</h3>
        <${Listing} t=${t} list=${over} none=${t("team.noneOver")} row=${row} />`
      : html`<div class="row"><${Button} kind="bare" onClick=${() => setLooks(true)}>
        ${t("team.showOver")}<//></div>`}
  <//>`;
}

/** What comes next in the sale of an event. @param {any} one @returns {string} */
function nextText(one) {
  const at = (/** @type {string} */ time) => momentText(time, one.timezone);
  if (["draft", "scheduled"].includes(one.status) && one.on_sale_at) {
    return t("team.opens", { time: at(one.on_sale_at) });
  }
  if (["on_sale", "paused"].includes(one.status) && one.off_sale_at) {
    return t("team.closes", { time: at(one.off_sale_at) });
  }
  return "";
}

/** @param {{one: any}} props */
function Event({ one }) {
  const left = Math.max(0, one.places - one.registrations);
  const [here, ...others] = tabsOfEvent(one.id);
  const next = nextText(one);
  return html`<div class="stack wide" data-testid="my-event" data-event=${one.id}>
    <div class="row apart"><div><h3><a href=${here[1]} dir="auto">${one.name}</a></h3>
      <p class="quiet small">${momentText(one.starts_at, one.timezone)}</p>
      ${one.venue_name && html`<p class="quiet small" dir="auto">${one.venue_name}</p>`}</div>
      <span class=${`pill ${KINDS[one.status] ?? ""}`} data-testid="my-event-state">
        ${t(`team.is_${one.status}`)}</span></div>
    <div><progress max=${Math.max(1, one.places)} value=${one.registrations}
        aria-label=${t("team.booked")}></progress>
      <p class="small">${t("team.sold", { sold: one.registrations, places: one.places })}${" "}
        ${left > 0 ? t("team.left", { n: left }) : t("team.full")}</p></div>
    ${next && html`<p class="small">${next}</p>`}
    <nav class="row small" aria-label=${one.name}>${[here, ...others].map(([name, address, says]) =>
      html`<a key=${name} class="button" href=${address}>${t(says)}</a>`)}</nav>
  </div>`;
}

/** @param {{list: Listed}} props */
function Organisations({ list }) {
  const part = useTold();
  const asked = useList(t, "/v1/me/join-requests");
  const [open, setOpen] = useState(/** @type {"" | "found" | "join"} */ (""));
  const close = () => setOpen("");
  const done = async (/** @type {string} */ text) => {
    close();
    await Promise.all([list.load(), asked.load()]);
    part.tell(text);
  };
  const waiting = (asked.items ?? []).filter((one) => one.state === "pending");
  return html`<${Part} title=${t("team.organisations")} of=${part} name="my-organisations"
      beside=${html`<div class="row">
        <${Button} onClick=${() => setOpen("join")} data-testid="join">${t("team.join")}<//>
        <${Button} onClick=${() => setOpen("found")} data-testid="found">${t("team.found")}<//></div>`}>
    <${Listing} t=${t} list=${list} none=${t("team.noOrganisations")} row=${(/** @type {any} */ one) =>
      html`<a href=${`/organise/organisations/${encodeURIComponent(one.id)}`}>
          <strong dir="auto">${one.name}</strong>
          ${one.description && html`<span class="quiet small cut" dir="auto">${one.description}</span>`}</a>
        ${one.role && html`<span class="pill">${roleText(t, one.role)}</span>`}`} />
    ${waiting.length > 0 && html`<h3>${t("team.askedBy")}</h3>
      <ul class="things">${waiting.map((one) => html`<li key=${one.id}>
        <${Asked} one=${one} done=${done} /></li>`)}</ul>`}
    ${open === "found" && html`<${Found} onClose=${close} />`}
    ${open === "join" && html`<${Join} onClose=${close} done=${done} />`}
  <//>`;
}

/** A request of one's own that nobody answered yet. @param {{one: any, done: (told: string) => any}} props */
function Asked({ one, done }) {
  const work = useTeamWork(t);
  const path = `${ORGANISATIONS}/${encodeURIComponent(one.organisation)}`;
  const [told, setTold] = useState("…");
  useEffect(() => { askOwnJson(path).then((found) => setTold(found.name), () => {}); }, []);
  const back = () => work.run(async () => {
    await askOwn(`${path}/join-requests/${encodeURIComponent(one.id)}`, { method: "DELETE" });
    await done(t("team.takenBack"));
  });
  return html`<span class="told"><strong dir="auto">${told}</strong>
      <span class="quiet small">${t("team.waitsForThem")}</span></span>
    <${Button} busy=${work.busy} onClick=${back}>${t("team.takeBack")}<//>
    <${Wrong} text=${work.trouble} />`;
}

/** @param {{onClose: () => any}} props */
function Found({ onClose }) {
  const work = useTeamWork(t);
  const [key] = useState(newKey);
  const [about, setAbout] = useState("");
  const make = (/** @type {any} */ { name }) => work.run(async () => {
    const body = { name, description: about };
    const made = await askOwnJson(ORGANISATIONS, { method: "POST", body, key });
    noteRuns(true);
    location.assign(`/organise/organisations/${encodeURIComponent(made.id)}`);
  });
  return html`<${Ask} title=${t("team.found")} onClose=${onClose}>
    <${Form} onSend=${make}>
      <p>${t("team.foundWords")}</p>
      <${Field} label=${t("team.name")} name="name" required maxlength="200" dir="auto" />
      <${Lines} label=${t("team.description")} value=${about} maxlength="2000" dir="auto"
        onInput=${(/** @type {any} */ event) => setAbout(event.target.value)} />
      <${Wrong} text=${work.trouble} />
      <div class="row"><${Button} kind="first" type="submit" busy=${work.busy}>${t("team.foundYes")}<//>
        <${Button} onClick=${onClose}>${t("own.notNow")}<//></div>
    <//><//>`;
}

/** @param {{onClose: () => any, done: (told: string) => any}} props */
function Join({ onClose, done }) {
  const work = useTeamWork(t);
  const [wanted, setWanted] = useState("");
  const [message, setMessage] = useState("");
  const found = useList(t, wanted && `${ORGANISATIONS}?listed=true&limit=10&q=${encodeURIComponent(wanted)}`);
  const ask = (/** @type {any} */ one) => work.run(async () => {
    const path = `${ORGANISATIONS}/${encodeURIComponent(one.id)}/join-requests`;
    await askOwn(path, { method: "POST", body: { message } });
    await done(t("team.askedNow", { name: one.name }));
  });
  return html`<${Ask} title=${t("team.join")} onClose=${onClose}>
    <${Form} onSend=${(/** @type {any} */ { q }) => setWanted(q.trim())}>
      <${Field} label=${t("team.search")} name="q" type="search" required maxlength="200" dir="auto" />
      <div class="row"><${Button} type="submit">${t("team.find")}<//></div>
    <//>
    <${Lines} label=${t("team.message")} value=${message} maxlength="1000" dir="auto"
      onInput=${(/** @type {any} */ event) => setMessage(event.target.value)} />
    <div aria-live="polite">${wanted && html`<${Listing} t=${t} list=${found}
      none=${t("team.foundNone")} row=${(/** @type {any} */ one) => html`
        <span class="told" dir="auto">${one.name}</span>
        ${one.role ? html`<span class="pill">${roleText(t, one.role)}</span>`
          : html`<${Button} busy=${work.busy} onClick=${() => ask(one)}>${t("team.ask")}<//>`}`} />`}</div>
    <${Wrong} text=${work.trouble} />
    <div class="row"><${Button} onClick=${onClose}>${t("own.notNow")}<//></div><//>`;
}

/** @param {{sells: boolean}} props */
function Venues({ sells }) {
  const part = useTold();
  const list = useList(t, "/v1/me/venues");
  return html`<${Part} title=${t("team.venues")} of=${part} name="my-venues" beside=${sells &&
      html`<a class="button" href="/organise/venues/new">${t("team.newVenue")}</a>`}>
    <${Listing} t=${t} list=${list} none=${t("team.noVenues")} row=${(/** @type {any} */ one) =>
      html`<a href=${`/organise/venues/${encodeURIComponent(one.id)}`}><strong dir="auto">${one.name}</strong>
        <span class="quiet small">${t("team.seats", { n: one.seats })}${one.areas > 0
          ? ` · ${t("team.areas", { n: one.areas })}` : ""}</span></a>`} />
  <//>`;
}

show(html`<${Home} />`);
