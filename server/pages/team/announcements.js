// @ts-check
// What an organisation tells its members, or who has tickets, by mail.

import { newKey } from "../client/index.js";
import { askOwn } from "../own/owner.js";
import { Ask } from "../parts/dialog.js";
import { Confirm } from "../parts/confirm.js";
import { Lines, Select } from "../parts/fields.js";
import { Button, Field, Form, Wrong } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { dayText, numberText } from "../words/format.js";
import { Listing, Part, useList, useTeamWork, useTold } from "./work.js";

/** @typedef {import("./organisation.js").Props} Props */

const isGoing = (/** @type {any[]} */ items) => items.some((one) => one.state !== "done");

/** @param {Props} props */
export function Announcements({ t, path }) {
  const part = useTold();
  const [writes, setWrites] = useState(false);
  const place = `${path}/announcements`;
  const list = useList(t, `${place}?limit=20`, isGoing);
  const done = async (/** @type {string} */ text) => {
    setWrites(false);
    await list.load();
    part.tell(text);
  };
  return html`<${Part} title=${t("team.announcements")} of=${part} name="announcements"
      beside=${html`<${Button} kind="first" onClick=${() => setWrites(true)} data-testid="write">
        ${t("team.write")}<//>`}>
    <${Listing} t=${t} list=${list} none=${t("team.noAnnouncements")} row=${(/** @type {any} */ one) =>
      html`<${Announcement} t=${t} place=${place} one=${one} done=${done} />`} />
    ${writes && html`<${Write} t=${t} path=${path} done=${done} onClose=${() => setWrites(false)} />`}
  <//>`;
}

/** @param {{t: any, path: string, done: (told: string) => any, onClose: () => any}} props */
function Write({ t, path, done, onClose }) {
  const work = useTeamWork(t);
  const [key] = useState(newKey);
  const [audience, setAudience] = useState("members");
  const [event, setEvent] = useState("");
  const [text, setText] = useState("");
  const toHolders = audience === "ticket_holders";
  const events = useList(t, toHolders ? `${path}/events?limit=200` : "");
  const chosen = event || events.items?.[0]?.id;
  const send = (/** @type {any} */ { subject }) => work.run(async () => {
    const body = { audience, subject, body: text, ...(toHolders && { event: chosen }) };
    await askOwn(`${path}/announcements`, { method: "POST", body, key });
    await done(t("team.announced"));
  });
  return html`<${Ask} title=${t("team.write")} onClose=${onClose}>
    <${Form} onSend=${send} data-testid="announce">
      <${Select} label=${t("team.audience")} value=${audience} options=${[
        ["members", t("team.to_members")], ["ticket_holders", t("team.to_ticket_holders")]]}
        onChange=${(/** @type {any} */ change) => setAudience(change.target.value)} />
      ${toHolders && (events.items?.length === 0 ? html`<p class="note">${t("team.noEventToTell")}</p>`
        : html`<${Select} label=${t("team.ofEvent")} value=${chosen ?? ""}
          options=${(events.items ?? []).map((one) => [one.id, one.name])}
          onChange=${(/** @type {any} */ change) => setEvent(change.target.value)} />`)}
      <${Field} label=${t("team.subject")} name="subject" required maxlength="150" dir="auto" />
      <${Lines} label=${t("team.text")} value=${text} required maxlength="10000" rows="8" dir="auto"
        onInput=${(/** @type {any} */ change) => setText(change.target.value)} />
      <p class="quiet small">${t("team.announceWords")}</p>
      <${Wrong} text=${work.trouble || events.trouble} />
      <div class="row"><${Button} kind="first" type="submit" busy=${work.busy}>${t("team.announce")}<//>
        <${Button} onClick=${onClose}>${t("own.notNow")}<//></div>
    <//><//>`;
}

/** @param {{t: any, place: string, one: any, done: (told: string) => any}} props */
function Announcement({ t, place, one, done }) {
  const edits = useTeamWork(t);
  const deletes = useTeamWork(t);
  const [subject, setSubject] = useState(one.subject);
  const [body, setBody] = useState(one.body);
  const path = `${place}/${encodeURIComponent(one.id)}`;
  const { recipients, waiting, sent, failed, without_email } = one.counts;
  const edit = async () => {
    await askOwn(path, { method: "PATCH", body: { subject, body } });
    await done(t("team.announcementChanged"));
  };
  const takeBack = async () => {
    await askOwn(path, { method: "DELETE" });
    await done(t("team.announcementGone"));
  };
  const parts = [
    one.state === "writing" ? "" : t("team.sentTo", { sent, n: recipients }),
    waiting && t("team.waiting", { n: waiting }),
    failed && t("team.failed", { n: failed }),
    without_email && t("team.without", { n: without_email }),
  ].filter(Boolean);
  return html`<div class="told" data-testid="announcement">
      <strong dir="auto">${one.subject}</strong>
      <span class="quiet small">${t(`team.to_${one.audience}`)} · ${dayText(Date.parse(one.created_at))}</span>
      <span class="said cut" dir="auto">${one.body}</span>
      ${one.state !== "writing" && html`<progress max=${Math.max(1, recipients)} value=${recipients - waiting}
        aria-label=${t("team.sending")}></progress>`}
      <span class="small" data-testid="announcement-counts">${parts.join(" ")}</span></div>
    <span class=${`pill ${one.state === "done" ? (failed ? "bad" : "good") : "wait"}`}
      data-testid="announcement-state">${t(`team.state_${one.state}`)}</span>
    <div class="row">${waiting > 0 || one.state === "writing" ? html`
      <${Confirm} label=${t("team.change")} title=${t("team.change")} words=${t("team.changeWords")}
        yes=${t("own.save")} no=${t("own.notNow")} work=${edits} act=${edit}>
        <${Field} label=${t("team.subject")} value=${subject} maxlength="150" dir="auto"
          onInput=${(/** @type {any} */ change) => setSubject(change.target.value)} />
        <${Lines} label=${t("team.text")} value=${body} maxlength="10000" rows="8" dir="auto"
          onInput=${(/** @type {any} */ change) => setBody(change.target.value)} /><//>` : ""}
      <${Confirm} kind="danger" label=${t("team.deleteIt")} title=${t("team.deleteAnnouncement")}
        words=${t("team.deleteAnnouncementWords", { sent: numberText(sent) })} yes=${t("team.deleteIt")}
        no=${t("own.notNow")} work=${deletes} act=${takeBack} /></div>`;
}
