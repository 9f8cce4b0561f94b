// @ts-check
// Something that is asked once, and then says what it did.

import { useWork } from "../own/forms.js";
import { Ask } from "../parts/dialog.js";
import { Button, Wrong } from "../parts/forms.js";
import { html, useState } from "../vendor/preact/standalone.js";

/**
 * A button that asks before it does something.
 * @param {{t: import("../words/index.js").Translate, name: string, about: string, yes: string,
 *   run: () => Promise<any>, kind?: string} & Record<string, any>} props
 *   `name` is on the button and above the question, `about` says what will happen
 */
export function Confirm({ t, name, about, yes, run, kind = "", ...rest }) {
  const [asks, setAsks] = useState(false);
  const work = useWork(t);
  const done = async () => {
    if (await work.run(run)) setAsks(false);
  };
  return html`<${Button} kind=${kind} onClick=${() => setAsks(true)} ...${rest}>${name}<//>
    ${asks && html`<${Ask} title=${name} onClose=${() => setAsks(false)}>
      <p>${about}</p><${Wrong} text=${work.trouble} />
      <div class="row"><${Button} kind=${kind || "first"} busy=${work.busy} onClick=${done}
          data-testid="confirm">${yes}<//>
        <${Button} onClick=${() => setAsks(false)}>${t("cockpit.leaveIt")}<//></div>
    <//>`}`;
}
