import { createPages } from '../../src/platform/pages.ts';

/** The product's pages, read and compiled once for all tests of a file: they keep nothing of a request. */
export const pages = createPages();
