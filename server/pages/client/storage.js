// @ts-check
// What a browser keeps for us. Where it may not (blocked storage, a full disk), things are
// kept as long as the page is open: everything works, but not after a reload.

const memory = new Map();

/** One of the browser's storages, or our own memory where it is not to be had. */
class Kept {
  /** @param {"localStorage" | "sessionStorage"} kind */
  constructor(kind) {
    this.kind = kind;
  }

  /** @param {string} name @returns {any} what was kept as JSON, or null */
  read(name) {
    const known = memory.get(`${this.kind} ${name}`);
    if (known !== undefined) return JSON.parse(known);
    try {
      return JSON.parse(globalThis[this.kind].getItem(name) ?? "null");
    } catch {
      return null; // blocked, or written by something else
    }
  }

  /** @param {string} name @param {unknown} value null forgets it */
  write(name, value) {
    const place = `${this.kind} ${name}`;
    memory.delete(place);
    try {
      if (value === null) globalThis[this.kind].removeItem(name);
      else globalThis[this.kind].setItem(name, JSON.stringify(value));
    } catch {
      memory.set(place, JSON.stringify(value));
    }
  }
}

export const ofBrowser = new Kept("localStorage");
export const ofTab = new Kept("sessionStorage");
