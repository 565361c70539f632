import { globSync, readFileSync } from 'node:fs'

/** A test as its source names it. */
export interface FoundTest {
  readonly file: string
  /** As it stands in the source: a template keeps its placeholders. */
  readonly name: string
  readonly rows: readonly string[]
}

const SOURCES = ['src/**/*.test.ts', 'test/**/*.test.ts', 'test/rows/long/*.ts']
/** A text that begins with rows: the name of a test, or that of a row of a table from which tests are made. */
const NAME = /(['"`])((?:[HULSFRBCGDA]\d{1,2} )+)((?:(?!\1).)+)\1/g

/** Every test that begins with a row, by file. */
export function findTests(root: string): FoundTest[] {
  return SOURCES.flatMap((pattern) => globSync(pattern, { cwd: root }))
    .filter((file) => !file.endsWith('catalogue.test.ts'))
    .sort()
    .flatMap((file) =>
      [...readFileSync(`${root}/${file}`, 'utf8').matchAll(NAME)].map(([, , codes = '', rest = '']) => ({
        file,
        name: rest,
        rows: codes.trim().split(' '),
      })),
    )
}

/** Matches the names of the tests of a row. */
export function namesOf(row: string): RegExp {
  return new RegExp(`^(?:[HULSFRBCGDA]\\d{1,2} )*${row} `)
}
