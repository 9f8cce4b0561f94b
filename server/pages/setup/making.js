// @ts-check
// A new event: what it cannot do without; all else has usual values, and its own page.

import { newKey } from "../client/index.js";
import { askOwnJson } from "../own/owner.js";
import { useWork } from "../own/forms.js";
import { Button, Form, Wrong } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { What, When, Where } from "./basics.js";
import { categoriesOf, nameIn } from "./categories.js";
import { forgetForm, keepForm, keptForm } from "./kept.js";
import { Prices } from "./prices.js";
import { bodyOf, newValues } from "./terms.js";
import { WrongFields, eventText } from "./trouble.js";

/** @typedef {import("../words/index.js").Translate} Translate */

const NEW = "new";
const CURRENCY = "EUR";

/** @param {any} known @returns {any} the values to begin with */
function firstValues({ organisations, venues }) {
  const asked = new URLSearchParams(location.search).get("venue");
  const venue = venues.find((/** @type {any} */ one) => one.id === asked) ?? null;
  const zone = venue?.timezone ?? organisations[0]?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const organisation = organisations.find((/** @type {any} */ one) => one.id === venue?.organisation) ?? organisations[0];
  return newValues(zone, CURRENCY, venue?.id ?? "", organisation?.id ?? "");
}

/** @param {any} values @returns {{body: any, wrong: any[]}} as `POST /v1/events` takes it */
function newBody(values) {
  const { body, wrong } = bodyOf(values);
  const { capacity, ...rest } = body;
  if (values.organisation) rest.organisation = values.organisation;
  if (values.venue) return { body: { ...rest, venue: values.venue }, wrong };
  if (capacity === undefined) wrong.push({ field: "capacity", words: "setup.r_number" });
  return { body: { ...rest, capacity }, wrong };
}

/** @param {{t: Translate, known: any}} props */
export function Making({ t, known }) {
  const work = useWork(t, eventText);
  const [form, setForm] = useState(() => keptForm(NEW) ?? { base: null, values: firstValues(known), key: newKey() });
  const [found, setFound] = useState(/** @type {any} */ ({ wrong: [], refused: null }));
  const { values, key } = form;
  const set = (/** @type {any} */ changes) => {
    const next = { ...values, ...changes };
    if ("venue" in changes) next.prices = {};
    const zone = known.venues.find((/** @type {any} */ one) => one.id === changes.venue)?.timezone;
    if (zone) next.timezone = zone;
    keepForm(NEW, values, next, key);
    setForm({ ...form, values: next });
  };
  const venue = known.venues.find((/** @type {any} */ one) => one.id === values.venue);
  const categories = categoriesOf(t, venue?.categories ?? null);
  const send = () => work.run(async () => {
    const { body, wrong } = newBody(values);
    setFound({ wrong, refused: null });
    if (wrong.length > 0) return work.setTrouble(t("setup.t_fields"));
    try {
      const made = await askOwnJson("/v1/events", { method: "POST", body, key });
      forgetForm(NEW);
      location.assign(`/organise/events/${encodeURIComponent(made.id)}/edit`);
    } catch (error) {
      setFound({ wrong: [], refused: error });
      throw error;
    }
    return undefined;
  });
  const again = () => {
    forgetForm(NEW);
    setForm({ base: null, values: firstValues(known), key: newKey() });
    setFound({ wrong: [], refused: null });
    work.setTrouble("");
  };
  const shown = { t, values, set };
  return html`<${Form} onSend=${send} data-testid="new-event" novalidate>
    <${What} ...${shown} />
    <${Where} ...${shown} venues=${known.venues} organisations=${known.organisations} />
    <${When} ...${shown} />
    <${Prices} ...${shown} categories=${categories} />
    <section class="card stack">
      <p>${t("setup.draftWords")}</p>
      <${Wrong} text=${work.trouble} />
      <${WrongFields} t=${t} wrong=${found.wrong} refused=${found.refused} nameOf=${nameIn(values, categories)} />
      <div class="row"><${Button} kind="first" type="submit" busy=${work.busy} data-testid="make-event">
        ${t("setup.make")}<//>
        <${Button} kind="bare" onClick=${again}>${t("setup.startOver")}<//></div>
    </section><//>`;
}
