// Runs the models, away from the page: on WebGPU where there is one, else on WebAssembly.

const RUNTIME = new URL('onnxruntime/', import.meta.url);
const FILES = {
  webgpu: { script: 'ort.webgpu.min.mjs', binary: 'ort-wasm-simd-threaded.asyncify.wasm' },
  wasm: { script: 'ort.wasm.min.mjs', binary: 'ort-wasm-simd-threaded.wasm' },
};
const MOST_THREADS = 8;

let runtime = null; // onnxruntime-web
let engine = ''; // webgpu or wasm
let threads = 1;
const bytes = new Map(); // of each model, by its file
let session = null; // of one model: each holds memory for the largest picture that it painted
let sessionFile = '';

/** An error whose message is a sentence for the user. */
class Sentence extends Error {}

/** Fetch a file of the page, and tell the page how far it is. */
async function download(url, what) {
  let response;
  try {
    response = await fetch(url);
  } catch {
    throw new Sentence(`Cannot load ${what}: the web server does not answer.`);
  }
  if (!response.ok) {
    throw new Sentence(`Cannot load ${what}: the web server answers ${response.status}.`);
  }
  // A server that compresses gives the compressed length: no length is better than a wrong one.
  const packed = response.headers.get('Content-Encoding');
  const total = packed ? 0 : Number(response.headers.get('Content-Length')) || 0;
  const parts = [];
  let loaded = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    loaded += value.length;
    self.postMessage({ type: 'progress', what, loaded, total });
  }
  const all = new Uint8Array(loaded);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Return whether there is a graphics card to use; one that the processor imitates is slower than WebAssembly. */
async function hasWebGPU(imitated) {
  try {
    const adapter = await self.navigator.gpu?.requestAdapter();
    return Boolean(adapter) && (imitated || !adapter.info?.isFallbackAdapter);
  } catch {
    return false;
  }
}

async function loadRuntime(name) {
  if (typeof WebAssembly !== 'object') {
    throw new Sentence('This browser has no WebAssembly, by which this page paints; use a newer one.');
  }
  const { script, binary } = FILES[name];
  const what = name === 'webgpu' ? 'what paints on WebGPU' : 'what paints on WebAssembly';
  const wasm = await download(new URL(binary, RUNTIME), what);
  const module = await import(new URL(script, RUNTIME));
  const wanted = self.crossOriginIsolated ? Math.min(self.navigator.hardwareConcurrency, MOST_THREADS) : 1;
  module.env.wasm.wasmPaths = RUNTIME.href;
  module.env.wasm.wasmBinary = wasm.buffer;
  module.env.wasm.numThreads = wanted;
  module.env.logLevel = 'error';
  runtime = module;
  engine = name;
  threads = wanted;
}

async function openModel(file) {
  if (session && sessionFile === file) return;
  if (!bytes.has(file)) bytes.set(file, await download(new URL(file, import.meta.url), 'the style'));
  if (session) await session.release();
  session = null;
  try {
    session = await runtime.InferenceSession.create(bytes.get(file), {
      executionProviders: [engine],
      graphOptimizationLevel: 'all',
    });
  } catch (error) {
    if (engine === 'webgpu') throw error;
    if (isOutOfMemory(error)) throw error;
    throw new Sentence(
      `This style cannot be painted: its file ${file} is damaged, or of another version; write the page again.`,
    );
  }
  sessionFile = file;
}

function isOutOfMemory(error) {
  return /bad_alloc|out of memory|allocat|memory access|RangeError/i.test(String(error));
}

async function run({ file, rgba, width, height, strength, strokeSize, shares }) {
  await openModel(file);
  const pixels = width * height;
  const picture = new Uint8Array(3 * pixels);
  for (let from = 0, to = 0; to < picture.length; from += 4, to += 3) {
    picture[to] = rgba[from];
    picture[to + 1] = rgba[from + 1];
    picture[to + 2] = rgba[from + 2];
  }
  const { Tensor } = runtime;
  const feeds = {
    picture: new Tensor('uint8', picture, [1, height, width, 3]),
    strength: new Tensor('float32', [strength], [1]),
    stroke_size: new Tensor('float32', [strokeSize], [1]),
    shares: new Tensor('float32', shares, [shares.length]),
  };
  const { painted } = await session.run(feeds);
  const result = new Uint8ClampedArray(4 * pixels);
  const values = painted.data;
  for (let from = 0, to = 0; to < result.length; from += 3, to += 4) {
    result[to] = values[from];
    result[to + 1] = values[from + 1];
    result[to + 2] = values[from + 2];
    result[to + 3] = 255;
  }
  painted.dispose();
  return result;
}

/** Leave WebGPU, which failed, for WebAssembly. */
async function fallBack() {
  session = null;
  await loadRuntime('wasm');
  self.postMessage({ type: 'engine', engine, threads, fell: true });
}

async function start({ file, engine: asked }) {
  const gpu = asked !== 'wasm' && (await hasWebGPU(asked === 'webgpu'));
  await loadRuntime(gpu ? 'webgpu' : 'wasm');
  try {
    await openModel(file);
  } catch (error) {
    if (engine !== 'webgpu' || error instanceof Sentence) throw error;
    await fallBack();
    await openModel(file);
  }
  self.postMessage({ type: 'engine', engine, threads, fell: asked !== 'wasm' && gpu && engine === 'wasm' });
  self.postMessage({ type: 'ready' });
}

async function paint(request) {
  const began = performance.now();
  let rgba;
  try {
    rgba = await run(request);
  } catch (error) {
    if (engine !== 'webgpu' || error instanceof Sentence) throw error;
    await fallBack();
    rgba = await run(request);
  }
  const { id, width, height } = request;
  const milliseconds = performance.now() - began;
  self.postMessage({ type: 'painted', id, rgba, width, height, milliseconds }, [rgba.buffer]);
}

self.onmessage = async ({ data }) => {
  try {
    await (data.type === 'start' ? start(data) : paint(data));
  } catch (error) {
    const memory = isOutOfMemory(error);
    const message = error instanceof Sentence ? error.message : '';
    self.postMessage({ type: 'failed', id: data.id, memory, message, detail: String(error) });
  }
};
