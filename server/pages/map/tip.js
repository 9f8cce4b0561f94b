// @ts-check
// The small card beside a seat: what it is, what it costs, what a tap does. It never leaves
// the map, and hides nothing that the pointer is on.

const AWAY = 10; // px from the seat's edge

export class Tip {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.element = document.createElement("div");
    this.element.className = "map-tip";
    this.element.hidden = true;
    // What it says is also in the list, and said aloud where keys are used.
    this.element.setAttribute("aria-hidden", "true");
    root.append(this.element);
  }

  /**
   * @param {import("./facts.js").Facts} facts @param {string} hint What a tap does, or nothing
   * @param {string} color Of the category @param {number} x @param {number} y
   * @param {number} radius Of what it is about, which stays seen
   */
  show(facts, hint, color, x, y, radius) {
    const title = document.createElement("strong");
    title.dir = "auto";
    title.textContent = facts.title;
    const swatch = document.createElement("span");
    swatch.className = "map-swatch";
    swatch.style.background = color;
    const category = document.createElement("span");
    category.append(swatch, [facts.category, facts.price].filter(Boolean).join(" · "));
    const parts = [title, category];
    for (const text of [...facts.notes, [facts.status, hint].filter(Boolean).join(" · ")]) {
      const line = document.createElement("span");
      line.textContent = text;
      parts.push(line);
    }
    this.element.replaceChildren(...parts);
    this.element.hidden = false;
    this.#place(x, y, AWAY + radius);
  }

  /** @param {number} x @param {number} y @param {number} away */
  #place(x, y, away) {
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const [most, lowest] = [this.root.clientWidth - width - 4, this.root.clientHeight - height - 4];
    const left = Math.max(4, Math.min(x - width / 2, most));
    const above = y - height - away;
    let top = above >= 4 ? above : y + away;
    if (above < 4 && top > lowest) top = Math.max(4, lowest);
    this.element.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  hide() {
    this.element.hidden = true;
  }
}
