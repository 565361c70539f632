/** A program that opens a database and brings 300 requests into it: `node new-writer.ts <data directory> <url> <number>`. */
import { openLedgerWriter } from '../index.ts'
import { putSegment, segmentBytes } from './journal-files.ts'
import { requestId, reserveText, sampleRecord, settleText } from './samples.ts'

const [dataDir = '', databaseUrl = '', number = '0'] = process.argv.slice(2)
const writer = await openLedgerWriter({ dataDir, databaseUrl })
const day = Date.UTC(2026, 0, 15)
for (let part = 0; part < 10; part++) {
  const frames = Array.from({ length: 30 }, (_, at) => {
    const id = requestId(Number(number) * 1_000 + part * 30 + at, day)
    const record = sampleRecord(id, { output_tokens: 12, input_tokens: 20, cost_nanos: 12_345 })
    return [reserveText(id, { reservedAt: day }), settleText(id, { record })]
  })
  putSegment(dataDir, { sequence: part + 1 }, segmentBytes(frames))
  const { error } = writer.ingest()
  if (error !== null) throw error
}
writer.recover(Date.now())
writer.close()
