import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Finding } from '../finding.ts'

/** A file that a generator writes, and the generator. */
export interface GeneratedFile {
  /** Path from the repository's root. */
  readonly file: string
  readonly generate: () => string | Promise<string>
}

/** Compares each generated file with what its generator makes now. */
export async function checkGenerated(root: string, table: readonly GeneratedFile[]): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const { file, generate } of table) {
    const at = path.join(root, file)
    const present = existsSync(at) ? readFileSync(at, 'utf8') : null
    const wanted = await generate()
    if (present === wanted) continue
    findings.push({
      file,
      line: firstDifference(present ?? '', wanted),
      what: 'differs from its generator',
      remedy: 'run npm run gen',
    })
  }
  return findings
}

function firstDifference(present: string, wanted: string): number {
  const lines = wanted.split('\n')
  const at = present.split('\n').findIndex((line, index) => line !== lines[index])
  return at === -1 ? 0 : at + 1
}
