// A smooth surface of counts: what is in each area is spread about its centroid by a normal kernel.

const CELL = 5;
const REACH = 3;

/** Draws counts per square kilometre, as far as they are above a hundredth of the largest. */
export function density(context, frame, shapes, { values, fills }) {
  const { width, height } = context.canvas;
  const columns = Math.ceil(width / CELL) + 2 * REACH * 6;
  const rows = Math.ceil(height / CELL) + 2 * REACH * 6;
  const margin = REACH * 6;
  const grid = new Float32Array(columns * rows);
  for (let area = 0; area < values.length; area += 1) {
    if (!values[area]) continue;
    const x = ((shapes.centres[2 * area] - frame.left) * frame.scale) / CELL + margin - 0.5;
    const y = ((shapes.centres[2 * area + 1] - frame.top) * frame.scale) / CELL + margin - 0.5;
    const column = Math.floor(x);
    const row = Math.floor(y);
    if (column < 0 || row < 0 || column + 1 >= columns || row + 1 >= rows) continue;
    const [right, down] = [x - column, y - row];
    const at = row * columns + column;
    grid[at] += values[area] * (1 - right) * (1 - down);
    grid[at + 1] += values[area] * right * (1 - down);
    grid[at + columns] += values[area] * (1 - right) * down;
    grid[at + columns + 1] += values[area] * right * down;
  }
  const kernel = normal(bandwidth(frame, shapes) / CELL);
  const smooth = blur(blur(grid, columns, rows, kernel, 1, columns), rows, columns, kernel, columns, 1);

  let largest = 0;
  for (const value of smooth) if (value > largest) largest = value;
  if (!largest) return;
  const [w, h] = [columns - 2 * margin, rows - 2 * margin];
  const image = new ImageData(w, h);
  const ramp = rampOf(fills);
  for (let row = 0; row < h; row += 1) {
    for (let column = 0; column < w; column += 1) {
      const share = Math.sqrt(smooth[(row + margin) * columns + column + margin] / largest);
      if (share < 0.1) continue;
      const colour = 3 * Math.min(255, Math.floor(255 * share));
      const at = 4 * (row * w + column);
      image.data[at] = ramp[colour];
      image.data[at + 1] = ramp[colour + 1];
      image.data[at + 2] = ramp[colour + 2];
      image.data[at + 3] = 255 * Math.min(1, (share - 0.1) / 0.12);
    }
  }
  const small = new OffscreenCanvas(w, h);
  small.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0, w * CELL, h * CELL);
}

/** Half the distance between areas where they are dense, on the screen. */
function bandwidth(frame, shapes) {
  const size = (shapes.middle ??= Float64Array.from(shapes.square, (_, area) =>
    Math.sqrt((shapes.boxes[4 * area + 2] - shapes.boxes[4 * area]) *
      (shapes.boxes[4 * area + 3] - shapes.boxes[4 * area + 1]))).sort()[shapes.square.length >> 1]);
  return Math.max(1.2 * CELL, Math.min(6 * CELL, 0.55 * size * frame.scale));
}

function normal(deviation) {
  const reach = Math.ceil(REACH * deviation);
  const kernel = Float32Array.from({ length: 2 * reach + 1 }, (_, at) => Math.exp(-0.5 * ((at - reach) / deviation) ** 2));
  const sum = kernel.reduce((total, weight) => total + weight, 0);
  return kernel.map((weight) => weight / sum);
}

function blur(grid, length, lines, kernel, step, stride) {
  const reach = kernel.length >> 1;
  const smooth = new Float32Array(grid.length);
  for (let line = 0; line < lines; line += 1) {
    const start = line * stride;
    for (let at = 0; at < length; at += 1) {
      const value = grid[start + at * step];
      if (!value) continue;
      const first = Math.max(0, at - reach);
      const last = Math.min(length - 1, at + reach);
      for (let to = first; to <= last; to += 1) smooth[start + to * step] += value * kernel[to - at + reach];
    }
  }
  return smooth;
}

function rampOf(fills) {
  const stops = fills.map((colour) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)));
  const ramp = new Uint8Array(3 * 256);
  for (let index = 0; index < 256; index += 1) {
    const place = (index / 255) * (stops.length - 1);
    const stop = Math.min(stops.length - 2, Math.floor(place));
    for (let channel = 0; channel < 3; channel += 1) {
      ramp[3 * index + channel] = stops[stop][channel] + (place - stop) * (stops[stop + 1][channel] - stops[stop][channel]);
    }
  }
  return ramp;
}
