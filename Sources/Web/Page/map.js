// Maps of areas by class of a value, and of smoothed density, on one canvas each. Leaflet moves them.

import * as L from "/static/leaflet/leaflet.esm.min.js";
import { density } from "./density.js";

const WORLD = 256;

function project(longitude, latitude) {
  const sine = Math.sin((latitude * Math.PI) / 180);
  return [(longitude / 360 + 0.5) * WORLD, (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * WORLD];
}

/** Outlines of areas in Leaflet's pixels of zoom 0, as flat rings; `bounds` holds them all. */
export class Shapes {
  constructor(collection, areas) {
    this.source = collection.source ?? "cells";
    const features = new Map(collection.features.map((feature) => [feature.properties.code, feature]));
    this.rings = [];
    this.boxes = new Float64Array(4 * areas.length);
    this.centres = new Float64Array(2 * areas.length);
    this.square = new Float64Array(areas.length);
    areas.forEach((area, index) => {
      const { type, coordinates } = features.get(area.code)?.geometry ?? { type: "MultiPolygon", coordinates: [] };
      const polygons = type === "Polygon" ? [coordinates] : coordinates;
      const box = [Infinity, Infinity, -Infinity, -Infinity];
      const rings = polygons.flat().map((ring) => {
        const flat = new Float64Array(2 * ring.length);
        ring.forEach(([longitude, latitude], at) => {
          const [x, y] = project(longitude, latitude);
          flat[2 * at] = x;
          flat[2 * at + 1] = y;
          box[0] = Math.min(box[0], x);
          box[1] = Math.min(box[1], y);
          box[2] = Math.max(box[2], x);
          box[3] = Math.max(box[3], y);
        });
        return flat;
      });
      this.rings.push(rings);
      this.boxes.set(box, 4 * index);
      this.centres.set(project(area.x, area.y), 2 * index);
      const kilometres = (40075 / WORLD) * Math.cos((area.y * Math.PI) / 180);
      this.square[index] = Math.abs(rings.reduce((sum, ring) => sum + ringArea(ring), 0)) * kilometres ** 2;
    });
    const [left, top, right, bottom] = [0, 1, 2, 3].map((side) =>
      this.boxes.filter((_, at) => at % 4 === side).reduce((one, other) => (side < 2 ? Math.min : Math.max)(one, other)));
    const corner = (x, y) => L.CRS.EPSG3857.pointToLatLng(L.point(x, y), 0);
    this.bounds = L.latLngBounds(corner(left, top), corner(right, bottom));
  }

  /** The area at a point of zoom 0, or -1. */
  at(x, y) {
    for (let index = 0; index < this.rings.length; index += 1) {
      const box = 4 * index;
      if (x < this.boxes[box] || y < this.boxes[box + 1] || x > this.boxes[box + 2] || y > this.boxes[box + 3]) continue;
      if (this.rings[index].reduce((inside, ring) => inside !== crosses(ring, x, y), false)) return index;
    }
    return -1;
  }

  /** The area at a point of zoom 0, or else the one whose centre is nearest. */
  nearest(x, y) {
    let found = this.at(x, y);
    if (found >= 0) return found;
    let least = Infinity;
    for (let index = 0; index < this.rings.length; index += 1) {
      const far = (this.centres[2 * index] - x) ** 2 + (this.centres[2 * index + 1] - y) ** 2;
      if (far < least) [least, found] = [far, index];
    }
    return found;
  }
}

function ringArea(ring) {
  let sum = 0;
  for (let at = 0; at + 3 < ring.length; at += 2) sum += ring[at] * ring[at + 3] - ring[at + 2] * ring[at + 1];
  return sum / 2;
}

function crosses(ring, x, y) {
  let inside = false;
  for (let at = 0; at + 3 < ring.length; at += 2) {
    const [x1, y1, x2, y2] = [ring[at], ring[at + 1], ring[at + 2], ring[at + 3]];
    if (y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) inside = !inside;
  }
  return inside;
}

function trace(context, rings) {
  for (const ring of rings) {
    context.moveTo(ring[0], ring[1]);
    for (let at = 2; at < ring.length; at += 2) context.lineTo(ring[at], ring[at + 1]);
  }
}

/** One map. `picture` is what it shows: see `show`. */
export class MapView {
  /** `heard` has `pick(area)`, `point(area, view)`, `moved(view)`. */
  constructor(element, label, shapes, heard) {
    this.shapes = shapes;
    this.picture = null;
    this.map = L.map(element, {
      attributionControl: false, zoomAnimation: false, fadeAnimation: false, inertia: false, zoomSnap: 0.25,
      zoomDelta: 0.5, minZoom: 4, maxZoom: 16, maxBoundsViscosity: 0.8,
    });
    this.map.setMaxBounds(shapes.bounds.pad(1));
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", label);
    this.canvas = L.DomUtil.create("canvas", "areas", this.map.getPanes().overlayPane);
    this.canvas.setAttribute("aria-hidden", "true");
    this.cross = L.DomUtil.create("div", "cross", element);
    this.map.on("resize", () => this.isAtHome() && this.goHome());
    this.map.on("move zoom viewreset resize", () => this.place());
    this.map.on("moveend", () => heard.moved(this));
    this.map.on("click", (event) => heard.pick(this.areaAt(event.latlng)));
    this.map.on("mousemove", (event) => heard.point(this.areaAt(event.latlng), this, event.containerPoint));
    this.map.on("mouseout", () => heard.point(-1, this));
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target !== element) return;
      event.preventDefault();
      const { lng, lat } = this.map.getCenter();
      heard.pick(shapes.nearest(...project(lng, lat)));
    });
    this.goHome();
    this.place();
  }

  /** All areas in view. */
  goHome() {
    this.map.fitBounds(this.shapes.bounds);
    this.home = { centre: this.map.getCenter(), zoom: this.map.getZoom() };
  }

  /** Whether nobody has moved it. */
  isAtHome() {
    const { map, home } = this;
    return map.getZoom() === home.zoom
      && map.latLngToContainerPoint(home.centre).distanceTo(map.getSize().divideBy(2)) < 2;
  }

  areaAt(latlng) {
    return this.shapes.at(...project(latlng.lng, latlng.lat));
  }

  /** Follows another map without telling anybody. */
  follow(other) {
    if (this.map.getZoom() === other.map.getZoom() && this.map.getCenter().equals(other.map.getCenter(), 1e-7)) return;
    this.map.setView(other.map.getCenter(), other.map.getZoom(), { animate: false });
  }

  place() {
    const size = this.map.getSize();
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    if (this.canvas.width !== size.x * ratio || this.canvas.height !== size.y * ratio) {
      this.canvas.width = size.x * ratio;
      this.canvas.height = size.y * ratio;
      this.canvas.style.width = `${size.x}px`;
      this.canvas.style.height = `${size.y}px`;
    }
    L.DomUtil.setPosition(this.canvas, this.map.containerPointToLayerPoint([0, 0]));
    this.draw();
  }

  /**
   * What to draw: `classes` (class of each area, 255 for one that is left out), `fills` (colours of the classes), `colours`,
   * `selected` (area or -1), `settled` (nothing is moving); and for a density `values`, `fills`.
   */
  show(picture) {
    this.picture = picture;
    this.draw();
  }

  draw() {
    if (!this.picture || !this.canvas.width) return;
    const { canvas, shapes, picture } = this;
    const context = canvas.getContext("2d");
    const ratio = canvas.width / this.map.getSize().x;
    const scale = ratio * 2 ** this.map.getZoom();
    const corner = this.map.containerPointToLatLng([0, 0]);
    const [left, top] = project(corner.lng, corner.lat);
    this.frame = { scale, left, top, right: left + canvas.width / scale, bottom: top + canvas.height / scale };
    const pixel = ratio / scale;
    const look = [scale, left, top, canvas.width, canvas.height, picture.fills, picture.selected].join("|");
    const again = look === this.look && !picture.settled && !picture.values && !this.isWide(pixel);
    this.look = picture.values ? "" : look;
    if (again) {
      // Thousands of small areas, most of which have the colour that they had: the others are drawn over.
      this.fill(context, pixel, (area) => picture.classes[area] !== this.drawn[area]);
    } else {
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      if (picture.values) density(context, this.frame, shapes, picture);
      context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
      if (picture.classes) this.fill(context, pixel, () => true);
    }
    if (picture.classes) (this.drawn ??= new Uint8Array(picture.classes.length)).set(picture.classes);
    this.borders(context, pixel);
  }

  /** Whether areas are wide enough on the screen to have a border. */
  isWide(pixel) {
    const { boxes } = this.shapes;
    let wide = 0;
    let seen = 0;
    this.visible((area) => {
      wide += boxes[4 * area + 2] - boxes[4 * area];
      seen += 1;
    });
    return seen > 0 && wide / seen > 14 * pixel;
  }

  /** Calls `see` for each area that is in view. */
  visible(see) {
    const { boxes } = this.shapes;
    const { left, top, right, bottom } = this.frame;
    for (let area = 0, box = 0; box < boxes.length; area += 1, box += 4) {
      if (boxes[box] <= right && boxes[box + 2] >= left && boxes[box + 1] <= bottom && boxes[box + 3] >= top) see(area);
    }
  }

  fill(context, pixel, drawn) {
    const { classes, fills, colours } = this.picture;
    const groups = Array.from({ length: fills.length + 1 }, () => []);
    this.visible((area) => {
      if (drawn(area)) groups[classes[area] === 255 ? fills.length : classes[area]].push(area);
    });
    groups.forEach((areas, group) => {
      if (!areas.length) return;
      context.beginPath();
      for (const area of areas) trace(context, this.shapes.rings[area]);
      context.fillStyle = fills[group] ?? colours.grid;
      context.fill("evenodd");
      // Neighbours would let the paper shine through between them.
      context.strokeStyle = context.fillStyle;
      context.lineWidth = 0.6 * pixel;
      context.stroke();
    });
  }

  borders(context, pixel) {
    const { colours, selected } = this.picture;
    const { rings } = this.shapes;
    if (this.isWide(pixel)) {
      context.beginPath();
      this.visible((area) => trace(context, rings[area]));
      context.strokeStyle = colours.paper;
      context.lineWidth = (this.picture.values ? 0.35 : 0.7) * pixel;
      context.stroke();
    }
    if (selected >= 0) {
      for (const [colour, width] of [[colours.paper, 5.5], [colours.ink, 2.5]]) {
        context.beginPath();
        trace(context, rings[selected]);
        context.strokeStyle = colour;
        context.lineWidth = width * pixel;
        context.lineJoin = "round";
        context.stroke();
      }
    }
  }

  remove() {
    this.map.remove();
  }
}
