// @ts-check
// Scanning: the camera or a scanner that types, and what came of it, as large as it gets.

import { entitle } from "../parts/page.js";
import { stayAwake } from "../parts/awake.js";
import { html, useEffect, useReducer, useRef, useState } from "../vendor/preact/standalone.js";
import { Gate } from "./gate/gate.js";
import { Result, toneOf } from "./result.js";
import { Search } from "./search.js";
import { allowSound, signal } from "./signals.js";
import { Alarms, Status, Troubles } from "./status.js";
import { View } from "./view.js";

const FRESH_MS = 6_000; // a green of longer ago is not for who comes now

/** @param {any} props @returns {Gate} that is running as long as it is shown */
function useGate({ vault, device, event, settings }) {
  const gate = useRef(/** @type {Gate | null} */ (null));
  const [, again] = useReducer((/** @type {number} */ count) => count + 1, 0);
  gate.current ??= new Gate(vault, device, event, settings);
  useEffect(() => {
    const one = /** @type {Gate} */ (gate.current);
    one.addEventListener("change", () => again(0));
    one.start();
    const sleep = stayAwake();
    return () => {
      one.stop();
      sleep();
    };
  }, []);
  return gate.current;
}

/** Have what a scanner types arrive, whatever has the focus. @param {{current: any}} input */
function useTyping(input) {
  useEffect(() => {
    const catchKey = (/** @type {KeyboardEvent} */ event) => {
      const at = /** @type {Element} */ (event.target);
      const isChord = event.ctrlKey || event.metaKey || event.altKey;
      const typed = event.key.length === 1 && event.key !== " " && !isChord;
      // Else the Enter at a code's end would press the button that was touched last.
      if (typed && at.closest("input, select, textarea, dialog") === null) input.current?.focus();
    };
    document.addEventListener("keydown", catchKey, true);
    document.addEventListener("pointerdown", allowSound);
    document.addEventListener("keydown", allowSound);
    return () => {
      document.removeEventListener("keydown", catchKey, true);
      document.removeEventListener("pointerdown", allowSound);
      document.removeEventListener("keydown", allowSound);
    };
  }, []);
}

/**
 * @param {{t: import("../words/index.js").Translate, vault: any, device: any, event: string,
 *   settings: import("./gate/gate.js").Settings, again: () => void}} props
 */
export function Scanner(props) {
  const { t, settings, again } = props;
  const gate = useGate(props);
  const input = useRef(/** @type {any} */ (null));
  const [told, setTold] = useState(/** @type {import("./gate/gate.js").Told | null} */ (null));
  const [fresh, setFresh] = useState(false);
  const [searching, setSearching] = useState(false);
  useTyping(input);
  useEffect(() => input.current?.focus(), []);
  useEffect(() => {
    if (told === null) return undefined;
    setFresh(true);
    const timer = setTimeout(() => setFresh(false), FRESH_MS);
    return () => clearTimeout(timer);
  }, [told]);
  const name = gate.bundle.facts?.name ?? "";
  useEffect(() => entitle(t("door.gateOf", { event: name })), [name]);

  const scan = async (/** @type {string} */ code) => {
    const one = await gate.scan(code);
    setTold(one);
    signal(/** @type {any} */ (toneOf(one)));
  };
  const submit = (/** @type {any} */ event) => {
    event.preventDefault();
    const code = input.current.value;
    input.current.value = "";
    input.current.focus();
    if (code.trim() !== "") scan(code);
  };
  const undo = async () => {
    if (told !== null) setTold(await gate.undo(told));
    input.current?.focus();
  };
  const tone = told !== null && fresh ? toneOf(told) : "none";
  return html`<main id="main" class="door" data-tone=${tone} tabindex="-1">
    <${Status} t=${t} gate=${gate} settings=${settings} again=${again} />
    <${Troubles} t=${t} gate=${gate} again=${again} />
    <${Alarms} t=${t} gate=${gate} />
    <div class="door-stage">
      <${View} t=${t} take=${scan} quiet=${told !== null} />
      <${Result} t=${t} told=${told} fresh=${fresh} online=${gate.online} />
    </div>
    <form class="door-bar" onSubmit=${submit}>
      ${told?.result === "ok" && !told.undone && html`<button type="button" class="button door-undo"
        onClick=${undo} data-testid="scan-undo"><span aria-hidden="true">↶</span>
        ${t("door.undo")}</button>`}
      <label class="door-input"><span class="unseen">${t("door.scanInput")}</span>
        <input ref=${input} type="text" inputmode="none" autocomplete="off"
          autocapitalize="characters" spellcheck="false" enterkeyhint="go" dir="ltr"
          placeholder=${t("door.code")} data-testid="scan-input" /></label>
      <button class="button first" data-testid="scan-submit">${t("door.check")}</button>
      <button type="button" class="button" onClick=${() => setSearching(true)}
        data-testid="door-search">${t("door.search")}</button>
    </form>
    ${searching && html`<${Search} t=${t} gate=${gate} scan=${scan} close=${() => {
      setSearching(false);
      input.current?.focus();
    }} />`}
  </main>`;
}

