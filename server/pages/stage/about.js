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
 *   lat: string, lon: string, exclusive: boolean, key: string, tag?: string | null}} Told
 *   `key` is for making it once; `tag` is of what it was read from */

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

/** @param {any} body @param {any} former @returns {any} the fields that differ */
const changesOf = (body, former) => Object.fromEntries(Object.entries(body)
  .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(former[name])));

/**
 * The same of a venue that is there, to be changed: only what differs is sent, so that what
 * somebody else changed beside it stays.
 * @param {{t: Translate, known: any, home: string, load: () => Promise<void>}} props
 */
export function About({ t, known, home, load }) {
  const work = useWork(t, venueText);
  const [base, setBase] = useState(() => ({ ...sayAbout(known.about, []), tag: known.tag }));
  const [told, setTold] = useState(base);
  const [done, setDone] = useState("");
  // What is read anew is what there is by now; what was changed here stays.
  if (base.tag !== known.tag) {
    const next = { ...sayAbout(known.about, []), tag: known.tag };
    setTold({ ...next, ...changesOf(told, base) });
    setBase(next);
  }
  const send = () => work.run(async () => {
    setDone("");
    const body = changesOf(aboutBody(told), aboutBody(base));
    try {
      await askOwn(home, { method: "PATCH", body, headers: { "If-Match": known.tag } });
      setDone(t("stage.saved"));
    } finally {
      await load();
    }
  });
  const theirs = work.trouble && base.name !== told.name ? t("stage.theirs", { name: base.name }) : "";
  return html`<${Form} onSend=${send}>
    <${AboutFields} t=${t} told=${told} organisations=${[]} fixed=${true} onTell=${setTold} />
    <${Wrong} text=${[work.trouble, theirs].filter(Boolean).join(" ")} />
    <p class=${done ? "note good" : ""} role="status">${done}</p>
    <div class="row"><${Button} kind="first" type="submit" busy=${work.busy} data-testid="save-about">
      ${t("stage.save")}<//></div>
  <//>`;
}
