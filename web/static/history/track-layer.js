// A track on the board's map: the whole way as a faint line, what has been gone of it as a full one,
// and its stops as rings with numbers. For both of the map's drawings; holds no time.

import { colour } from '../board/pins.js';

const EMPTY = { type: 'FeatureCollection', features: [] };
const feature = (type, coordinates, properties = {}) => ({ type: 'Feature', geometry: { type, coordinates }, properties });
const way = (points) => (points.length > 1 ? feature('LineString', points) : EMPTY);

/** The layer for a view of the board's map, whichever kind it is. */
export function trackLayer(view) {
  return view.kind === 'gl' ? new GlTrack(view.map) : new FlatTrack(view.L, view.map);
}

class GlTrack {
  constructor(map) {
    this.map = map;
    this.data = { 'past-way': EMPTY, 'past-gone': EMPTY, 'past-stops': EMPTY };
    this.#add();
    // Another theme is another style, in which nothing of this stands.
    map.on('style.load', () => this.#add());
  }

  #add() {
    const { map } = this;
    if (map.getSource('past-way')) return;
    for (const [id, data] of Object.entries(this.data)) map.addSource(id, { type: 'geojson', data });
    const layout = { 'line-cap': 'round', 'line-join': 'round' };
    const below = map.getLayer('workers') ? 'workers' : undefined;
    map.addLayer({ id: 'past-way', type: 'line', source: 'past-way', layout, paint: { 'line-color': colour('--line-strong'), 'line-width': 3, 'line-dasharray': [1, 2] } }, below);
    map.addLayer({ id: 'past-gone', type: 'line', source: 'past-gone', layout, paint: { 'line-color': colour('--accent'), 'line-width': 4 } }, below);
    map.addLayer({
      id: 'past-stops', type: 'circle', source: 'past-stops',
      paint: { 'circle-radius': 10, 'circle-color': colour('--surface'), 'circle-stroke-width': 2.5, 'circle-stroke-color': colour('--progress') },
    }, below);
    map.addLayer({
      id: 'past-numbers', type: 'symbol', source: 'past-stops',
      layout: { 'text-field': ['get', 'number'], 'text-size': 11, 'text-font': ['Noto Sans Medium'], 'text-allow-overlap': true },
      paint: { 'text-color': colour('--ink') },
    }, below);
  }

  #set(id, data) {
    this.data[id] = data;
    this.map.getSource(id)?.setData(data);
  }

  setWay(points, stops) {
    this.#set('past-way', way(points));
    const rings = stops.map((stop, index) => feature('Point', stop.at, { number: String(index + 1) }));
    this.#set('past-stops', { type: 'FeatureCollection', features: rings });
  }

  setGone(points) {
    this.#set('past-gone', way(points));
  }
}

class FlatTrack {
  constructor(L, map) {
    this.L = L;
    const turned = (points) => points.map(([lon, lat]) => [lat, lon]);
    this.turned = turned;
    this.way = L.polyline([], { color: colour('--line-strong'), weight: 3, dashArray: '3 6', interactive: false }).addTo(map);
    this.gone = L.polyline([], { color: colour('--accent'), weight: 4, interactive: false }).addTo(map);
    this.rings = L.layerGroup().addTo(map);
  }

  setWay(points, stops) {
    this.way.setLatLngs(this.turned(points));
    this.rings.clearLayers();
    stops.forEach((stop, index) => {
      const number = document.createElement('span');
      number.textContent = String(index + 1);
      this.L.circleMarker([stop.at[1], stop.at[0]], { radius: 9, color: colour('--progress'), fillColor: colour('--surface'), fillOpacity: 1, interactive: false })
        .bindTooltip(number, { permanent: true, direction: 'center' }).addTo(this.rings);
    });
  }

  setGone(points) {
    this.gone.setLatLngs(this.turned(points));
  }
}
