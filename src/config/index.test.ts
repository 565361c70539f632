import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

/** Imports the module in a process of its own, runs `code` and gives the packages that were loaded on the way. */
function packagesLoadedBy(code: string): string[] {
  const script = `
    import { registerHooks } from 'node:module'
    const packages = new Set()
    registerHooks({
      resolve(specifier, context, next) {
        const resolved = next(specifier, context)
        const name = /\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(resolved.url)?.[1]
        if (name !== undefined) packages.add(name)
        return resolved
      },
    })
    const config = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)})
    ${code}
    console.log(JSON.stringify([...packages].sort()))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
  })
  assert.equal(stderr, '')
  const packages: unknown = JSON.parse(stdout)
  assert.ok(Array.isArray(packages))
  return packages.map(String)
}

test('loads no package for defaults and references', () => {
  assert.deepEqual(packagesLoadedBy(`config.defaultDocument(); config.resolveReference('{$A}', {})`), [])
})

test('loads the parser of the format in use, and no other', () => {
  const parse = (format: string, text: string): string =>
    `await config.parseConfig(${JSON.stringify(text)}, { path: 'f', format: '${format}' })`
  assert.deepEqual(packagesLoadedBy(parse('yaml', 'workers: 1')), ['yaml', 'zod'])
  assert.deepEqual(packagesLoadedBy(parse('json', '{}')), ['@humanwhocodes/momoa', 'zod'])
  assert.deepEqual(packagesLoadedBy(parse('toml', 'workers = 1')), ['smol-toml', 'zod'])
})
