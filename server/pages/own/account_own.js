// @ts-check
// The account of who is signed in: what it says, its password, its sessions, its end.

import { keepNewSession, newKey, signOut } from "../client/index.js";
import { Button, Field, Form, Wrong, save } from "../parts/forms.js";
import { html, useEffect, useState } from "../vendor/preact/standalone.js";
import { dayText } from "../words/format.js";
import { LANGUAGES, choose, language } from "../words/index.js";
import { Bought, Registrations } from "./account_bought.js";
import { NewPassword } from "./account_enter.js";
import { forgetCopies } from "./copies.js";
import { Ask } from "../parts/dialog.js";
import { useWork } from "./forms.js";
import { Notices } from "./notices.js";
import { askOwn, askOwnJson, readAll } from "./owner.js";
import { Places } from "../line/own_places.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {{t: Translate, me: any, load: () => any, done: (told: string) => any}} Props */

/** @param {Translate} t @param {string} role in an organisation, or here */
export function roleText(t, role) {
  switch (role) {
    case "owner": return t("own.roleOwner");
    case "leader": return t("own.roleLeader");
    case "staff": return t("own.roleStaff");
    case "organizer": return t("own.roleOrganizer");
    case "admin": return t("own.roleAdmin");
    default: return role.replaceAll("_", " ");
  }
}

/**
 * @param {{t: Translate, me: any, reload: () => any, done: (told: string) => any,
 *   children?: any}} props
 */
export function Own({ t, me, reload: load, done, children }) {
  return html`<${Who} t=${t} me=${me} load=${load} done=${done} />
    <${Notices} t=${t} />
    <${Places} />
    <${Bought} t=${t} />
    <${Registrations} t=${t} />
    ${children}
    <${Profile} t=${t} me=${me} load=${load} done=${done} />
    <${Password} t=${t} me=${me} load=${load} done=${done} />
    <${Sessions} t=${t} />
    <${Data} t=${t} me=${me} load=${load} done=${done} />`;
}

