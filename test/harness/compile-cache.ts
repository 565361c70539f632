const { NODE_COMPILE_CACHE } = process.env

/**
 * The compile cache of a test run, for the environment of a program that a test starts: with it a gateway starts from the
 * sources in half of the processor time. Nothing where the run has none.
 */
export const COMPILE_CACHE: Readonly<Record<string, string>> =
  NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }
