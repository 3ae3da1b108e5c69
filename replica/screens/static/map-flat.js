// The map where the browser has no WebGL: Leaflet, with the same tiles drawn on a canvas.
import { colour, loadStyle } from "./map-look.js";
import { holder, ownSign } from "./map-pins.js";
import { Sheet, ZOOM_FIT, ZOOM_MAX, calm } from "./map-sheet.js";

/** Draw into `container`; resolves when it can be used. */
export async function draw(container, ground, libraries) {
  await loadStyle(libraries.leafletStyle);
  await loadScript(libraries.leaflet);
  const { L } = window;
  const map = L.map(container, { zoomControl: false, attributionControl: false, maxZoom: ZOOM_MAX, zoomAnimation: !calm() });
  map.setView([0, 0], 2);
  L.control.scale({ imperial: false, position: "topleft" }).addTo(map);
  const view = new View(L, map, libraries);
  await view.setGround(ground);
  return view;
}

function loadScript(src) {
  if (document.querySelector(`script[src="${src}"]`)) return Promise.resolve();
  return new Promise((ready, failed) => {
    const script = document.createElement("script");
    script.src = src;
    script.addEventListener("load", ready);
    script.addEventListener("error", () => failed(new Error(`${src} could not be loaded`)));
    document.head.append(script);
  });
}

const turned = ([lon, lat]) => [lat, lon];

class View extends Sheet {
  constructor(L, map, libraries) {
    super(map);
    this.kind = "flat";
    this.L = L;
    this.libraries = libraries;
    this.own = L.layerGroup().addTo(map);
  }

  add(element, at) {
    const icon = this.L.divIcon({ html: holder(element), className: "map-mark", iconSize: null });
    return this.L.marker(turned(at), { icon, keyboard: false, interactive: false }).addTo(this.map);
  }

  setMe(me) {
    if (this.isShown(me)) return;
    this.own.clearLayers();
    if (!me) return;
    const look = { color: colour("--accent"), weight: 1.5, fillOpacity: 0.16, interactive: false };
    if (me.accuracy) this.L.circle(turned(me.at), { radius: me.accuracy, ...look }).addTo(this.own);
    this.own.addLayer(this.add(ownSign(me.old), me.at));
  }

  project(at) {
    return this.map.latLngToContainerPoint(turned(at));
  }

  where() {
    const { lng, lat } = this.map.getCenter();
    return { at: [lng, lat], zoom: this.map.getZoom() };
  }

  fit(points, atOnce) {
    this.map.fitBounds(points.map(turned), {
      paddingTopLeft: [48, 64], paddingBottomRight: [104, 40], maxZoom: ZOOM_FIT, animate: !atOnce && !calm(),
    });
  }

  goTo(at, zoom, atOnce) {
    const to = atOnce ? zoom : Math.max(zoom, this.map.getZoom());
    this.map.setView(turned(at), to, { animate: !atOnce && !calm() });
  }

  zoom(step) {
    this.map.setZoom(this.map.getZoom() + step);
  }

  async setGround({ tiles, schema, zoom_max: zoomMax }) {
    this.base?.remove();
    this.base = null;
    this.map.getContainer().style.backgroundColor = colour("--sunken");
    if (!tiles || schema === "raster" || !this.libraries.protomapsLeaflet) return;
    await loadScript(this.libraries.protomapsLeaflet);
    const { protomapsL } = window;
    this.base = protomapsL.leafletLayer({ url: tiles, ...rules(protomapsL, schema), maxDataZoom: zoomMax });
    this.base.addTo(this.map);
  }
}

// Water, roads and buildings under the names that each schema gives them; enough to find one's way.
const LAYERS = {
  fieldlog: { water: "water", road: "roads", building: "buildings" },
  openmaptiles: { water: "water", road: "transportation", building: "building" },
  protomaps: { water: "water", road: "roads", building: "buildings" },
};

function rules(protomaps, schema) {
  const names = LAYERS[schema] ?? LAYERS.openmaptiles;
  const area = (token) => new protomaps.PolygonSymbolizer({ fill: colour(token) });
  const road = new protomaps.LineSymbolizer({ color: colour("--line"), width: (zoom) => (zoom > 13 ? 3 : 1) });
  return {
    backgroundColor: colour("--ground"),
    paintRules: [
      { dataLayer: names.water, symbolizer: area("--open-wash") },
      { dataLayer: names.building, minzoom: 14, symbolizer: area("--sunken") },
      { dataLayer: names.road, symbolizer: road },
    ],
    labelRules: [],
  };
}
