// @ts-check
// A venue is copied, or deleted.

import { newKey } from "../client/index.js";
import { askOwn, askOwnJson } from "../own/owner.js";
import { useWork } from "../own/forms.js";
import { Confirm } from "../parts/confirm.js";
import { Field } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { keepDraft, keptDraft } from "./draft.js";
import { venueText } from "./trouble.js";

/** @typedef {import("../words/index.js").Translate} Translate */

/**
 * A copy, to whose page this one leads on; the draft of the map goes with it.
 * @param {{t: Translate, about: any, home: string}} props
 */
export function Copy({ t, about, home }) {
  const work = useWork(t, venueText);
  const [name, setName] = useState(() => t("stage.copyOf", { name: about.name }).slice(0, 200));
  const [key] = useState(newKey);
  const act = async () => {
    const made = await askOwnJson(`${home}/duplicate`, { method: "POST", body: { name }, key });
    const draft = keptDraft(about.id);
    if (draft !== null) keepDraft(made.id, { ...draft, about: null });
    keepDraft(about.id, null);
    location.assign(`/organise/venues/${encodeURIComponent(made.id)}`);
  };
  return html`<${Confirm} label=${t("stage.copy")} title=${t("stage.copyAsk")} words=${t("stage.copyWords")}
    yes=${t("stage.copy")} no=${t("stage.leaveIt")} work=${work} act=${act} name="copy-venue">
    <${Field} label=${t("stage.name")} value=${name} maxlength="200"
      onInput=${(/** @type {any} */ event) => setName(event.target.value)} /><//>`;
}

/** @param {{t: Translate, about: any, home: string, tag: string}} props */
export function Acts({ t, about, home, tag }) {
  const work = useWork(t, venueText);
  const remove = async () => {
    await askOwn(home, { method: "DELETE", headers: { "If-Match": tag } });
    keepDraft(about.id, null);
    location.assign("/organise");
  };
  return html`<div class="row">
    <a class="button" href=${`/organise/events/new?venue=${encodeURIComponent(about.id)}`}
      data-testid="event-here">${t("stage.eventHere")}</a>
    <${Copy} t=${t} about=${about} home=${home} />
    <${Confirm} label=${t("stage.delete")} kind="danger" title=${t("stage.deleteAsk")}
      words=${t("stage.deleteWords")} yes=${t("stage.delete")} no=${t("stage.leaveIt")}
      work=${work} act=${remove} name="delete-venue" /></div>`;
}
