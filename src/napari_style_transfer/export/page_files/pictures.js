// Picture files in and out. No pixel leaves the device.

let worker = null;
let count = 0;
const waiting = new Map();

/**
 * Decode a file, turned as its EXIF data say, its long side at most `most` pixels.
 *
 * @returns {Promise<{bitmap: ImageBitmap, width: number, height: number}>} with the sides of the whole
 */
export function decode(file, most) {
  if (!worker) {
    worker = new Worker(new URL('picture-worker.js', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }) => {
      const { resolve, reject } = waiting.get(data.id);
      waiting.delete(data.id);
      if (data.failed) reject(new Error(data.failed));
      else resolve(data);
    };
  }
  return new Promise((resolve, reject) => {
    count += 1;
    waiting.set(count, { resolve, reject });
    worker.postMessage({ id: count, file, most });
  });
}

/** Draw a bitmap or a video over white into a canvas of this size. */
export function draw(canvas, source, width, height) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(source, 0, 0, width, height);
}

/** Return the pixels of a source, its long side at most `most` pixels, its short one at least 16. */
export function pixels(source, width, height, most) {
  const scale = Math.min(1, Math.max(most / Math.max(width, height), 16 / Math.min(width, height)));
  const [w, h] = [width, height].map((side) => Math.max(16, Math.round(side * scale)));
  const canvas = document.createElement('canvas');
  draw(canvas, source, w, h);
  return canvas.getContext('2d').getImageData(0, 0, w, h);
}

/** Offer a canvas as a file. */
export async function save(canvas, name, type) {
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, type, 0.92));
  if (!blob) throw new Error('no file');
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
