// What both ways to draw the map share: how near it goes, how large it is, when it came to rest.
export const ZOOM_FIT = 15;
export const ZOOM_MAX = 19;

/** Whether whoever looks wants nothing to move by itself. */
export function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** A map of either library, in its container. */
export class Sheet {
  constructor(map) {
    this.map = map;
  }

  /** Whether the own place is drawn like this already; from here on it is. */
  isShown(me) {
    const told = JSON.stringify(me);
    const same = told === this.shownMe;
    this.shownMe = told;
    return same;
  }

  size() {
    const { clientWidth: width, clientHeight: height } = this.map.getContainer();
    return { width, height };
  }

  onSettled(run) {
    this.map.on("moveend", run);
  }

  onGround(run) {
    this.map.on("click", run);
  }
}
