// @ts-check
// What is done with an event as a whole: published, copied, called off, withdrawn.

import { newKey } from "../client/index.js";
import { askOwn, askOwnJson } from "../own/owner.js";
import { useWork } from "../own/forms.js";
import { Confirm } from "../parts/confirm.js";
import { Field } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { momentText } from "../words/format.js";
import { forgetForm } from "./kept.js";
import { WrongFields, eventText } from "./trouble.js";
import { localOf, momentOf } from "./zone_time.js";

/** @typedef {import("../words/index.js").Translate} Translate */

/**
 * @param {{t: Translate, home: string, known: any, isDirty: boolean, save: () => Promise<boolean>,
 *   onTaken: () => Promise<any>, nameOf: (field: string) => string}} props
 */
export function Acts({ t, home, known, isDirty, save, onTaken, nameOf }) {
  const { event } = known;
  const name = encodeURIComponent(event.id);
  const over = event.status === "cancelled" || event.status === "completed";
  // What was done is said though its button is gone by then.
  const [said, setSaid] = useState("");
  return html`<section class="card stack"><h2>${t("setup.acts")}</h2>
    <p class=${said ? "note good" : ""} role="status" data-testid="said">${said}</p>
    <div class="row">
      ${event.status === "draft" && html`<${Publish} t=${t} home=${home} event=${event} isDirty=${isDirty}
        save=${save} onTaken=${onTaken} onSaid=${setSaid} nameOf=${nameOf} />`}
      <${Duplicate} key=${`${event.name} ${event.starts_at}`} t=${t} home=${home} event=${event} />
      ${!over && event.status !== "draft" && html`<a class="button danger" data-testid="to-cancel"
        href=${`/organise/events/${name}/orders`}>${t("setup.toCancel")}</a>`}
      ${!over && html`<${Withdraw} t=${t} home=${home} known=${known} />`}
    </div></section>`;
}

/** @param {any} props */
function Publish({ t, home, event, isDirty, save, onTaken, onSaid, nameOf }) {
  const work = useWork(t, eventText);
  const [refused, setRefused] = useState(/** @type {any} */ (null));
  const [key] = useState(newKey);
  const opens = event.on_sale_at !== null && Date.parse(event.on_sale_at) > Date.now();
  const act = async () => {
    setRefused(null);
    if (isDirty && !(await save())) return t("setup.saveFirst");
    let after;
    try {
      after = await askOwnJson(`${home}/publish`, { method: "POST", key });
    } catch (error) {
      setRefused(error);
      throw error;
    }
    await onTaken();
    onSaid(t(after.status === "scheduled" ? "setup.scheduledNow" : "setup.onSaleNow"));
    return "";
  };
  const words = [
    opens ? t("setup.publishLater", { time: momentText(event.on_sale_at, event.timezone) }) : t("setup.publishNow"),
    isDirty && t("setup.publishSaves"),
  ].filter(Boolean).join(" ");
  return html`<${Confirm} label=${t("setup.publish")} kind="first" title=${t("setup.publishAsk")} words=${words}
    yes=${t("setup.publish")} no=${t("setup.leaveIt")} work=${work} act=${act} name="publish">
    <${WrongFields} t=${t} wrong=${[]} refused=${refused} nameOf=${nameOf} /><//>`;
}

/** @param {any} props */
function Duplicate({ t, home, event }) {
  const work = useWork(t, eventText);
  const [name, setName] = useState(event.name);
  const [starts, setStarts] = useState(() => localOf(event.starts_at, event.timezone));
  const [key] = useState(newKey);
  const act = async () => {
    const body = { name: name.trim() || event.name, starts_at: momentOf(starts, event.timezone) ?? event.starts_at };
    const made = await askOwnJson(`${home}/duplicate`, { method: "POST", body, key });
    location.assign(`/organise/events/${encodeURIComponent(made.id)}/edit`);
  };
  return html`<${Confirm} label=${t("setup.duplicate")} title=${t("setup.duplicateAsk")}
    words=${t("setup.duplicateWords")} yes=${t("setup.duplicate")} no=${t("setup.leaveIt")} work=${work}
    act=${act} name="duplicate">
    <${Field} label=${t("setup.name")} value=${name} maxlength="200" data-testid="duplicate-name"
      onInput=${(/** @type {any} */ { target }) => setName(target.value)} />
    <${Field} label=${t("setup.starts")} type="datetime-local" value=${starts} data-testid="duplicate-starts"
      onInput=${(/** @type {any} */ { target }) => setStarts(target.value)} /><//>`;
}

/** @param {any} props */
function Withdraw({ t, home, known }) {
  const work = useWork(t, eventText);
  const act = async () => {
    await askOwn(home, { method: "DELETE", headers: { "If-Match": known.tag } });
    forgetForm(known.event.id);
    location.assign("/organise");
  };
  return html`<${Confirm} label=${t("setup.withdraw")} kind="danger" title=${t("setup.withdrawAsk")}
    words=${t("setup.withdrawWords")} yes=${t("setup.withdraw")} no=${t("setup.leaveIt")} work=${work}
    act=${act} name="withdraw" />`;
}
