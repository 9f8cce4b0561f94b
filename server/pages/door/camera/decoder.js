// @ts-check
// Finds a QR code in a picture, in a worker: the page stays quick meanwhile.

import "../../vendor/jsqr/jsQR.js";

const { jsQR } = /** @type {any} */ (self);

self.onmessage = ({ data: { pixels, width, height } }) => {
  // Tickets are dark on white; looking for others as well would take twice as long.
  const found = jsQR(pixels, width, height, { inversionAttempts: "dontInvert" });
  self.postMessage(found?.data || null);
};
