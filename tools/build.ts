/*
 * `npm run build`: the program as JavaScript, from `src/` to `dist/`. Types are the check's business (`npm run check`).
 */
import path from 'node:path'
import { bundle } from './bundle.ts'

const root = path.resolve(import.meta.dirname, '..')
const files = await bundle(root, path.join(root, 'dist'))
console.log(`dist: built, ${files.length} files`)
