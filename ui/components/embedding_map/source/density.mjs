// The picture where there is no WebGL: how many points fall into each small square, in their mean colour.

const CELL = 3; // pixels

export function density(canvas) {
  return new Density(canvas);
}

class Density {
  constructor(canvas) {
    this.context = canvas.getContext("2d");
    this.small = document.createElement("canvas");
  }

  points(points) { this.shown = points; }
  classes(classes) { this.numbers = classes; }
  faded(faded) { this.fades = faded; }
  colours(table) { this.table = table; }
  ends() {}

  draw({ camera, positions }) {
    const [width, height] = [Math.ceil(camera.width / CELL), Math.ceil(camera.height / CELL)];
    const sums = new Float32Array(width * height * 4);
    const { x, y } = positions;
    for (let index = 0; index < x.length; index++) {
      const [column, row] = [Math.floor(x[index] / CELL), Math.floor(y[index] / CELL)];
      if (!(column >= 0 && row >= 0 && column < width && row < height)) continue;
      const weight = this.fades[index] ? 0.08 : 1;
      const at = 4 * (row * width + column);
      const colour = 4 * this.numbers[index];
      for (let part = 0; part < 3; part++) sums[at + part] += weight * this.table[colour + part];
      sums[at + 3] += weight;
    }
    this.paint(sums, width, height);
  }

  paint(sums, width, height) {
    const image = new ImageData(width, height);
    for (let at = 0; at < sums.length; at += 4) {
      const count = sums[at + 3];
      if (!count) continue;
      for (let part = 0; part < 3; part++) image.data[at + part] = sums[at + part] / count;
      image.data[at + 3] = 255 * (1 - Math.exp(-1.2 * count));
    }
    Object.assign(this.small, { width, height });
    this.small.getContext("2d").putImageData(image, 0, 0);
    const { canvas } = this.context;
    this.context.clearRect(0, 0, canvas.width, canvas.height);
    this.context.imageSmoothingEnabled = false;
    const ratio = canvas.width / (canvas.clientWidth || canvas.width);
    this.context.drawImage(this.small, 0, 0, width * CELL * ratio, height * CELL * ratio);
  }
}
