/*
 * `npm run build`: JavaScript and declarations from `src/` to `dist/`, without the tests.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const source = path.join(root, 'src')
const target = path.join(root, 'dist')

rmSync(target, { recursive: true, force: true })
const compiled = spawnSync(path.join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
})
if (compiled.status !== 0) process.exit(compiled.status ?? 1)

// Files that a module reads at run time (statements, samples) stand beside it in both places.
cpSync(source, target, { recursive: true, filter: (file) => !file.endsWith('.ts') })
console.log('dist: built')
