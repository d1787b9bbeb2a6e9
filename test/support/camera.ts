import { writeFileSync } from 'node:fs';
import encodeQR from 'qr';

const WIDTH = 640;
const HEIGHT = 480;

/**
 * Writes what a camera would see of a code on a screen, as a film of one picture (YUV4MPEG2), for the browser's
 * `--use-file-for-fake-video-capture`: grey all around, a little off the middle.
 */
export function filmCode(file: string, code: string): void {
  const rows = encodeQR(code, 'raw', { ecc: 'medium', encoding: 'alphanumeric', border: 4 });
  const size = Math.floor((HEIGHT - 60) / rows.length);
  const [left, top] = [Math.floor((WIDTH - rows.length * size) / 2) + 13, 31];
  const luma = Buffer.alloc(WIDTH * HEIGHT, 120);
  rows.forEach((row, y) => {
    row.forEach((dark, x) => {
      for (let line = 0; line < size; line += 1) {
        const from = (top + y * size + line) * WIDTH + left + x * size;
        luma.fill(dark ? 25 : 225, from, from + size);
      }
    });
  });
  const chroma = Buffer.alloc((WIDTH * HEIGHT) / 2, 128);
  const frame = Buffer.concat([Buffer.from('FRAME\n'), luma, chroma]);
  const header = Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420\n`);
  writeFileSync(file, Buffer.concat([header, frame, frame]));
}
