// @ts-check
// One's place on another device: a link that is as good as the place itself, as a QR code.

import { signedIn } from "../client/index.js";
import { Ask } from "../parts/dialog.js";
import { Button } from "../parts/forms.js";
import { html, useMemo, useState } from "../vendor/preact/standalone.js";
import { qrPath } from "./qr.js";

const QUIET = 4; // modules of white around it, as the standard asks

/** @typedef {import("../words/index.js").Translate} Translate */

/** @param {{t: Translate, place: string}} props the signed place */
export function OtherDevice({ t, place }) {
  const [open, setOpen] = useState(false);
  // The place of an account is opened by signing in.
  if (signedIn() !== null) return null;
  return html`<${Button} data-testid="line-device" onClick=${() => setOpen(true)}>
      ${t("line.device")}<//>
    ${open && html`<${Ask} title=${t("line.device")} onClose=${() => setOpen(false)}>
      <${Code} t=${t} link=${`${location.origin}${location.pathname}#place=${place}`} />
      <div class="row"><${Button} onClick=${() => setOpen(false)}>${t("common.close")}<//></div>
    <//>`}`;
}

/** @param {{t: Translate, link: string}} props */
function Code({ t, link }) {
  const [told, setTold] = useState("");
  const { size, path } = useMemo(() => qrPath(link), [link]);
  const whole = size + 2 * QUIET;
  const copy = () =>
    navigator.clipboard.writeText(link).then(
      () => setTold(t("line.deviceCopied")),
      () => setTold(t("line.deviceCopyFailed")),
    );
  return html`<p>${t("line.deviceWords")}</p>
    <svg class="qr-code" data-testid="place-qr" role="img" aria-label=${t("line.deviceQr")}
      viewBox=${`${-QUIET} ${-QUIET} ${whole} ${whole}`} shape-rendering="crispEdges">
      <rect x=${-QUIET} y=${-QUIET} width=${whole} height=${whole} fill="#fff" />
      <path d=${path} fill="#000" /></svg>
    <div class="row"><${Button} onClick=${copy}>${t("line.deviceCopy")}<//>
      <span role="status" class="small quiet">${told}</span></div>
    <p class="quiet small">${t("line.deviceSecret")}</p>`;
}
