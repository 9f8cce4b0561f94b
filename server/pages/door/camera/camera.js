// @ts-check
// Reads QR codes from the camera: with the browser's own detector where it has one, else
// with a decoder that is loaded then, beside the page.

import { startWorker } from "../../parts/worker.js";

const SAME_MS = 2_000; // a code that is held on is one scan
const PAUSE_MS = 60; // so that a cheap phone keeps cool
const SIDE_MAX = 640; // of what is looked at, in pixels

/** @typedef {(video: HTMLVideoElement) => Promise<string | null>} Read */

/** @returns {Promise<{read: Read, end: () => void}>} */
async function reader() {
  const Detector = /** @type {any} */ (globalThis).BarcodeDetector;
  const formats = await Detector?.getSupportedFormats?.().catch(() => []);
  if (formats?.includes("qr_code")) {
    const detector = new Detector({ formats: ["qr_code"] });
    const read = async (/** @type {HTMLVideoElement} */ video) =>
      (await detector.detect(video))[0]?.rawValue ?? null;
    return { read, end: () => {} };
  }
  return besideThePage();
}

/** @typedef {{data: Uint8ClampedArray<ArrayBuffer>, width: number, height: number}} Picture */

/** @returns {{read: Read, end: () => void}} */
function besideThePage() {
  const worker = startWorker(new URL("./decoder.js", import.meta.url));
  const canvas = document.createElement("canvas");
  const context = /** @type {CanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  let decode = (/** @type {Picture} */ { data, width, height }) =>
    new Promise((resolve, reject) => {
      worker.onmessage = (message) => resolve(message.data);
      worker.onerror = reject;
      worker.postMessage({ pixels: data, width, height }, [data.buffer]);
    });
  /** @type {Read} */
  const read = async (video) => {
    const { videoWidth, videoHeight } = video;
    const part = Math.min(1, SIDE_MAX / Math.max(videoWidth, videoHeight));
    canvas.width = Math.round(videoWidth * part);
    canvas.height = Math.round(videoHeight * part);
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const picture = context.getImageData(0, 0, canvas.width, canvas.height);
    try {
      return await decode(/** @type {any} */ (picture));
    } catch {
      // There are no workers of modules here, or it was not kept for want of a network.
      decode = await inThePage();
      return null;
    }
  };
  return { read, end: () => worker.terminate() };
}

async function inThePage() {
  await import("../../vendor/jsqr/jsQR.js");
  const { jsQR } = /** @type {any} */ (globalThis);
  return async (/** @type {Picture} */ { data, width, height }) =>
    jsQR(data, width, height, { inversionAttempts: "dontInvert" })?.data || null;
}

/** Tells codes that are held on from codes that come again. */
export class Held {
  constructor() {
    this.code = "";
    this.seenAt = -SAME_MS;
  }

  /** @param {string} code @param {number} now in ms @returns {boolean} whether it is a new scan */
  isNew(code, now) {
    const again = code === this.code && now - this.seenAt < SAME_MS;
    this.code = code;
    this.seenAt = now;
    return !again;
  }
}

export class Camera {
  /**
   * @param {HTMLVideoElement} video @param {(code: string) => void} take
   * @param {(error: any) => void} fail
   */
  constructor(video, take, fail) {
    this.video = video;
    this.take = take;
    this.fail = fail;
    this.held = new Held();
    this.ended = false;
    /** @type {MediaStreamTrack | null} */
    this.track = null;
    this.end = () => {};
  }

  /** Look on until `stop`. Throws what `getUserMedia` does. */
  async start() {
    const wanted = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } };
    const stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    [this.track] = stream.getVideoTracks();
    if (this.ended) return this.stop();
    this.video.srcObject = stream;
    await this.video.play();
    const { read, end } = await reader();
    this.end = end;
    if (this.ended) return this.stop();
    const gone = new DOMException("It was taken away.", "NotReadableError");
    this.track.onended = () => this.fail(gone);
    this.look(read);
  }

  /** @param {Read} read */
  async look(read) {
    while (!this.ended) {
      try {
        const shown = !document.hidden && this.video.videoWidth > 0;
        const code = shown ? await read(this.video) : null;
        if (!this.ended && code && this.held.isNew(code, performance.now())) this.take(code);
      } catch (error) {
        if (!this.ended) this.fail(error);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  /** Whether there is a lamp to switch. */
  get hasLamp() {
    return Boolean(/** @type {any} */ (this.track?.getCapabilities?.())?.torch);
  }

  /** @param {boolean} on */
  async light(on) {
    await this.track?.applyConstraints(/** @type {any} */ ({ advanced: [{ torch: on }] }));
  }

  stop() {
    this.ended = true;
    if (this.track) this.track.onended = null;
    this.track?.stop();
    this.video.srcObject = null;
    this.end();
  }
}
