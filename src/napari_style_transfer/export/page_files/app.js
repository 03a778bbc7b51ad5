// The page: what its buttons do, and what it says.

import { Camera } from './camera.js';
import { Engine } from './engine.js';
import { decode, draw, pixels, save } from './pictures.js';

const SIZES = [256, 512, 768, 1024, 1536, 2048];
const FIRST_SIZE = 512;
const LARGEST = SIZES.at(-1);
/** Memory of the page, and of each pixel that it paints, in bytes: measured in Chromium with WebAssembly. */
const OWN_BYTES = 3e8;
const BYTES_PER_PIXEL = 220;
/** The part of the device's memory that a page may have; and what is taken where a browser does not say. */
const OUR_PART = 0.25;
const USUAL_MEMORY = 4;
/** WebAssembly cannot address more. */
const MOST_BYTES = 3.5e9;
/** Long sides of live frames, and how long one may take, in milliseconds. */
const LIVE_SIZES = [512, 384, 256, 192];
const LIVE_TIME = 700;

const $ = (id) => document.getElementById(id);
const painted = $('painted');
const original = $('original');
const camera = new Camera($('video'));
const asked = new URLSearchParams(location.search).get('engine') ?? '';

/** The picture to paint, at most LARGEST pixels long; and the sides of its file. */
const source = { canvas: document.createElement('canvas'), name: '', width: 0, height: 0, whole: [0, 0] };
let styles = [];
let pace = 0; // milliseconds per pixel, of the last picture
let live = false;
let hasResult = false;

// What is said.

function say(text) {
  $('error').hidden = true;
  $('status').hidden = false;
  $('status').textContent = text;
}

