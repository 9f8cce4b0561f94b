// @ts-check
// Something that is asked once before it is done, and said when it was.

import { html, useState } from "../vendor/preact/standalone.js";
import { Ask } from "./dialog.js";
import { Button, Wrong } from "./forms.js";

/**
 * A button that asks before it acts. `work` is what `useWork` gives; `act` does it, and
 * returns what was done, in words, or nothing where the page says so itself. `children`
 * stand in the question, as fields that it needs.
 * @param {{label: any, title: string, words?: string, yes: string, no: string, kind?: string,
 *   work: {busy: boolean, trouble: string, run: (work: () => Promise<any>) => Promise<boolean>},
 *   act: () => Promise<string | void>, name?: string, children?: any}} props
 */
export function Confirm({ label, title, words = "", yes, no, kind = "", work, act, name, children }) {
  const [asking, setAsking] = useState(false);
  const [done, setDone] = useState("");
  const open = () => {
    setDone("");
    setAsking(true);
  };
  const go = () => work.run(async () => {
    const said = await act();
    setAsking(false);
    setDone(said ?? "");
  });
  return html`<${Button} kind=${kind} onClick=${open} data-testid=${name}>${label}<//>
    <p class=${done ? "note good" : ""} role="status">${done}</p>
    ${asking && html`<${Ask} title=${title} onClose=${() => setAsking(false)}>
      ${words && html`<p>${words}</p>`}
      ${children}
      <${Wrong} text=${work.trouble} />
      <div class="row">
        <${Button} kind=${kind || "first"} busy=${work.busy} onClick=${go}
          data-testid=${name && `${name}-yes`}>${yes}<//>
        <${Button} onClick=${() => setAsking(false)}>${no}<//>
      </div><//>`}`;
}
