// @ts-check
// What the camera sees, and its switches.

import { ofBrowser } from "../client/index.js";
import { html, useEffect, useRef, useState } from "../vendor/preact/standalone.js";
import { Camera } from "./camera/camera.js";

const WANTED = "onsale.door.camera";
const TROUBLES = { NotAllowedError: "Denied", SecurityError: "Denied", NotReadableError: "Busy" };

/** @param {{t: import("../words/index.js").Translate, take: (code: string) => void,
 *   quiet: boolean}} props `quiet`: what is no use any more is not said */
export function View({ t, take, quiet }) {
  const video = useRef(/** @type {HTMLVideoElement | null} */ (null));
  const camera = useRef(/** @type {Camera | null} */ (null));
  const taken = useRef(take);
  taken.current = take;
  const can = Boolean(navigator.mediaDevices?.getUserMedia);
  const isWanted = () => ofBrowser.read(WANTED) ?? matchMedia("(pointer: coarse)").matches;
  const [on, setOn] = useState(can && isWanted());
  const [trouble, setTrouble] = useState("");
  const [lamp, setLamp] = useState(/** @type {boolean | null} */ (null)); // null: there is none

  useEffect(() => {
    if (!on || video.current === null) return undefined;
    const fail = (/** @type {any} */ error) => {
      setTrouble(`door.camera${/** @type {any} */ (TROUBLES)[error?.name] ?? "None"}`);
      setOn(false);
    };
    const one = new Camera(video.current, (code) => taken.current(code), fail);
    camera.current = one;
    one.start().then(() => setLamp(one.hasLamp ? false : null), fail);
    return () => one.stop();
  }, [on]);

  const turn = () => {
    setTrouble("");
    setLamp(null);
    ofBrowser.write(WANTED, !on);
    setOn(!on);
  };
  const light = () => {
    camera.current?.light(!lamp);
    setLamp(!lamp);
  };
  return html`<div class="door-view" data-on=${String(on)}>
    ${on && html`<video ref=${video} playsinline muted aria-hidden="true"
      data-testid="door-video"></video>`}
    ${trouble && !quiet && html`<p class="note bad" role="alert">${t(trouble)}</p>`}
    <div class="row">
      ${can && html`<button type="button" class="button" onClick=${turn} data-testid="door-camera">
        ${t(on ? "door.cameraOff" : "door.camera")}</button>`}
      ${lamp !== null && html`<button type="button" class="button" aria-pressed=${String(lamp)}
        onClick=${light}>${t("door.lamp")}</button>`}
    </div>
  </div>`;
}
