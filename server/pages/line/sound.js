// @ts-check
// A short sound when it is somebody's turn: only for who asked for it, as browsers want it.

const NOTES = [660, 880];
const NOTE_S = 0.25;
const LOUD = 0.2;

export class Sound {
  constructor() {
    /** @type {AudioContext | null} null is off */
    this.context = null;
  }

  /** @param {boolean} on asked for by somebody, with a click or a key */
  turn(on) {
    if (on) this.context ??= new AudioContext();
    else {
      this.context?.close();
      this.context = null;
    }
    if (on) this.play();
  }

  /** Play it, where it is on: once when it is asked for, so that it is known. */
  play() {
    const { context } = this;
    if (context === null) return;
    NOTES.forEach((pitch, number) => {
      const at = context.currentTime + number * NOTE_S;
      const note = context.createOscillator();
      const loud = context.createGain();
      note.frequency.value = pitch;
      loud.gain.setValueAtTime(LOUD, at);
      loud.gain.linearRampToValueAtTime(0, at + NOTE_S);
      note.connect(loud).connect(context.destination);
      note.start(at);
      note.stop(at + NOTE_S);
    });
  }
}
