import { resolve } from 'node:path'

/** The program from its sources, for tests of which module is loaded when. */
export const SOURCES: string = resolve(import.meta.dirname, '../../src/cli/main.ts')

/**
 * The program under test: FERRO_TEST_ENTRY (a whole test run names the emitted program there, which starts in half of the
 * processor time), or the sources of this repository.
 */
export const PROGRAM: string = process.env['FERRO_TEST_ENTRY'] ?? SOURCES