function complain(text) {
  $('status').hidden = true;
  $('error').hidden = false;
  $('error').textContent = text;
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

const engine = new Engine(
  {
    onProgress({ what, loaded, total }) {
      const progress = $('progress');
      progress.hidden = false;
      if (total) progress.value = loaded / total;
      else progress.removeAttribute('value');
      const of = total ? ` of ${megabytes(total)}` : '';
      say(`Loading ${what}: ${megabytes(loaded)}${of} MB`);
    },
    onEngine({ engine: name, threads, fell }) {
      const why = self.crossOriginIsolated ? '' : '; the web server’s headers allow no more';
      const number = threads === 1 ? `1 thread${why}` : `${threads} threads`;
      const gpu = fell ? ', as WebGPU failed' : asked === 'wasm' ? '' : ', as there is no WebGPU';
      $('engine').textContent =
        name === 'webgpu' ? 'Paints on WebGPU.' : `Paints on WebAssembly${gpu}, in ${number}.`;
      document.documentElement.dataset.engine = name;
    },
    onReady() {
      $('progress').hidden = true;
      say(source.name ? 'Painting…' : 'Ready. Choose a picture.');
    },
    onBusy(busy) {
      $('busy').hidden = !busy || live;
      $('stage').setAttribute('aria-busy', String(busy));
      if (busy && !live) say('Painting…');
      if (busy) $('progress').hidden = true;
    },
    onFailed({ memory, message, detail }) {
      $('progress').hidden = true;
      console.error(detail);
      stopLive();
      complain(
        memory
          ? `There is too little memory to paint at ${$('size').value} pixels; choose a smaller size.`
          : message || 'Painting failed in this browser; load the page again, or use another browser.',
      );
    },
  },
  asked,
);

// Styles.

async function loadStyles() {
  let models;
  try {
    const response = await fetch('styles.json');
    if (!response.ok) throw new Error(String(response.status));
    ({ models } = await response.json());
  } catch {
    throw new Error('The list of styles, styles.json, is missing or damaged; write the page again.');
  }
  styles = models.flatMap(({ file, styles: names, licence }) =>
    names.map(({ name, thumbnail }, index) => ({
      file,
      name,
      thumbnail,
      licence,
      shares: names.map((_, other) => Number(other === index)),
    })),
  );
  styles.forEach(({ name, thumbnail }, index) => {
    const label = document.createElement('label');
    label.className = 'style';
    const radio = document.createElement('input');
    Object.assign(radio, { type: 'radio', name: 'style', value: index, checked: index === 0 });
    const image = document.createElement('img');
    Object.assign(image, { src: thumbnail, alt: '', width: 88, height: 88 });
    const text = document.createElement('span');
    text.textContent = name;
    label.append(radio, image, text);
    $('styles').append(label);
  });
  showLicence();
}

function style() {
  return styles[Number(document.querySelector('input[name="style"]:checked').value)];
}

function showLicence() {
  $('licence').textContent = style().licence;
}

// Sizes.

function allowedBytes() {
  return Math.min(MOST_BYTES, (navigator.deviceMemory ?? USUAL_MEMORY) * OUR_PART * 1e9);
}

/** Return how many pixels a result of this long side has. */
function count(size) {
  const { width, height } = source;
  return source.name ? (size * size * Math.min(width, height)) / Math.max(width, height) : size * size;
}

function seconds(milliseconds) {
  const value = milliseconds / 1000;
  return value < 10 ? `${value.toFixed(1)} s` : `${Math.round(value)} s`;
}

/** Fill in the sizes: how long each takes, and which are too large for the device or the picture. */
function showSizes() {
  const list = $('size');
  const chosen = Number(list.value) || FIRST_SIZE;
  const long = source.name ? Math.max(source.width, source.height) : Infinity;
  const fit = SIZES.filter((size) => OWN_BYTES + BYTES_PER_PIXEL * count(size) <= allowedBytes());
  const largest = fit.at(-1) ?? SIZES[0];
  // The first that is not smaller than the picture stands for the picture's own size.
  const shown = SIZES.filter((size, index) => index === 0 || SIZES[index - 1] < long);
  list.replaceChildren(
    ...shown.map((size) => {
      const side = Math.min(size, long);
      const own = side === Math.max(...source.whole) ? ', its own' : '';
      const time = pace && source.name ? `, about ${seconds(pace * count(side))}` : '';
      const option = new Option(`${side} pixels${own}${time}`, size);
      option.disabled = size > largest;
      return option;
    }),
  );
  list.value = Math.min(chosen, largest, shown.at(-1));
  const notes = [];
  if (Math.max(...source.whole) > LARGEST) {
    notes.push(`Your picture has ${source.whole.join(' × ')} pixels; this page paints up to ${LARGEST}.`);
  }
  if (shown.at(-1) > largest) notes.push(`This device has memory for ${largest} pixels at most.`);
  $('size-note').textContent = notes.join(' ');
}

// Painting.

function request(most, from, width, height) {
  const { file, shares } = style();
  return {
    file,
    shares,
    strength: Number($('strength').value),
    strokeSize: 2 ** Number($('stroke-size').value),
    pixels: () => pixels(from, width, height, most),
  };
}

async function paint() {
  if (!source.name || live || !styles.length) return;
  const { name } = style();
  const done = await engine.paint(
    request(Number($('size').value), source.canvas, source.width, source.height),
  );
  if (!done) return;
  show(done.picture, name);
  const { width, height } = done.picture;
  pace = done.milliseconds / (width * height);
  showSizes();
  say(`Painted ${width} × ${height} pixels in ${seconds(done.milliseconds)}.`);
}

function show(picture, name) {
  painted.width = picture.width;
  painted.height = picture.height;
  painted.getContext('2d').putImageData(picture, 0, 0);
  painted.setAttribute('aria-label', `Your picture, painted in ${name}`);
  hasResult = true;
  document.documentElement.dataset.results = Number(document.documentElement.dataset.results ?? 0) + 1;
  look();
}

/** Show what there is to see, and enable what can be pressed. */
function look(held = false) {
  const film = camera.open;
  const before = !film && (held || !hasResult || $('compare').getAttribute('aria-pressed') === 'true');
  $('empty').hidden = film || Boolean(source.name);
  $('seen').hidden = !film && !source.name;
  $('video').hidden = !film || (live && hasResult);
  original.hidden = film || !before;
  painted.hidden = film ? !live || !hasResult : before;
  $('tag').hidden = !before || !hasResult;
  $('picture-buttons').hidden = film;
  $('camera-buttons').hidden = !film;
  $('live').setAttribute('aria-pressed', String(live));
  for (const id of ['compare', 'save-jpeg', 'save-png']) $(id).disabled = film || !hasResult;
}

// Pictures.

async function take(file) {
  if (!file) return;
  closeCamera();
  say('Reading the picture…');
  let read;
  try {
    read = await decode(file, LARGEST);
  } catch {
    const name = file.name || 'What was dropped';
    complain(`${name} is no picture that this browser can read; try a JPEG or PNG.`);
    return;
  }
  const { bitmap, width, height } = read;
  if (Math.min(width, height) < 16) {
    bitmap.close();
    complain(`A picture needs at least 16 pixels on each side; this one has ${width} × ${height}.`);
    return;
  }
  use(bitmap, bitmap.width, bitmap.height, file.name || 'picture', [width, height]);
  bitmap.close();
}

/** Make a picture the one to paint; `whole` are the sides of its file. */
function use(picture, width, height, name, whole = [width, height]) {
  draw(source.canvas, picture, width, height);
  draw(original, source.canvas, width, height);
  Object.assign(source, { name: name.replace(/\.[^.]*$/, '') || 'picture', width, height, whole });
  hasResult = false;
  $('compare').setAttribute('aria-pressed', 'false');
  look();
  showSizes();
  if (engine.ready) say('Painting…');
  paint();
}

// The camera.

async function openCamera(how) {
  try {
    await how();
  } catch (error) {
    closeCamera();
    complain(error.message);
    return;
  }
  say('Take a picture, or paint what the camera sees.');
  look();
}

function stopLive() {
  live = false;
  look();
}

function closeCamera() {
  if (!camera.open) return;
  camera.stop();
  // What was painted live is no result of the picture.
  if (live) hasResult = false;
  stopLive();
}

function shoot() {
  const [width, height] = camera.size;
  const still = document.createElement('canvas');
  draw(still, camera.video, width, height);
  closeCamera();
  use(still, width, height, 'camera');
}

async function paintLive() {
  live = true;
  hasResult = false;
  look();
  let step = 0;
  let first = true; // the first frame of a size takes longer
  while (live) {
    const [width, height] = camera.size;
    const { name } = style();
    const done = await engine.paint(request(LIVE_SIZES[step], camera.video, width, height));
    if (!live) break;
    if (!done) continue;
    show(done.picture, name);
    const { milliseconds } = done;
    say(`Live: ${seconds(milliseconds)} a frame, ${done.picture.width} × ${done.picture.height} pixels.`);
    if (milliseconds > LIVE_TIME && !first) {
      if (step + 1 < LIVE_SIZES.length) {
        step += 1;
        first = true;
        continue;
      }
      hasResult = false;
      stopLive();
      complain(
        `This device is too slow to paint live: a frame takes ${seconds(milliseconds)}. Take a picture instead.`,
      );
    }
    first = false;
  }
}

// What buttons, keys and the mouse do.

function connect() {
  $('choose').onclick = () => $('file').click();
  $('file').onchange = () => {
    take($('file').files[0]);
    $('file').value = ''; // so that the same file can be chosen again
  };
  $('camera').onclick = () => openCamera(() => camera.start());
  $('turn').onclick = () => openCamera(() => camera.turn());
  $('shoot').onclick = shoot;
  $('live').onclick = () => (live ? stopLive() : paintLive());
  $('close-camera').onclick = () => {
    closeCamera();
    say('The camera is closed.');
    paint();
  };
  $('styles').onchange = () => {
    showLicence();
    paint();
  };
  $('strength').oninput = () => {
    $('strength-value').textContent = Number($('strength').value).toFixed(2);
    paint();
  };
  $('stroke-size').oninput = () => {
    const value = (2 ** Number($('stroke-size').value)).toFixed(2);
    $('stroke-size-value').textContent = `× ${value}`;
    $('stroke-size').setAttribute('aria-valuetext', `${value} times what was learned`);
    paint();
  };
  $('size').onchange = paint;

  $('compare').onclick = () => {
    const pressed = $('compare').getAttribute('aria-pressed') !== 'true';
    $('compare').setAttribute('aria-pressed', String(pressed));
    look();
  };
  const seen = $('seen');
  seen.onpointerdown = () => look(true);
  for (const end of ['onpointerup', 'onpointercancel', 'onpointerleave']) seen[end] = () => look();
  seen.oncontextmenu = (event) => event.preventDefault();

  for (const [id, type, suffix] of [['save-jpeg', 'image/jpeg', 'jpg'], ['save-png', 'image/png', 'png']]) {
    $(id).onclick = async () => {
      const name = `${source.name} in ${style().name}.${suffix}`.replace(/[\\/:*?"<>|]/g, '_');
      try {
        await save(painted, name, type);
        say(`Saved ${name} where this browser keeps its downloads.`);
      } catch {
        complain('The picture cannot be saved: there is too little memory.');
      }
    };
  }

  addEventListener('paste', (event) => take([...event.clipboardData.files][0]));
  addEventListener('dragover', (event) => {
    event.preventDefault();
    $('stage').classList.add('over');
  });
  addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) $('stage').classList.remove('over');
  });
  addEventListener('drop', (event) => {
    event.preventDefault();
    $('stage').classList.remove('over');
    take([...event.dataTransfer.files][0]);
  });
}

async function main() {
  $('late').remove();
  connect();
  showSizes();
  try {
    await loadStyles();
  } catch (error) {
    complain(error.message);
    return;
  }
  engine.start(styles[0].file);
}

main();
