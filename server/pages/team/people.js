// @ts-check
// Who belongs to an organisation, who is invited, and who asks to join.

import { newKey, signedIn } from "../client/index.js";
import { askOwn } from "../own/owner.js";
import { Confirm } from "../parts/confirm.js";
import { Check, Select } from "../parts/fields.js";
import { Button, Field, Form, Wrong } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { dayText } from "../words/format.js";
import { Listing, Part, roleText, useList, useTeamWork, useTold } from "./work.js";

/** @typedef {import("./organisation.js").Props} Props */

const one = (/** @type {string} */ path, /** @type {string} */ id) =>
  `${path}/${encodeURIComponent(id)}`;

/** The roles that a member may give. @param {string} own their own role */
const rolesOf = (own) => (own === "owner" ? ["staff", "leader", "owner"] : ["staff", "leader"]);

/** @param {{t: any, value: string, own: string, onChange: (role: string) => void}} props */
const Role = ({ t, value, own, onChange }) => html`<${Select} label=${t("team.role")} value=${value}
  name="role" options=${rolesOf(own).map((role) => [role, roleText(t, role)])}
  onChange=${(/** @type {any} */ event) => onChange(event.target.value)} />`;

/** @param {Props} props */
export function Members({ t, path, leads, known, reload }) {
  const part = useTold();
  const list = useList(t, `${path}/members`);
  const done = async (/** @type {string} */ text) => {
    await Promise.all([list.load(), reload()]);
    part.tell(text);
  };
  return html`<${Part} title=${t("team.members")} of=${part} name="members">
    <${Listing} t=${t} list=${list} none="" by="user" row=${(/** @type {any} */ member) =>
      html`<${Member} t=${t} path=${path} member=${member} leads=${leads} own=${known.role}
        done=${done} />`} />
  <//>`;
}

/**
 * @param {{t: any, path: string, member: any, leads: boolean, own: string,
 *   done: (told: string) => any}} props
 */
function Member({ t, path, member, leads, own, done }) {
  const change = useTeamWork(t);
  const remove = useTeamWork(t);
  const [role, setRole] = useState(member.role);
  const [keeps, setKeeps] = useState(false);
  const mine = signedIn()?.id === member.user;
  const within = own === "owner" || member.role !== "owner";
  const keys = keeps ? "keep" : "revoke";
  const place = one(`${path}/members`, member.user);
  const edit = async () => {
    await askOwn(place, { method: "PATCH", body: { role, keys } });
    await done(t("team.roleNow", { name: member.name, role: roleText(t, role) }));
  };
  const end = async () => {
    await askOwn(mine ? place : `${place}?keys=${keys}`, { method: "DELETE" });
    if (mine) return location.assign("/organise");
    await done(t("team.removed", { name: member.name }));
  };
  const keep = !mine && member.role !== "staff"
    && html`<${Check} label=${t("team.keepKeys")} checked=${keeps} onChange=${setKeeps} />`;
  return html`<span class="told"><strong dir="auto">${member.name}</strong>
      <span class="quiet small">${member.email && html`<bdi>${member.email}</bdi> · `}
        ${t("team.since", { time: dayText(Date.parse(member.joined_at)) })}</span></span>
    <span class="pill" data-testid="member-role">${roleText(t, member.role)}</span>
    <div class="row" data-testid="member" data-user=${member.user}>
      ${leads && within && html`<${Confirm} label=${t("team.changeRole")} name="member-change"
        title=${t("team.changeRoleOf", { name: member.name })} yes=${t("team.changeRole")}
        no=${t("own.notNow")} work=${change} act=${edit}>
          <${Role} t=${t} value=${role} own=${own} onChange=${setRole} />${keep}<//>`}
      ${(mine || (leads && within)) && html`<${Confirm} kind="danger" name="member-remove"
        label=${t(mine ? "team.leave" : "team.remove")}
        title=${mine ? t("team.leaveSure") : t("team.removeSure", { name: member.name })}
        words=${t(mine ? "team.leaveWords" : "team.removeWords")} no=${t("own.notNow")}
        yes=${t(mine ? "team.leave" : "team.remove")} work=${remove} act=${end}>${keep}<//>`}
    </div>`;
}

/** @param {Props} props */
export function Invitations({ t, path, leads, known }) {
  const part = useTold();
  const work = useTeamWork(t);
  const [role, setRole] = useState("staff");
  const [all, setAll] = useState(false);
  const place = `${path}/invitations`;
  const list = useList(t, leads ? `${place}${all ? "" : "?state=pending"}` : "");
  if (!leads) return null;
  const send = async (/** @type {any} */ body) => {
    await askOwn(place, { method: "POST", body, key: newKey() });
    await list.load();
    part.tell(t("team.invited", { email: body.email }));
  };
  const invite = (/** @type {any} */ { email }, /** @type {HTMLFormElement} */ form) =>
    work.run(async () => {
      await send({ email, role });
      form.reset();
    });
  return html`<${Part} title=${t("team.invitations")} of=${part} name="invitations">
    <${Form} onSend=${invite} data-testid="invite">
      <p class="quiet">${t("team.inviteWords")}</p>
      <div class="fields"><${Field} label=${t("own.email")} name="email" type="email" required autocomplete="off" />
        <${Role} t=${t} value=${role} own=${known.role === "owner" ? "leader" : known.role}
          onChange=${setRole} /></div>
      <${Wrong} text=${work.trouble} />
      <div class="row"><${Button} kind="first" type="submit" busy=${work.busy}>
        ${t("team.invite")}<//></div>
    <//>
    <${Listing} t=${t} list=${list} none=${t("team.noInvitations")} row=${(/** @type {any} */ invitation) =>
      html`<${Invitation} t=${t} place=${place} invitation=${invitation} part=${part} list=${list}
        send=${send} />`} />
    <${Check} label=${t("team.showAnswered")} checked=${all} onChange=${setAll} />
  <//>`;
}

