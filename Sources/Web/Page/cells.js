// Cells around areas' centroids, for a daemon that has no boundaries: what is nearer to a centroid than to any other, and
// not too far from it.

const NEAREST = 6;
const SIDES = 20;

/** A FeatureCollection with a cell for each area, in their order. */
export function cells(areas) {
  const north = areas.reduce((sum, area) => sum + area.y, 0) / areas.length;
  const wide = Math.cos((north * Math.PI) / 180);
  const points = areas.map((area) => [area.x * wide, area.y]);
  const near = neighbours(points);
  const features = areas.map((area, index) => {
    const [x, y] = points[index];
    const close = near(index);
    const reach = Math.max(1e-4, 0.9 * (close[Math.min(NEAREST, close.length) - 1]?.far ?? 0.05));
    let cell = Array.from({ length: SIDES }, (_, side) => {
      const angle = (2 * Math.PI * side) / SIDES;
      return [x + reach * Math.cos(angle), y + reach * Math.sin(angle)];
    });
    for (const { at, far } of close) {
      if (far > 2 * reach) break;
      if (far > 0) cell = nearer(cell, points[index], points[at]);
    }
    const ring = [...cell, cell[0]].map(([px, py]) => [px / wide, py]);
    return { properties: { code: area.code, name: area.name }, geometry: { type: "Polygon", coordinates: [ring] } };
  });
  return { features };
}

/** For a point's index the others about it, nearest first, by way of a grid of some points in each square. */
function neighbours(points) {
  const [xs, ys] = [points.map((point) => point[0]), points.map((point) => point[1])];
  const least = (values) => values.reduce((a, b) => Math.min(a, b));
  const most = (values) => values.reduce((a, b) => Math.max(a, b));
  const [left, low] = [least(xs), least(ys)];
  const size = Math.max(1e-4, 2 * Math.sqrt(((most(xs) - left) * (most(ys) - low)) / points.length));
  const squares = new Map();
  const square = (x, y) => `${Math.floor((x - left) / size)},${Math.floor((y - low) / size)}`;
  points.forEach(([x, y], index) => {
    const key = square(x, y);
    squares.set(key, [...(squares.get(key) ?? []), index]);
  });
  return (index) => {
    const [x, y] = points[index];
    for (let rings = 1; ; rings *= 2) {
      const found = [];
      for (let right = -rings; right <= rings; right += 1) {
        for (let up = -rings; up <= rings; up += 1) {
          for (const at of squares.get(square(x + right * size, y + up * size)) ?? []) {
            if (at !== index) found.push({ at, far: Math.hypot(points[at][0] - x, points[at][1] - y) });
          }
        }
      }
      if (found.length >= Math.min(3 * NEAREST, points.length - 1) || rings > 64) return found.sort((a, b) => a.far - b.far);
    }
  };
}

/** The part of a convex cell that is nearer to one point than to another. */
function nearer(cell, one, other) {
  const [dx, dy] = [other[0] - one[0], other[1] - one[1]];
  const middle = (dx * (one[0] + other[0]) + dy * (one[1] + other[1])) / 2;
  const side = ([x, y]) => dx * x + dy * y - middle;
  const kept = [];
  cell.forEach((from, index) => {
    const to = cell[(index + 1) % cell.length];
    const [a, b] = [side(from), side(to)];
    if (a <= 0) kept.push(from);
    if ((a < 0 && b > 0) || (a > 0 && b < 0)) {
      const part = a / (a - b);
      kept.push([from[0] + part * (to[0] - from[0]), from[1] + part * (to[1] - from[1])]);
    }
  });
  return kept;
}
