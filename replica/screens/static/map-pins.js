// Pins as buttons over the map: the status in colour and sign, the place in the order as a number.
// Those that would lie on each other are one, which opens nearer, or as a list where they share a spot.

const APART_PX = 46;
const SAME_SPOT_PX = 4;
const ZOOM_LAST = 17;

/** Pins on `view`; `set(pins)` changes them, `draw()` groups them anew after a move. */
export function drawPins(view, { icons, several }, open) {
  let pins = [];
  let marks = new Map();

  function draw() {
    const groups = grouped(pins.map((pin) => ({ pin, point: view.project(pin.at) })).filter(isNear));
    const next = new Map();
    for (const group of groups) {
      const key = group.map(({ pin }) => pin.row.id).join();
      const look = group.map(({ pin }) => `${pin.tone}|${pin.icon}|${pin.words}|${pin.at}`).join();
      const known = marks.get(key);
      if (known?.look === look) {
        next.set(key, known);
        marks.delete(key);
        continue;
      }
      const at = group.length === 1 ? group[0].pin.at : middleOf(group.map(({ pin }) => pin.at));
      const members = group.map(({ pin }) => pin);
      next.set(key, { look, mark: view.add(element(members, () => tapped(members)), at) });
    }
    const focused = document.activeElement?.dataset?.pins;
    for (const { mark } of marks.values()) mark.remove();
    marks = next;
    if (focused && !document.activeElement?.dataset?.pins) {
      document.querySelector(`[data-pins="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    }
  }

  // What is far out of sight is no element: a thousand of them would be moved with each step.
  function isNear({ point: { x, y } }) {
    const { width, height } = view.size();
    return x > -width / 2 && x < 1.5 * width && y > -height / 2 && y < 1.5 * height;
  }

  function tapped(members) {
    const points = members.map((pin) => view.project(pin.at));
    const wide = Math.max(...points.map(({ x, y }) => Math.hypot(x - points[0].x, y - points[0].y)));
    if (members.length === 1 || wide < SAME_SPOT_PX || view.where().zoom >= ZOOM_LAST) {
      open(members.map((pin) => pin.row));
    } else view.fit(members.map((pin) => pin.at), false);
  }

  function element(members, tap) {
    const [first] = members;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "pin";
    button.dataset.pins = members.map((pin) => pin.row.id).join();
    const face = document.createElement("span");
    face.className = "pin-tag";
    const number = document.createElement("b");
    if (members.length === 1) {
      button.dataset.tone = face.dataset.tone = first.tone;
      face.append(sign(icons, first.icon), number);
      number.textContent = first.order;
      button.setAttribute("aria-label", first.words);
    } else {
      button.classList.add("pin-several");
      const tones = new Set(members.map((pin) => pin.tone));
      if (tones.size === 1) button.dataset.tone = face.dataset.tone = first.tone;
      face.append(sign(icons, "place"), number);
      number.textContent = `${members.length}×`;
      button.setAttribute("aria-label", several.replace("{n}", members.length));
    }
    button.append(face);
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      tap();
    });
    return button;
  }

  return {
    draw,
    set(given) {
      pins = given.filter((pin) => pin.at);
      draw();
    },
  };
}

// In the order of the list, so that the pin that is drawn is that of the job that comes first.
function grouped(placed) {
  const groups = [];
  for (const one of placed) {
    const near = groups.find(([{ point }]) => (
      Math.abs(point.x - one.point.x) < APART_PX && Math.abs(point.y - one.point.y) < APART_PX
    ));
    if (near) near.push(one);
    else groups.push([one]);
  }
  return groups;
}

function middleOf(points) {
  const mean = (index) => points.reduce((sum, point) => sum + point[index], 0) / points.length;
  return [mean(0), mean(1)];
}

function sign(icons, name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${icons}#${name}`);
  svg.append(use);
  return svg;
}

/** What carries a mark on the map: of no size, so that the mark's own style says where it stands. */
export function holder(element) {
  const made = document.createElement("div");
  made.className = "map-mark";
  made.append(element);
  return made;
}

/** The sign of the own place; `old` is drawn hollow. */
export function ownSign(old) {
  const made = document.createElement("span");
  made.className = "me";
  made.dataset.old = old ? "yes" : "no";
  return made;
}
