// Decodes picture files and shrinks them, away from the page, which stays awake.

/** Return the bitmap at width x height; by halves first, so that no pixel is skipped. */
async function shrunk(bitmap, width, height) {
  let seen = bitmap;
  while (seen.width > width || seen.height > height) {
    const halfway = {
      resizeWidth: Math.max(width, Math.ceil(seen.width / 2)),
      resizeHeight: Math.max(height, Math.ceil(seen.height / 2)),
      resizeQuality: 'medium',
    };
    const next = await createImageBitmap(seen, halfway);
    seen.close();
    seen = next;
  }
  return seen;
}

self.onmessage = async ({ data: { id, file, most } }) => {
  try {
    // The browser turns it as its EXIF data say.
    const whole = await createImageBitmap(file, { imageOrientation: 'from-image' });
    const { width, height } = whole;
    const scale = Math.min(1, most / Math.max(width, height));
    const small = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
    const bitmap = await shrunk(whole, ...small);
    self.postMessage({ id, bitmap, width, height }, [bitmap]);
  } catch (error) {
    self.postMessage({ id, failed: String(error) });
  }
};
