// Reads QR codes with the camera: frame by frame, because not every browser has a detector of its own.
import decodeQR from '../vendor/qr/decode.js';

const LONGEST_SIDE = 800;
const PAUSE_MS = 120;

/**
 * Starts the camera. @param found called with the text of every code seen, as often as it is seen.
 * @returns a function that stops it. Throws when there is no camera, or it is not allowed.
 */
export async function startCamera(video, found) {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: false,
    video: { facingMode: 'environment', width: { ideal: 1280 } },
  });
  video.srcObject = stream;
  await video.play();
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  let stopped = false;

  function look() {
    if (stopped) return;
    const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight, 1));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    if (canvas.width > 0 && canvas.height > 0) {
      context.drawImage(video, 0, 0, canvas.width, canvas.height);
      const text = read(context.getImageData(0, 0, canvas.width, canvas.height));
      if (text) found(text);
    }
    setTimeout(look, PAUSE_MS);
  }
  look();
  return () => {
    stopped = true;
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
}

function read(image) {
  try {
    return decodeQR(image);
  } catch {
    // Most frames hold no code.
    return undefined;
  }
}

/** A button that starts and stops the camera over it. `found` may return true to stop. */
export function cameraButton({ button, video, failed, found }) {
  const start = button.textContent;
  let stop;
  const end = () => {
    stop?.();
    stop = undefined;
    video.parentElement.hidden = true;
    button.textContent = start;
  };
  button.addEventListener('click', async () => {
    if (stop) return end();
    failed(false);
    video.parentElement.hidden = false;
    try {
      stop = await startCamera(video, (text) => found(text) === true && end());
      button.textContent = button.dataset.stop;
    } catch {
      end();
      failed(true);
    }
  });
}
