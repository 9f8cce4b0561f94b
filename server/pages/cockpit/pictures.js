// @ts-check
// Small pictures of figures, as SVG: sizes stand in attributes, colours in the styles.

import { html } from "../vendor/preact/standalone.js";

/**
 * A line of one figure over time. What it shows stands beside it as a number.
 * @param {{values: (number | null)[], most?: number, name?: string, kind?: string}} props
 *   `most` is the top; the largest value where it is not said
 */
export function Line({ values, most, name, kind = "spark" }) {
  const top = Math.max(1, most ?? 0, ...values.map((one) => one ?? 0));
  const width = Math.max(1, values.length - 1);
  const points = values.flatMap((one, place) =>
    (one === null ? [] : [`${((100 * place) / width).toFixed(1)},${(29 - (28 * one) / top).toFixed(1)}`]));
  return html`<svg class=${kind} viewBox="0 0 100 30" preserveAspectRatio="none" role=${name ? "img" : undefined}
    aria-label=${name} aria-hidden=${name ? undefined : "true"}>
    <polyline points=${points.join(" ")} /></svg>`;
}

/** A bar as long as its share. @param {{share: number}} props */
export function Bar({ share }) {
  return html`<svg class="share" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
    <rect class="whole" width="100" height="4" />
    <rect class="part" width=${(100 * Math.min(1, share)).toFixed(1)} height="4" /></svg>`;
}