/** @param {Props} props */
function Who({ t, me, done }) {
  const work = useWork(t);
  const [sent, setSent] = useState(false);
  const leave = () => work.run(async () => {
    await askOwn("/v1/auth/logout", { method: "POST" });
    signOut();
    forgetCopies(me.id);
    await done(t("own.signedOutNow"));
  });
  const resend = () => work.run(async () => {
    await askOwn("/v1/auth/email/resend", { method: "POST" });
    setSent(true);
  });
  const waits = me.pending_email ?? (me.email_verified ? null : me.email);
  return html`<section class="card stack" data-testid="me">
    <div class="row apart"><div><h2 dir="auto">${me.name}</h2>
      <p class="quiet"><bdi>${me.email}</bdi> ${me.email_verified &&
        html`<span class="pill good" data-testid="verified">✓ ${t("own.confirmed")}</span>`}
        ${me.role !== "customer" &&
          html`<span class="pill">${roleText(t, me.role)}</span>`}</p></div>
      <div class="row"><a class="button" href="/organise">${t("own.organise")}</a>
        <${Button} busy=${work.busy} onClick=${leave}>${t("own.signOut")}<//></div></div>
    ${waits && html`<div class="note wait stack"><p>${t("own.confirmWords", { email: waits })}</p>
      <p role="status">${sent && t("own.resent")}</p>
      <div class="row"><${Button} busy=${work.busy} onClick=${resend}>
        ${t("own.resend")}<//></div></div>`}
    <${Wrong} text=${work.trouble} />
  </section>`;
}

/**
 * The language in which mails come to an account: as the server has it.
 * @param {string | null} known the account's locale, as de-AT
 */
function spokenOf(known) {
  const found = (known ?? "").slice(0, 2).toLowerCase();
  return found in LANGUAGES ? found : "en";
}

/** @param {Props} props */
function Profile({ t, me, load, done }) {
  const work = useWork(t);
  const [moves, setMoves] = useState(false);
  const spoken = spokenOf(me.locale);
  const edit = (/** @type {any} */ { name, locale }) => work.run(async () => {
    // Who speaks the German of Austria goes on to, unless it is to be something else.
    const body = locale === spoken ? { name } : { name, locale };
    await askOwn("/v1/me", { method: "PATCH", body });
    if (locale !== spoken && locale !== language) choose(locale);
    else await done(t("own.saved"));
  });
  const move = (/** @type {any} */ body) => work.run(async () => {
    await askOwn("/v1/me", { method: "PATCH", body });
    setMoves(false);
    await load();
  });
  return html`<section class="card stack"><h2>${t("own.profile")}</h2>
    <${Form} onSend=${edit} data-testid="profile">
      <${Field} label=${t("own.name")} name="name" value=${me.name} required maxlength="200"
        autocomplete="name" dir="auto" />
      <div class="field"><label for="language">${t("own.language")}</label>
        <select id="language" name="locale" aria-describedby="language-hint">
          ${Object.entries(LANGUAGES).map(([code, name]) => html`<option value=${code}
            selected=${code === spoken} lang=${code}>${name}</option>`)}</select>
        <span class="hint" id="language-hint">${t("own.languageWords")}</span></div>
      ${!moves && html`<${Wrong} text=${work.trouble} />`}
      <div class="row"><${Button} type="submit" busy=${work.busy}>${t("own.save")}<//>
        <${Button} kind="bare" onClick=${() => setMoves(true)}>${t("own.changeEmail")}<//></div>
    <//>
    ${moves && html`<${Ask} title=${t("own.changeEmail")} onClose=${() => setMoves(false)}>
      <${Form} onSend=${move}>
        <p>${t("own.changeEmailWords")}</p>
        <${Field} label=${t("own.newEmail")} name="email" type="email" required
          autocomplete="email" />
        <${Field} label=${t("own.password")} name="current_password" type="password" required
          autocomplete="current-password" />
        <${Wrong} text=${work.trouble} />
        <div class="row"><${Button} onClick=${() => setMoves(false)}>${t("own.notNow")}<//>
          <${Button} kind="first" type="submit" busy=${work.busy}>${t("own.changeEmail")}<//></div>
      <//>
    <//>`}
  </section>`;
}

/** @param {Props} props */
function Password({ t, done }) {
  const work = useWork(t);
  const send = (/** @type {any} */ body, /** @type {HTMLFormElement} */ form) =>
    work.run(async () => {
      keepNewSession(await askOwnJson("/v1/me/password", { method: "POST", body, key: newKey() }));
      form.reset();
      await done(t("own.passwordChanged"));
    });
  return html`<section class="card stack"><h2>${t("own.changePassword")}</h2>
    <${Form} onSend=${send} data-testid="change-password">
      <${Field} label=${t("own.currentPassword")} name="current_password" type="password" required
        autocomplete="current-password" />
      <${NewPassword} t=${t} name="new_password" />
      <${Wrong} text=${work.trouble} />
      <div class="row"><${Button} type="submit" busy=${work.busy}>
        ${t("own.changePassword")}<//></div>
    <//></section>`;
}

/** What a browser says of itself, as people name it. @param {Translate} t @param {string} agent */
function deviceText(t, agent) {
  const browsers = ["Edg", "OPR", "Firefox", "Chrome", "Safari"];
  const names = { Edg: "Edge", OPR: "Opera" };
  const found = browsers.find((one) => agent.includes(`${one}/`));
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"]
    .find((one) => agent.includes(one));
  if (found === undefined) return agent.slice(0, 60) || t("own.someDevice");
  const browser = names[/** @type {keyof names} */ (found)] ?? found;
  return system === undefined ? browser : t("own.device", { browser, system });
}

/** @param {Translate} t @param {any} one */
const seenText = (t, { seen_at, address }) =>
  t("own.seen", { time: dayText(Date.parse(seen_at)), address });

