import encodeQR from 'qr';

/** A code as an SVG of a QR code, dark on nothing: the page puts white behind it. */
export const qrSvg = (code: string): string =>
  encodeQR(code, 'svg', { ecc: 'medium', encoding: 'alphanumeric', border: 4 });
