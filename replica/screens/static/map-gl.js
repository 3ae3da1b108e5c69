// The map by MapLibre GL, from the tiles that this phone carries; bare ground where it carries none.
import { colour, loadStyle } from "./map-look.js";
import { holder, ownSign } from "./map-pins.js";
import { Sheet, ZOOM_FIT, ZOOM_MAX, calm } from "./map-sheet.js";

const MOVE_MS = 300;
const RING_POINTS = 48;
const METRES_PER_DEGREE = 111_320;
const EMPTY = { type: "FeatureCollection", features: [] };

/** Draw into `container`; resolves when it can be used. */
export async function draw(container, ground, libraries) {
  await loadStyle(libraries.maplibreStyle);
  const [maplibre, pmtiles] = await Promise.all([import(libraries.maplibre), import(libraries.pmtiles)]);
  const gl = maplibre.Map ? maplibre : maplibre.default;
  if (libraries.maplibreWorker && gl.setWorkerUrl) gl.setWorkerUrl(libraries.maplibreWorker);
  gl.addProtocol("pmtiles", new (pmtiles.Protocol ?? pmtiles.default.Protocol)().tile);
  const map = new gl.Map({
    container,
    style: ground.style ?? bare(),
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: 0,
    maxZoom: ZOOM_MAX,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new gl.ScaleControl({ unit: "metric" }), "top-left");
  const view = new View(map, gl);
  await new Promise((ready) => { map.once("load", ready); });
  view.addRing();
  return view;
}

function bare() {
  const paint = { "background-color": colour("--sunken") };
  return { version: 8, sources: {}, layers: [{ id: "ground", type: "background", paint }] };
}

class View extends Sheet {
  constructor(map, gl) {
    super(map);
    this.kind = "gl";
    this.gl = gl;
    this.ring = EMPTY;
    this.me = null;
  }

  addRing() {
    const { map } = this;
    map.addSource("ring", { type: "geojson", data: this.ring });
    map.addLayer({ id: "ring", type: "fill", source: "ring", paint: { "fill-color": colour("--accent"), "fill-opacity": 0.16 } });
    map.addLayer({ id: "ring-edge", type: "line", source: "ring", paint: { "line-color": colour("--accent"), "line-width": 1.5 } });
  }

  add(element, at) {
    return new this.gl.Marker({ element: holder(element), anchor: "top-left" }).setLngLat(at).addTo(this.map);
  }

  setMe(me) {
    if (this.isShown(me)) return;
    this.me?.remove();
    this.me = me && this.add(ownSign(me.old), me.at);
    this.ring = me && me.accuracy ? circle(me.at, me.accuracy) : EMPTY;
    this.map.getSource("ring")?.setData(this.ring);
  }

  project(at) {
    return this.map.project(at);
  }

  where() {
    const { lng, lat } = this.map.getCenter();
    return { at: [lng, lat], zoom: this.map.getZoom() };
  }

  fit(points, atOnce) {
    const bounds = new this.gl.LngLatBounds(points[0], points[0]);
    for (const point of points) bounds.extend(point);
    const padding = { top: 64, bottom: 40, left: 48, right: 104 };
    this.map.fitBounds(bounds, { padding, maxZoom: ZOOM_FIT, animate: !atOnce && !calm(), duration: MOVE_MS });
  }

  goTo(at, zoom, atOnce) {
    const to = { center: at, zoom: atOnce ? zoom : Math.max(zoom, this.map.getZoom()) };
    if (atOnce || calm()) this.map.jumpTo(to);
    else this.map.easeTo({ ...to, duration: MOVE_MS });
  }

  zoom(step) {
    this.map.easeTo({ zoom: this.map.getZoom() + step, duration: calm() ? 0 : MOVE_MS });
  }

  setGround(ground) {
    this.map.once("style.load", () => this.addRing());
    this.map.setStyle(ground.style ?? bare(), { diff: false });
  }
}

function circle([lon, lat], metres) {
  const wide = metres / (METRES_PER_DEGREE * Math.max(0.01, Math.cos((lat * Math.PI) / 180)));
  const high = metres / METRES_PER_DEGREE;
  const ring = Array.from({ length: RING_POINTS + 1 }, (_, index) => {
    const turn = (2 * Math.PI * index) / RING_POINTS;
    return [lon + wide * Math.cos(turn), lat + high * Math.sin(turn)];
  });
  return { type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [ring] } };
}