/** @param {any} props */
function Invitation({ t, place, invitation, part, list, send }) {
  const work = useTeamWork(t);
  const { email, role, state } = invitation;
  const again = useTeamWork(t);
  const withdraw = async () => {
    await askOwn(one(place, invitation.id), { method: "DELETE" });
    await list.load();
    part.tell(t("team.withdrawn", { email }));
  };
  return html`<span class="told"><bdi>${email}</bdi>
      <span class="quiet small">${roleText(t, role)} · ${state === "pending"
        ? t("team.until", { time: dayText(Date.parse(invitation.expires_at)) })
        : dayText(Date.parse(invitation.answered_at ?? invitation.expires_at))}</span></span>
    <span class=${`pill ${state === "pending" ? "wait" : ""}`}>${t(`team.state_${state}`)}</span>
    ${["pending", "expired"].includes(state) && html`<div class="row">
      <${Button} busy=${again.busy} onClick=${() => again.run(() => send({ email, role }))}>
        ${t("team.resend")}<//>
      ${state === "pending" && html`<${Confirm} kind="danger" label=${t("team.withdraw")}
        title=${t("team.withdrawSure", { email })} words=${t("team.withdrawWords")}
        yes=${t("team.withdraw")} no=${t("own.notNow")} work=${work} act=${withdraw} />`}
      <${Wrong} text=${again.trouble} /></div>`}`;
}

/** @param {Props} props */
export function Requests({ t, path, leads, known }) {
  const part = useTold();
  const place = `${path}/join-requests`;
  const list = useList(t, leads ? `${place}?state=pending` : "");
  if (!leads) return null;
  return html`<${Part} title=${t("team.requests")} of=${part} name="requests">
    <${Listing} t=${t} list=${list} none=${t("team.noRequests")} row=${(/** @type {any} */ request) =>
      html`<${Request} t=${t} place=${place} request=${request} own=${known.role} part=${part}
        list=${list} />`} />
  <//>`;
}

/** @param {any} props */
function Request({ t, place, request, own, part, list }) {
  const accepts = useTeamWork(t);
  const declines = useTeamWork(t);
  const [role, setRole] = useState("staff");
  const { name } = request;
  /** @param {string} what @param {string} told @param {any} [body] */
  const answer = async (what, told, body) => {
    await askOwn(`${one(place, request.id)}/${what}`, { method: "POST", body });
    await list.load();
    part.tell(told);
  };
  return html`<span class="told"><strong dir="auto">${name}</strong>
      <span class="quiet small">${dayText(Date.parse(request.created_at))}</span>
      ${request.message && html`<span class="said" dir="auto">${request.message}</span>`}</span>
    <div class="row">
      <${Confirm} kind="first" label=${t("team.accept")} title=${t("team.acceptSure", { name })}
        words=${t("team.answerWords")} yes=${t("team.accept")} no=${t("own.notNow")} work=${accepts}
        act=${() => answer("accept", t("team.accepted", { name }), { role })}>
          <${Role} t=${t} value=${role} own=${own === "owner" ? "leader" : own} onChange=${setRole} /><//>
      <${Confirm} label=${t("team.decline")} title=${t("team.declineSure", { name })}
        words=${t("team.answerWords")} yes=${t("team.decline")} no=${t("own.notNow")} work=${declines}
        act=${() => answer("decline", t("team.declined", { name }))} /></div>`;
}
