// Places as [longitude, latitude] in degrees, and what can be reckoned of them. Holds no DOM.

const EARTH_M = 6_371_008.8;
const CORNERS = 72;
const radians = (degrees) => (degrees * Math.PI) / 180;

/** `50.0875, 14.4213` as [longitude, latitude], null where it is no such pair. */
export function readPoint(text) {
  const [lat, lon] = (text ?? '').split(/[,;\s]+/).map(Number);
  return Number.isFinite(lat) && Number.isFinite(lon) && text ? [lon, lat] : null;
}

/** A place as forms and addresses write it: latitude first. */
export function pointText([lon, lat]) {
  return `${lat.toFixed(7)}, ${lon.toFixed(7)}`;
}

/** Metres between two places over the air. */
export function metresBetween([lon1, lat1], [lon2, lat2]) {
  const half = Math.sin(radians(lat2 - lat1) / 2) ** 2
    + Math.cos(radians(lat1)) * Math.cos(radians(lat2)) * Math.sin(radians(lon2 - lon1) / 2) ** 2;
  return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(half)));
}

/** The outline of what lies within `metres` of a place, closed. */
export function circleRound([lon, lat], metres) {
  const high = (metres / EARTH_M) * (180 / Math.PI);
  const wide = high / Math.max(Math.cos(radians(lat)), 0.01);
  const ring = [];
  for (let corner = 0; corner <= CORNERS; corner += 1) {
    const angle = (2 * Math.PI * (corner % CORNERS)) / CORNERS;
    ring.push([lon + wide * Math.cos(angle), lat + high * Math.sin(angle)]);
  }
  return ring;
}

/** Whether a point {x, y} lies inside an outline of such points. */
export function isInside({ x, y }, outline) {
  let inside = false;
  for (let i = 0, j = outline.length - 1; i < outline.length; j = i, i += 1) {
    const [a, b] = [outline[i], outline[j]];
    if ((a.y > y) !== (b.y > y) && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) inside = !inside;
  }
  return inside;
}
