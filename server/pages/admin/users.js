// @ts-check
// Who has an account: found, given a role, signed out, suspended.

import { signedIn } from "../client/index.js";
import { askOwn } from "../own/owner.js";
import { Confirm } from "../parts/confirm.js";
import { Select } from "../parts/fields.js";
import { Button, Field, Form } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { dayText } from "../words/format.js";
import { Listing, Part, roleText, useList, useTeamWork, useTold } from "../team/work.js";

const ROLES = ["customer", "organizer", "admin"];

/** @param {{t: any}} props */
export function Users({ t }) {
  const part = useTold();
  const [text, setText] = useState("");
  const [which, setWhich] = useState("");
  const asked = [text && `q=${encodeURIComponent(text)}`, which].filter(Boolean).join("&");
  const list = useList(t, `/v1/users${asked && `?${asked}`}`);
  const done = async (/** @type {string} */ told) => {
    await list.load();
    part.tell(told);
  };
  return html`<${Part} title=${t("admin.users")} of=${part} name="users">
    <${Form} onSend=${(/** @type {any} */ { q }) => setText(q.trim())} data-testid="find-users">
      <div class="fields"><${Field} label=${t("admin.userSearch")} name="q" type="search" maxlength="200" dir="auto" />
        <${Select} label=${t("admin.which")} value=${which} options=${[["", t("team.allStates")],
          ...ROLES.map((one) => [`role=${one}`, roleText(t, one)]), ["suspended=true", t("admin.suspended")]]}
          onChange=${(/** @type {any} */ event) => setWhich(event.target.value)} /></div>
      <div class="row"><${Button} type="submit">${t("team.find")}<//></div><//>
    <${Listing} t=${t} list=${list} none=${t("admin.usersNone")} row=${(/** @type {any} */ one) =>
      html`<${User} key=${`${one.role} ${one.suspended}`} t=${t} one=${one} done=${done} />`} /><//>`;
}

/** @param {{t: any, one: any, done: (told: string) => any}} props */
function User({ t, one, done }) {
  const path = `/v1/users/${encodeURIComponent(one.id)}`;
  const [roles, outs, halts] = [useTeamWork(t), useTeamWork(t), useTeamWork(t)];
  const [role, setRole] = useState(one.role);
  const [reason, setReason] = useState("");
  const { email } = one;
  const no = t("own.notNow");
  const patch = async (/** @type {any} */ body, /** @type {string} */ told) => {
    await askOwn(path, { method: "PATCH", body });
    await done(told);
  };
  const signOut = async () => {
    await askOwn(`${path}/sign-out`, { method: "POST" });
    await done(t("admin.signedOut", { email }));
  };
  const isSelf = signedIn()?.id === one.id;
  return html`<span class="told" data-testid="user" data-email=${email}><strong dir="auto">${one.name}</strong>
      <span class="small"><bdi>${email}</bdi></span>
      <span class="quiet small">${t("team.since", { time: dayText(Date.parse(one.created_at)) })}</span>
      ${one.suspended_reason && html`<span class="small wrong" dir="auto">${one.suspended_reason}</span>`}</span>
    <span class="row"><span class="pill">${roleText(t, one.role)}</span>
      ${one.suspended && html`<span class="pill bad">${t("admin.suspended")}</span>`}</span>
    ${!isSelf && html`<div class="row">
      <${Confirm} label=${t("team.changeRole")} title=${t("team.changeRoleOf", { name: one.name })}
        words=${t("admin.roleWords")} yes=${t("team.changeRole")} no=${no} work=${roles}
        act=${() => patch({ role }, t("team.roleNow", { name: one.name, role: roleText(t, role) }))}>
        <${Select} label=${t("team.role")} value=${role} options=${ROLES.map((name) => [name, roleText(t, name)])}
          onChange=${(/** @type {any} */ event) => setRole(event.target.value)} /><//>
      <${Confirm} label=${t("admin.signOut")} title=${t("admin.signOutSure", { email })} name="user-sign-out"
        words=${t("admin.signOutWords")} yes=${t("admin.signOut")} no=${no} work=${outs} act=${signOut} />
      ${one.suspended ? html`<${Confirm} label=${t("admin.letIn")} title=${t("admin.letInSure", { email })}
          name="user-let-in" yes=${t("admin.letIn")} no=${no} work=${halts}
          act=${() => patch({ suspended: false }, t("admin.letInNow", { email }))} />`
        : html`<${Confirm} kind="danger" label=${t("admin.suspend")} title=${t("admin.suspendSure", { email })}
          name="user-suspend" words=${t("admin.suspendWords")} yes=${t("admin.suspend")} no=${no} work=${halts}
          act=${() => patch({ suspended: true, reason: reason || t("admin.noReason") },
            t("admin.suspendedNow", { email }))}>
          <${Field} label=${t("admin.reason")} value=${reason} maxlength="500" dir="auto"
            onInput=${(/** @type {any} */ event) => setReason(event.target.value)} /><//>`}</div>`}`;
}
