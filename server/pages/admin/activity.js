// @ts-check
// Who did what in all of the shop.

import { deedText } from "../team/activity.js";
import { Button, Field, Form } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { dayText } from "../words/format.js";
import { Listing, Part, useList, useTold } from "../team/work.js";

/** @param {{t: any}} props */
export function Activity({ t }) {
  const part = useTold();
  const [asked, setAsked] = useState("");
  const list = useList(t, `/v1/activity${asked && `?${asked}`}`);
  const find = (/** @type {Record<string, any>} */ fields) => {
    const given = Object.entries(fields).filter(([, value]) => value.trim());
    setAsked(given.map(([name, value]) => `${name}=${encodeURIComponent(value.trim())}`).join("&"));
  };
  return html`<${Part} title=${t("admin.activity")} of=${part} name="activity">
    <${Form} onSend=${find}><div class="fields">
      <${Field} label=${t("admin.ofUser")} name="actor" maxlength="64" />
      <${Field} label=${t("admin.ofEvent")} name="event" maxlength="64" />
      <${Field} label=${t("admin.ofOrganisation")} name="organisation" maxlength="64" /></div>
      <div class="row"><${Button} type="submit">${t("team.find")}<//></div><//>
    <${Listing} t=${t} list=${list} none=${t("team.noActivity")} row=${(/** @type {any} */ one) =>
      html`<span class="told"><span>${deedText(t, one)}</span>
        <span class="quiet small"><bdi>${one.actor ?? t("team.nobody")}</bdi> · ${dayText(Date.parse(one.at))} ·
          ${" "}${one.address}</span>
        <span class="quiet small">${Object.entries(one.objects).map(([name, id]) => `${name} ${id}`).join(" · ")}</span></span>
      <span class=${`pill ${one.status < 400 ? "" : "bad"}`}>${one.code ?? one.status}</span>`} /><//>`;
}
