import path from 'node:path'
import type { TestsStream } from 'node:test'
import { inspect } from 'node:util'

type Write = (line: string) => void

/**
 * Prints a test run: one line a file, each failure in full, skips by name, and last of all the runner's own counts
 * (`# tests 12`); resolves to whether everything passed and at least one test ran.
 */
export async function report(stream: TestsStream, root: string, write: Write): Promise<boolean> {
  const counts: string[] = []
  const skipped: string[] = []
  const failed: string[] = []
  let tests = 0
  const place = (file: string | undefined, line?: number) =>
    file === undefined ? '' : `${path.relative(root, file)}${line === undefined ? '' : `:${line}`}`

  for await (const event of stream) {
    switch (event.type) {
      case 'test:fail': {
        const { name, file, line, details } = event.data
        if ('failureType' in details.error && details.error.failureType === 'subtestsFailed') break
        const title = `${place(file, line)}  ${name}`
        failed.push(title)
        write(`not ok  ${title}\n${indent(inspect(details.error.cause ?? details.error))}`)
        break
      }
      case 'test:pass':
        // The runner counts a file without tests as one test, named after the file.
        if (event.data.name === event.data.file) {
          failed.push(`${place(event.data.file)}  has no test`)
          write(`not ok  ${place(event.data.file)}  has no test`)
        }
        if (event.data.skip !== undefined) {
          const reason = event.data.skip === true ? '' : `: ${event.data.skip}`
          skipped.push(`${place(event.data.file)}  ${event.data.name}${reason}`)
        }
        break
      case 'test:stderr':
        write(indent(event.data.message.trimEnd()))
        break
      case 'test:diagnostic':
        // The counts of the whole run are the only diagnostics that belong to no file.
        if (event.data.file === undefined) counts.push(event.data.message)
        break
      case 'test:summary': {
        const { file, counts: sum, duration_ms: durationMs, success } = event.data
        if (file === undefined) tests = sum.tests
        else write(`${success ? 'ok' : 'not ok'}  ${place(file)}  ${sum.tests} tests, ${Math.round(durationMs)} ms`)
        break
      }
    }
  }

  if (skipped.length > 0) write(`\nskipped:\n${indent(skipped.join('\n'))}`)
  if (failed.length > 0) write(`\nfailed:\n${indent(failed.join('\n'))}`)
  if (tests === 0) write('\nno test ran')
  write('')
  for (const count of counts) write(`# ${count}`)
  return failed.length === 0 && tests > 0 && counts.includes('fail 0') && counts.includes('cancelled 0')
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ')
}
