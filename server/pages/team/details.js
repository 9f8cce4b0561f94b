// @ts-check
// What an organisation says of itself, and its end.

import { askOwn } from "../own/owner.js";
import { Confirm } from "../parts/confirm.js";
import { Check, Lines } from "../parts/fields.js";
import { Button, Field, Form, Wrong } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { Part, useTeamWork, useTold } from "./work.js";

/** @typedef {import("./organisation.js").Props} Props */

/** @param {Props} props */
export function Details({ t, path, leads, known, reload }) {
  const part = useTold();
  if (!leads) {
    return html`<${Part} title=${t("team.details")} of=${part} name="details">
      <p class="said" dir="auto">${known.description || t("team.noDescription")}</p><//>`;
  }
  return html`<${Edit} t=${t} path=${path} known=${known} reload=${reload} part=${part} />
    ${known.role === "owner" && html`<${End} t=${t} path=${path} name=${known.name} />`}`;
}

/** @param {any} props */
function Edit({ t, path, known, reload, part }) {
  const work = useTeamWork(t);
  const [about, setAbout] = useState(known.description);
  const [listed, setListed] = useState(known.listed);
  const save = (/** @type {any} */ { name, timezone }) => work.run(async () => {
    const body = { name, description: about, listed, timezone: timezone.trim() || null };
    const headers = { "If-Match": known.etag };
    try {
      await askOwn(path, { method: "PATCH", body, headers });
    } catch (error) {
      // The next try is about what is there now.
      if (/** @type {any} */ (error).code === "precondition_failed") await reload();
      throw error;
    }
    await reload();
    part.tell(t("own.saved"));
  });
  return html`<${Part} title=${t("team.details")} of=${part} name="details">
    <${Form} onSend=${save} data-testid="edit-organisation">
      <${Field} label=${t("team.name")} name="name" value=${known.name} required maxlength="200"
        dir="auto" />
      <${Lines} label=${t("team.description")} value=${about} maxlength="2000" dir="auto"
        onInput=${(/** @type {any} */ event) => setAbout(event.target.value)} />
      <${Field} label=${t("team.zone")} name="timezone" value=${known.timezone ?? ""} maxlength="64"
        hint=${t("team.zoneWords")} placeholder="Europe/Berlin" autocomplete="off" />
      <${Check} label=${t("team.listed")} checked=${listed} onChange=${setListed} />
      <${Wrong} text=${work.trouble} />
      <div class="row"><${Button} kind="first" type="submit" busy=${work.busy}>${t("own.save")}<//></div>
    <//><//>`;
}

/** @param {{t: any, path: string, name: string}} props */
function End({ t, path, name }) {
  const part = useTold();
  const work = useTeamWork(t);
  const end = async () => {
    await askOwn(path, { method: "DELETE" });
    location.assign("/organise");
  };
  return html`<${Part} title=${t("team.end")} of=${part}>
    <p>${t("team.endWords")}</p>
    <div class="row"><${Confirm} kind="danger" label=${t("team.end")} title=${t("team.endSure", { name })}
      words=${t("team.endCannot")} yes=${t("team.endYes")} no=${t("own.notNow")} work=${work}
      act=${end} name="end-organisation" /></div><//>`;
}
