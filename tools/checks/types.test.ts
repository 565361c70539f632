import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkCasts, checkDefaultExports } from './types.ts'

const casts = (text: string, file = 'src/core/a.ts') =>
  checkCasts([{ file, text }]).map(({ line, what }) => [line, what])

test('finds a cast and an `any` that nothing explains', () => {
  assert.deepEqual(casts('const a = b as Key'), [[1, 'a cast without a reason']])
  assert.deepEqual(casts('\nlet a: any = 1'), [[2, '`any` without a reason']])
  assert.deepEqual(casts('f(x as any)'), [[1, '`any` without a reason']])
  assert.deepEqual(casts('const a = <T>(x: Record<string, any>) => x as { b: T }').length, 2)
  assert.deepEqual(casts("import { a } from 'a'\nconst c = a as string"), [[2, 'a cast without a reason']])
})

test('is content with a comment on the same line or the one above', () => {
  assert.deepEqual(casts('const a = b as Key // the store wrote it'), [])
  assert.deepEqual(casts('// the store wrote it\nconst a = b as Key'), [])
  assert.deepEqual(casts('// too far\n\nconst a = b as Key').length, 1)
})

test('knows what is no cast', () => {
  const samples = [
    `import { a as b } from 'a'`,
    `import type { a as b } from 'a'`,
    `import * as all from 'a'`,
    `export { a as b }`,
    `export {\n  a as b,\n} from 'a'`,
    'const a = [1] as const',
    'const a = b as unknown',
    `const a = 'as Key, any'`,
    'await Promise.any([])',
    'const a = { as: 1 }',
  ]
  for (const sample of samples) assert.deepEqual(casts(sample), [], sample)
})

test('lets tests cast, but not say `any`', () => {
  assert.deepEqual(casts('const a = b as Key', 'src/core/a.test.ts'), [])
  assert.equal(casts('const a: any = 1', 'src/core/a.test.ts').length, 1)
})

test('finds default exports', () => {
  const lines = (text: string) => checkDefaultExports([{ file: 'src/a.ts', text }]).map(({ line }) => line)
  assert.deepEqual(lines('\nexport default 1\nexport { a as default }\n'), [2, 3])
  assert.deepEqual(lines(`export const a = 'export default'\nimport { default as b } from 'b'\n`), [])
})
