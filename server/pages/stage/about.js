// @ts-check
// What a venue is called, whose it is, where it is.

import { newKey } from "../client/index.js";
import { askOwn } from "../own/owner.js";
import { useWork } from "../own/forms.js";
import { Check, Select } from "../parts/fields.js";
import { Button, Field, Form, Wrong } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { venueText } from "./trouble.js";

/** @typedef {import("../words/index.js").Translate} Translate */
/** @typedef {{name: string, organisation: string, timezone: string, address: string,
 *   lat: string, lon: string, exclusive: boolean, key: string}} Told `key` is for making it once */

/** @returns {string} the zone of this browser */
const zoneHere = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/**
 * @param {any} about a venue as it is, or null for a new one
 * @param {{id: string, timezone?: string | null}[]} organisations that one may make it for
 * @returns {Told}
 */
export function sayAbout(about, organisations) {
  return {
    name: about?.name ?? "",
    organisation: about?.organisation ?? organisations[0]?.id ?? "",
    timezone: about === null ? organisations[0]?.timezone ?? zoneHere() : about.timezone ?? "",
    address: about?.address ?? "",
    lat: String(about?.coordinates?.lat ?? ""), lon: String(about?.coordinates?.lon ?? ""),
    exclusive: about?.exclusive ?? false,
    key: newKey(),
  };
}

/** @param {Told} told @returns {any} the same as the interface takes it */
export function aboutBody(told) {
  const somewhere = told.lat.trim() !== "" && told.lon.trim() !== "";
  return {
    name: told.name.trim(),
    timezone: told.timezone.trim() || null,
    address: told.address.trim() || null,
    coordinates: somewhere ? { lat: Number(told.lat), lon: Number(told.lon) } : null,
    exclusive: told.exclusive,
  };
}

/**
 * @param {{t: Translate, told: Told, organisations: any[], fixed?: boolean,
 *   onTell: (told: Told) => void}} props `fixed`: whose it is does not change any more
 */
export function AboutFields({ t, told, organisations, fixed = false, onTell }) {
  const of = (/** @type {keyof Told} */ name) => ({
    value: told[name], onChange: (/** @type {any} */ event) => onTell({ ...told, [name]: event.target.value }),
  });
  const zones = Intl.supportedValuesOf("timeZone");
  return html`<div class="fields">
    <${Field} label=${t("stage.name")} required maxlength="200" data-testid="venue-name" ...${of("name")} />
    ${!fixed && organisations.length > 0 && html`<${Select} label=${t("stage.organisation")} data-testid="venue-organisation"
      options=${organisations.map(({ id, name }) => [id, name])} ...${of("organisation")} />`}
    <${Field} label=${t("stage.timezone")} list="zones" hint=${t("stage.timezoneHint")} ...${of("timezone")} />
    <datalist id="zones">${zones.map((one) => html`<option key=${one} value=${one} />`)}</datalist>
    <${Field} label=${t("stage.address")} maxlength="500" ...${of("address")} />
    <${Field} label=${t("stage.lat")} type="number" min="-90" max="90" step="any" ...${of("lat")} />
    <${Field} label=${t("stage.lon")} type="number" min="-180" max="180" step="any" ...${of("lon")} />
  </div>
  <${Check} label=${t("stage.exclusive")} checked=${told.exclusive}
    onChange=${(/** @type {boolean} */ exclusive) => onTell({ ...told, exclusive })} />`;
}

/**
 * The same of a venue that is there, to be changed.
 * @param {{t: Translate, known: any, home: string, load: () => Promise<void>}} props
 */
export function About({ t, known, home, load }) {
  const work = useWork(t, venueText);
  const [told, setTold] = useState(() => sayAbout(known.about, []));
  const [done, setDone] = useState("");
  const send = () => work.run(async () => {
    setDone("");
    const headers = { "If-Match": known.tag };
    await askOwn(home, { method: "PATCH", body: aboutBody(told), headers });
    setDone(t("stage.saved"));
    await load();
  });
  return html`<${Form} onSend=${send}>
    <${AboutFields} t=${t} told=${told} organisations=${[]} fixed=${true} onTell=${setTold} />
    <${Wrong} text=${work.trouble} />
    <p class=${done ? "note good" : ""} role="status">${done}</p>
    <div class="row"><${Button} kind="first" type="submit" busy=${work.busy} data-testid="save-about">
      ${t("stage.save")}<//></div>
  <//>`;
}
