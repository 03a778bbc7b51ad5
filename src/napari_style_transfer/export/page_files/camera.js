// The camera: stills, and frames to paint live.

export class Camera {
  constructor(video) {
    this.video = video;
    this.facing = 'environment';
    this.stream = null;
  }

  get open() {
    return this.stream !== null;
  }

  get size() {
    return [this.video.videoWidth, this.video.videoHeight];
  }

  /** Start it; throws an error whose message is a sentence for the user. */
  async start() {
    this.stop();
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error('The camera can be used over https or on localhost only.');
    }
    const wanted = { facingMode: this.facing, width: { ideal: 1920 }, height: { ideal: 1080 } };
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    } catch (error) {
      const refused = error.name === 'NotAllowedError' || error.name === 'SecurityError';
      throw new Error(
        refused
          ? 'The browser was not allowed to use the camera; allow it in the settings of this page.'
          : 'There is no camera that can be used.',
      );
    }
    this.video.srcObject = this.stream;
    await this.video.play();
  }

  /** Use the camera on the other side. */
  async turn() {
    this.facing = this.facing === 'environment' ? 'user' : 'environment';
    await this.start();
  }

  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }
}
