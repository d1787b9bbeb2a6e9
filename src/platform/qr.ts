import encodeQR from 'qr';

/** Text as an SVG of a QR code (ISO/IEC 18004), dark on nothing: the page puts white behind it (`.qr-image`). */
export const qrSvg = (text: string): string => encodeQR(text, 'svg', { ecc: 'medium', border: 4 });
