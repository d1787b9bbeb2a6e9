// The browser gets `public/health/cborg.js` in place of this file: it knows no package names.
export { decode, encode, rfc8949EncodeOptions, Tagged } from 'cborg';
