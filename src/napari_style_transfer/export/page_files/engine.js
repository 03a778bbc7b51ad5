// Speaks to the worker that paints: one picture at a time, and of those that wait only the latest.

export class Engine {
  /**
   * @param {object} hears  onProgress({what, loaded, total}), onEngine({engine, threads, fell}), onReady(),
   *   onBusy(boolean), onFailed({memory, message, detail})
   * @param {string} asked  'wasm' to leave WebGPU alone, 'webgpu' to take even an imitated one, or ''
   */
  constructor(hears, asked) {
    this.hears = hears;
    this.asked = asked;
    this.waiting = null;
    this.painting = null;
    this.ready = false;
  }

  /** Start the worker, and load the runtime and a first model. */
  start(file) {
    this.file = file;
    this.ready = false;
    this.worker?.terminate();
    this.worker = new Worker(new URL('worker.js', import.meta.url), { type: 'module' });
    this.worker.onmessage = ({ data }) => this.#hear(data);
    this.worker.onerror = (event) => {
      event.preventDefault();
      this.#fail({ memory: false, message: '', detail: event.message ?? '' });
    };
    this.worker.postMessage({ type: 'start', file, engine: this.asked });
  }

  /**
   * Paint a picture; the latest request wins.
   *
   * @param {object} request  file, shares, strength, strokeSize, and pixels: () => ImageData
   * @returns {Promise<{picture: ImageData, milliseconds: number} | null>} null if a later one took its
   *   place, or it failed
   */
  paint(request) {
    return new Promise((resolve) => {
      this.waiting?.resolve(null);
      this.waiting = { request, resolve };
      this.#next();
    });
  }

  #next() {
    if (!this.ready || this.painting || !this.waiting) return;
    this.painting = this.waiting;
    this.waiting = null;
    this.hears.onBusy(true);
    const { pixels, ...rest } = this.painting.request;
    const { data, width, height } = pixels();
    this.worker.postMessage({ type: 'paint', id: 1, rgba: data, width, height, ...rest }, [data.buffer]);
  }

  #hear(data) {
    if (data.type === 'progress') this.hears.onProgress(data);
    else if (data.type === 'engine') this.hears.onEngine(data);
    else if (data.type === 'failed') this.#fail(data);
    else if (data.type === 'ready') {
      this.ready = true;
      this.hears.onReady();
      this.#next();
    } else {
      const { resolve } = this.painting;
      this.painting = null;
      this.hears.onBusy(false);
      const picture = new ImageData(data.rgba, data.width, data.height);
      resolve({ picture, milliseconds: data.milliseconds });
      this.#next();
    }
  }

  #fail(failed) {
    const { painting, waiting } = this;
    this.painting = null;
    this.waiting = null;
    this.hears.onBusy(false);
    this.hears.onFailed(failed);
    painting?.resolve(null);
    waiting?.resolve(null);
    // A worker that ran out of memory keeps what it has: begin with a new one.
    if (painting && failed.memory) this.start(this.file);
  }
}
