/*
 * The table of generated files. `npm run gen` writes them; `npm run check` holds each against its generator.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { GeneratedFile } from './checks/generated.ts'

/** Every generated file of the repository with its generator. */
export const GENERATED: readonly GeneratedFile[] = [
  { file: 'config/schema.json', generate: async () => (await config()).renderJsonSchema() },
  { file: 'docs/configuration.md', generate: async () => (await config()).renderReference() },
  {
    file: 'src/config/default-document.ts',
    generate: async () => (await import('../src/config/default-source.ts')).renderDefaultDocument(),
  },
]

/** Loaded when a generator runs, so that a fault in a module fails one check and not all of them. */
function config() {
  return import('../src/config/index.ts')
}

if (import.meta.main) {
  for (const { file, generate } of GENERATED) {
    const at = path.resolve(import.meta.dirname, '..', file)
    mkdirSync(path.dirname(at), { recursive: true })
    writeFileSync(at, await generate())
    console.log(`wrote ${file}`)
  }
}
