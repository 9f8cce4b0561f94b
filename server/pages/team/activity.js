// @ts-check
// Who did what about an organisation.

import { Select } from "../parts/fields.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { dayText } from "../words/format.js";
import { Listing, Part, useList, useTold } from "./work.js";

/** @typedef {import("./organisation.js").Props} Props */

/** What routes do, in words `team.did_`: by method, and the end of the route. */
const DEEDS = /** @type {[string, RegExp, string][]} */ ([
  ["POST", /^\/v1\/organisations$/, "found"],
  ["PATCH", /\/organisations\/\{organisation\}$/, "edit"],
  ["PATCH", /\/members\/\{member\}$/, "role"],
  ["DELETE", /\/members\/\{member\}$/, "remove"],
  ["POST", /\/transfer$/, "transfer"],
  ["POST", /\/invitations$/, "invite"],
  ["DELETE", /\/invitations\/\{invitation\}$/, "withdraw"],
  ["POST", /\/join-requests$/, "ask"],
  ["POST", /\/join-requests\/\{request\}\/accept$/, "accept"],
  ["POST", /\/join-requests\/\{request\}\/decline$/, "decline"],
  ["POST", /\/announcements$/, "announce"],
  ["POST", /\/api-keys$/, "key"],
  ["POST", /\/api-keys\/\{key\}\/rotate$/, "rotate"],
  ["DELETE", /\/api-keys\/\{key\}$/, "revoke"],
  ["POST", /\/hooks$/, "hook"],
  ["POST", /\/hooks\/\{hook\}\/test$/, "test"],
  ["POST", /\/replay$/, "replay"],
  ["POST", /^\/v1\/venues$/, "venue"],
  ["POST", /^\/v1\/events$/, "event"],
  ["POST", /\/events\/\{event\}\/publish$/, "publish"],
]);

/**
 * What a call did: words, or the call itself where there are none.
 * @param {any} t @param {{method: string, route: string}} one
 */
export function deedText(t, { method, route }) {
  const known = DEEDS.find(([verb, pattern]) => verb === method && pattern.test(route));
  return known === undefined ? html`<code>${method} ${route}</code>` : t(`team.did_${known[2]}`);
}

/** @param {Props} props */
export function Activity({ t, path }) {
  const part = useTold();
  const [actor, setActor] = useState("");
  const members = useList(t, `${path}/members?limit=200`);
  const list = useList(t, `${path}/activity?limit=50${actor && `&actor=${encodeURIComponent(actor)}`}`);
  const people = (members.items ?? []).map((one) => [one.user, one.name]);
  const names = new Map(/** @type {[string, string][]} */ (people));
  return html`<${Part} title=${t("team.activity")} of=${part} name="activity">
    <${Select} label=${t("team.doneBy")} value=${actor} options=${[["", t("team.anybody")], ...people]}
      onChange=${(/** @type {any} */ event) => setActor(event.target.value)} />
    <${Listing} t=${t} list=${list} none=${t("team.noActivity")} row=${(/** @type {any} */ one) =>
      html`<span class="told"><span dir="auto">${deedText(t, one)}</span>
        <span class="quiet small"><bdi>${names.get(one.actor) ?? one.actor ?? t("team.nobody")}</bdi> ·
          ${" "}${dayText(Date.parse(one.at))}</span></span>
      ${one.status >= 400 && html`<span class="pill bad">${one.code ?? one.status}</span>`}`} />
  <//>`;
}
