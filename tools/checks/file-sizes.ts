import { isTypeScript, type SourceFile } from '../source-files.ts'

const LONG_LINES = 400

/** Names the TypeScript files that are long enough to hold a second idea; a report, not a breach. */
export function reportFileSizes(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ file }) => isTypeScript(file))
    .map(({ file, text }) => ({ file, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > LONG_LINES)
    .map(({ file, lines }) => `${file} has ${lines} lines: look for the second idea`)
}
