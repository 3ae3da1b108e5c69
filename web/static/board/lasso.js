// The lasso: a line drawn round jobs on the map, with Shift or after a button, selects them.

import { isInside } from './places.js';

const SVG = 'http://www.w3.org/2000/svg';
const SHORT_PX = 12;

export class Lasso {
  /** `hooks`: `begun()` and `drawn(inside)`, where `inside(point)` says what lies in the outline. */
  constructor(host, hooks) {
    this.host = host;
    this.hooks = hooks;
    this.armed = false;
    this.outline = null;
    const canvas = host.querySelector('.map-canvas');
    // Before the map's own listeners: what is drawn must not move the map.
    const heard = { capture: true };
    canvas.addEventListener('pointerdown', (event) => this.#begin(event), heard);
    canvas.addEventListener('mousedown', (event) => { if (this.outline) event.stopPropagation(); }, heard);
    canvas.addEventListener('touchstart', (event) => { if (this.armed) event.stopPropagation(); }, heard);
    addEventListener('pointermove', (event) => this.#move(event));
    addEventListener('pointerup', (event) => this.#end(event));
    addEventListener('pointercancel', () => this.#drop());
    // The click that ends a line is no click on what lies there.
    canvas.addEventListener('click', (event) => {
      if (!this.justDrawn) return;
      this.justDrawn = false;
      event.stopPropagation();
    }, heard);
  }

  /** Let the next press draw, without Shift. */
  arm(armed) {
    this.armed = armed;
    this.host.classList.toggle('lassoing', armed);
    if (!armed) this.#drop();
  }

  #point(event) {
    const box = this.host.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  #begin(event) {
    this.justDrawn = false;
    if (event.button !== 0 || !(this.armed || event.shiftKey)) return;
    event.preventDefault();
    event.stopPropagation();
    this.outline = [this.#point(event)];
    this.pointer = event.pointerId;
    this.hooks.begun();
    this.shape = document.createElementNS(SVG, 'svg');
    this.shape.setAttribute('class', 'map-lasso');
    this.shape.setAttribute('aria-hidden', 'true');
    this.shape.append(document.createElementNS(SVG, 'polygon'));
    this.host.append(this.shape);
  }

  #move(event) {
    if (!this.outline || event.pointerId !== this.pointer) return;
    const point = this.#point(event);
    const last = this.outline.at(-1);
    if (Math.hypot(point.x - last.x, point.y - last.y) < 3) return;
    this.outline.push(point);
    this.shape.firstChild.setAttribute('points', this.outline.map(({ x, y }) => `${x},${y}`).join(' '));
  }

  #end(event) {
    if (!this.outline || event.pointerId !== this.pointer) return;
    const { outline } = this;
    this.#drop();
    this.justDrawn = true;
    const wide = Math.max(...outline.map((p) => Math.hypot(p.x - outline[0].x, p.y - outline[0].y)));
    if (outline.length > 2 && wide > SHORT_PX) this.hooks.drawn((point) => isInside(point, outline));
  }

  #drop() {
    this.outline = null;
    this.shape?.remove();
    this.shape = null;
  }
}
