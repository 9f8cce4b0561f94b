// @ts-check
// What a result sounds and feels like: one each, told apart without looking.

/** @typedef {"good" | "again" | "bad"} Tone */

// Hertz and seconds, one after another; and vibration in ms, on and off.
const SOUNDS = /** @type {const} */ ({
  good: { wave: "sine", notes: [[880, 0.09], [1320, 0.16]], shakes: [80] },
  again: {
    wave: "triangle",
    notes: [[440, 0.12], [0, 0.06], [440, 0.12], [0, 0.06], [440, 0.12]],
    shakes: [90, 70, 90, 70, 90],
  },
  bad: { wave: "square", notes: [[160, 0.6]], shakes: [600] },
});
const VOLUME = 0.25;
const RAMP_S = 0.01; // without it each note clicks

/** @type {AudioContext | null} */
let audio = null;

/** Browsers let a page sound only after somebody touched it: to be called then. */
export function allowSound() {
  audio ??= typeof AudioContext === "undefined" ? null : new AudioContext();
  if (audio?.state === "suspended") audio.resume();
}

/** @param {Tone} tone */
export function signal(tone) {
  const { wave, notes, shakes } = SOUNDS[tone];
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(/** @type {any} */ (shakes));
  if (audio?.state !== "running") return;
  const gain = audio.createGain();
  const voice = audio.createOscillator();
  let at = audio.currentTime;
  voice.type = wave;
  voice.connect(gain).connect(audio.destination);
  voice.start(at);
  gain.gain.setValueAtTime(0, at);
  for (const [hertz, length_s] of notes) {
    if (hertz > 0) {
      voice.frequency.setValueAtTime(hertz, at);
      gain.gain.linearRampToValueAtTime(VOLUME, at + RAMP_S);
      gain.gain.setValueAtTime(VOLUME, at + length_s - RAMP_S);
      gain.gain.linearRampToValueAtTime(0, at + length_s);
    }
    at += length_s;
  }
  voice.stop(at);
}
