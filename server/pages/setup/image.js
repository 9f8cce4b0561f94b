// @ts-check
// The picture of an event.

import { newKey } from "../client/index.js";
import { askOwn } from "../own/owner.js";
import { useWork } from "../own/forms.js";
import { Confirm } from "../parts/confirm.js";
import { Button, Field, Form, Wrong } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";
import { eventText } from "./trouble.js";

/** @typedef {import("../words/index.js").Translate} Translate */

/** @param {{t: Translate, home: string, image: any, onChanged: () => Promise<void>}} props */
export function Picture({ t, home, image, onChanged }) {
  const work = useWork(t, eventText);
  const removing = useWork(t, eventText);
  const [told, setTold] = useState("");
  const send = (/** @type {any} */ fields, /** @type {HTMLFormElement} */ form) => work.run(async () => {
    setTold("");
    if (!fields.image?.size) return work.setTrouble(t("setup.imageNeeded"));
    await askOwn(`${home}/image`, { method: "POST", body: new FormData(form), key: newKey() });
    form.reset();
    await onChanged();
    setTold(t("setup.imageTaken"));
    return undefined;
  });
  const remove = async () => {
    await askOwn(`${home}/image`, { method: "DELETE" });
    await onChanged();
    return t("setup.imageGone");
  };
  return html`<section class="card stack"><h2>${t("setup.image")}</h2>
    ${image && html`<figure><img class="picture" src=${image.small_url} alt=${image.caption}
      width=${image.width} height=${image.height} data-testid="event-image" /></figure>`}
    <${Form} onSend=${send}>
      <div class="field"><label for="image-file">${t("setup.imageFile")}</label>
        <input id="image-file" name="image" type="file" accept="image/jpeg,image/png,image/gif,image/webp"
          data-testid="image-file" /></div>
      <${Field} label=${t("setup.caption")} name="caption" maxlength="500" hint=${t("setup.captionHint")} />
      <${Wrong} text=${work.trouble} />
      <p class=${told ? "note good" : ""} role="status">${told}</p>
      <div class="row"><${Button} type="submit" busy=${work.busy} data-testid="image-send">${t("setup.imageSend")}<//>
      </div><//>
    ${image && html`<div class="row"><${Confirm} label=${t("setup.imageRemove")} kind="danger"
      title=${t("setup.imageRemoveAsk")} yes=${t("setup.imageRemove")} no=${t("setup.leaveIt")}
      work=${removing} act=${remove} /></div>`}</section>`;
}
