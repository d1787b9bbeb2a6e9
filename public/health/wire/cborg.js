// In place of `src/health-code/wire/cborg.js`: browsers know no package names.
export { decode, encode, rfc8949EncodeOptions, Tagged } from '../../vendor/cborg/cborg.js';
