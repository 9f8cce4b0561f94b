// @ts-check
// The buttons on the map: closer, farther, all of it; and its floors or parts, where it has
// some.

/**
 * @param {import("../words/index.js").Translate} t
 * @param {{step: (by: number) => void, floor: (index: number) => void,
 *   zone: (index: number) => void}} act
 */
export function controlsOf(t, act) {
  const zoom = document.createElement("div");
  zoom.className = "map-zoom";
  zoom.append(
    button("M12 5v14M5 12h14", t("map.zoomIn"), () => act.step(1)),
    button("M5 12h14", t("map.zoomOut"), () => act.step(-1)),
    button("M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5", t("map.fit"), () => act.step(0)),
  );
  const places = document.createElement("div");
  places.className = "map-places";
  places.setAttribute("role", "group");
  places.hidden = true;

  return {
    zoom,
    places,
    /** What there is to choose from. @param {string[]} floors @param {string[]} zones */
    offer(floors, zones) {
      places.hidden = floors.length + zones.length === 0;
      places.setAttribute("aria-label", t(floors.length > 0 ? "map.floors" : "map.zones"));
      const whole = floors.length > 0 ? [] : [place(t("map.whole"), () => act.step(0))];
      places.replaceChildren(
        ...floors.map((name, i) => place(name, () => act.floor(i))),
        ...whole,
        ...zones.map((name, i) => place(name, () => act.zone(i))),
      );
      if (floors.length > 0) this.press(0);
    },
    /** Which floor is shown. @param {number} index */
    press(index) {
      [...places.children].forEach((one, i) => one.setAttribute("aria-pressed", String(i === index)));
    },
  };
}

const SVG = "http://www.w3.org/2000/svg";

/** @param {string} lines Of the sign @param {string} name @param {() => void} act */
function button(lines, name, act) {
  const element = document.createElement("button");
  element.type = "button";
  const sign = document.createElementNS(SVG, "svg");
  sign.setAttribute("viewBox", "0 0 24 24");
  sign.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", lines);
  sign.append(path);
  element.append(sign);
  element.title = name;
  element.setAttribute("aria-label", name);
  element.addEventListener("click", act);
  return element;
}

/** @param {string} name @param {() => void} act */
function place(name, act) {
  const element = document.createElement("button");
  element.type = "button";
  element.dir = "auto";
  element.textContent = name;
  element.addEventListener("click", act);
  return element;
}
