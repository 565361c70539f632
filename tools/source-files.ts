import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** A file of the repository: its path from the root, with `/`, and its text. */
export interface SourceFile {
  readonly file: string
  readonly text: string
}

/** Reads every text file that git tracks or would track (not ignored); files with a NUL byte are left out. */
export function readRepository(root: string): readonly SourceFile[] {
  const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (listed.status !== 0) {
    throw new Error(
      `the checks read the list of files from git, which failed: ${listed.error?.message ?? listed.stderr}`,
    )
  }
  return [...new Set(listed.stdout.split('\0'))]
    .filter((file) => file !== '' && existsSync(path.join(root, file)))
    .sort()
    .map((file) => ({ file, text: readFileSync(path.join(root, file), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'))
}

/** Whether a file is TypeScript. */
export function isTypeScript(file: string): boolean {
  return file.endsWith('.ts')
}

/** Whether a file serves tests only: a test beside its subject, or anything under `test/`. */
export function isTestFile(file: string): boolean {
  return file.endsWith('.test.ts') || file.startsWith('test/')
}