/** @param {{t: Translate}} props */
function Sessions({ t }) {
  const [rows, setRows] = useState(/** @type {any[] | null} */ (null));
  const work = useWork(t);
  const look = async () => setRows(await readAll("/v1/auth/sessions", askOwnJson));
  useEffect(() => { work.run(look); }, []);
  const end = (/** @type {any[]} */ ended) => () => work.run(async () => {
    for (const { id } of ended) {
      await askOwn(`/v1/auth/sessions/${encodeURIComponent(id)}`, { method: "DELETE" });
    }
    await look();
  });
  const others = rows?.filter((/** @type {any} */ one) => !one.current) ?? [];
  return html`<section class="card stack" data-testid="sessions"><h2>${t("own.sessions")}</h2>
    <p class="quiet">${t("own.sessionsWords")}</p>
    <${Wrong} text=${work.trouble} />
    ${rows === null && !work.trouble && html`<div class="skeleton block"></div>`}
    ${rows && html`<ul class="things">${rows.map((/** @type {any} */ one) => html`<li key=${one.id}>
      <div><strong>${deviceText(t, one.user_agent)}</strong>
        <p class="quiet small">${seenText(t, one)}</p></div>
      ${one.current ? html`<span class="pill good">${t("own.thisOne")}</span>`
        : html`<${Button} busy=${work.busy} onClick=${end([one])}>${t("own.end")}<//>`}
    </li>`)}</ul>`}
    ${others.length > 1 && html`<div class="row"><${Button} kind="danger" busy=${work.busy}
      onClick=${end(others)}>${t("own.endOthers")}<//></div>`}
  </section>`;
}

/** All that the interface tells somebody of themselves. */
const EXPORTED = {
  orders: "/v1/orders", tickets: "/v1/tickets", bookings: "/v1/bookings",
  registrations: "/v1/me/registrations", sessions: "/v1/auth/sessions",
  activity: "/v1/me/activity", notices: "/v1/notices",
};

/** @param {Props} props */
function Data({ t, me, done }) {
  const [leaves, setLeaves] = useState(false);
  const work = useWork(t);
  const take = () => work.run(async () => {
    const all = { me: await askOwnJson("/v1/me") };
    for (const [name, path] of Object.entries(EXPORTED)) {
      Object.assign(all, { [name]: await readAll(path, askOwnJson) });
    }
    save(new Blob([JSON.stringify(all, null, 2)], { type: "application/json" }), "account.json");
  });
  const leave = (/** @type {any} */ body) => work.run(async () => {
    await askOwn("/v1/me", { method: "DELETE", body });
    signOut();
    forgetCopies(me.id);
    await done(t("own.deleted"));
  });
  return html`<section class="card stack"><h2>${t("own.data")}</h2>
    <p class="quiet">${t("own.dataWords")}</p>
    ${!leaves && html`<${Wrong} text=${work.trouble} />`}
    <div class="row"><${Button} busy=${work.busy} onClick=${take}>${t("own.export")}<//>
      ${me.role !== "admin" && html`<${Button} kind="danger" onClick=${() => setLeaves(true)}>
        ${t("own.delete")}<//>`}</div>
    ${leaves && html`<${Ask} title=${t("own.deleteSure")} onClose=${() => setLeaves(false)}>
      <${Form} onSend=${leave} data-testid="delete">
        <p>${t("own.deleteGoes")}</p><p>${t("own.deleteStays")}</p>
        <${Field} label=${t("own.password")} name="current_password" type="password" required
          autocomplete="current-password" />
        <${Wrong} text=${work.trouble} />
        <div class="row"><${Button} onClick=${() => setLeaves(false)}>${t("own.notNow")}<//>
          <${Button} kind="danger" type="submit" busy=${work.busy}>${t("own.deleteYes")}<//></div>
      <//>
    <//>`}
  </section>`;
}
