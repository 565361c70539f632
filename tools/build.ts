/*
 * `npm run build`: JavaScript and declarations from `src/` to `dist/`, without the tests and what only they need.
 */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const target = path.join(root, 'dist')

rmSync(target, { recursive: true, force: true })
const compiled = spawnSync(path.join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
})
if (compiled.status !== 0) process.exit(compiled.status ?? 1)
console.log('dist: built')
