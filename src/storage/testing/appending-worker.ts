import fs from 'node:fs'
import { JournalAppender } from '../journal/appender.ts'
import { requestId, reserveText, settleText } from './samples.ts'

/** Appends without end, and says on its standard output what was promised to each request: `r<id>`, `s<id>`. */
function main(directory: string, start: number, sync: 'interval' | 'always'): void {
  const journal = new JournalAppender({
    directory,
    startMs: start,
    worker: 0,
    sync,
    syncIntervalMs: 5,
    maxSegmentBytes: 20_000,
    onWritten: () => undefined,
  })
  let n = start * 1_000_000
  const request = (): void => {
    const id = requestId(n++)
    journal.reserve(reserveText(id), {
      journaled(error) {
        if (error !== null) throw error
        fs.writeSync(1, `r${id}\n`)
        setImmediate(() => {
          journal.settle(settleText(id), {
            settlementWritten() {
              fs.writeSync(1, `s${id}\n`)
              request()
            },
          })
        })
      },
    })
  }
  for (let i = 0; i < 16; i++) request()
}

main(process.argv[2] ?? '', Number(process.argv[3]), process.argv[4] === 'always' ? 'always' : 'interval')
