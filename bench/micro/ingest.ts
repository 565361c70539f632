/**
 * CPU per request of the way from journal to database: `node bench/micro/ingest.ts [requests] [rounds] [url]`.
 * With the URL of an empty PostgreSQL database: into that, without the server's own CPU.
 *
 * Each request is a reservation, a settlement and a record, in frames of 16 requests and segments of 16 MiB, as a busy
 * worker leaves them. Prints microseconds of the process's CPU (user, system) per request, best and median round.
 */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { openPostgresStore } from '../../src/storage/postgres/open.ts'
import { openSqliteStore } from '../../src/storage/sqlite/open-store.ts'
import { putSegment, segmentBytes } from '../../src/storage/testing/journal-files.ts'
import { requestId, reserveText, sampleRecord, settleText } from '../../src/storage/testing/samples.ts'
import { LedgerWriter } from '../../src/storage/writer.ts'

const FRAME_REQUESTS = 16
const SEGMENT_REQUESTS = 14_000

interface Round {
  readonly userUs: number
  readonly systemUs: number
  /** Requests that were brought in. */
  readonly perSecond: number
}

function round(requests: number): Round {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'ferro-ingest-'))
  try {
    const start = Date.now()
    for (let from = 0, sequence = 1; from < requests; from += SEGMENT_REQUESTS, sequence++) {
      const frames: string[][] = []
      for (let at = from; at < Math.min(requests, from + SEGMENT_REQUESTS); at += FRAME_REQUESTS) {
        const texts: string[] = []
        for (let i = at; i < at + FRAME_REQUESTS; i++) {
          const time = start + Math.floor(i / 4)
          const id = requestId((i * 2_654_435_761) % 2 ** 32, time)
          const keyId = `key-${i % 7}`
          texts.push(reserveText(id, { reservedAt: time, keyId }))
          texts.push(settleText(id, { record: sampleRecord(id, { time, key_id: keyId }) }))
        }
        frames.push(texts)
      }
      putSegment(dataDir, { startMs: start, sequence }, segmentBytes(frames))
    }
    const databaseUrl = process.argv[4] ?? null
    const writer = LedgerWriter.open(
      { dataDir, databaseUrl },
      databaseUrl === null ? openSqliteStore : openPostgresStore,
    )
    const beganMs = performance.now()
    const before = process.cpuUsage()
    for (let more = true; more; ) {
      const pass = writer.ingest()
      if (pass.error !== null) throw pass.error
      more = pass.more
    }
    const { user, system } = process.cpuUsage(before)
    const perSecond = Math.round((requests / (performance.now() - beganMs)) * 1_000)
    writer.close()
    return { userUs: user / requests, systemUs: system / requests, perSecond }
  } finally {
    fs.rmSync(dataDir, { recursive: true, force: true })
  }
}

function main(): void {
  const requests = Number(process.argv[2] ?? 42_000)
  const rounds = Array.from({ length: Number(process.argv[3] ?? 5) }, () => round(requests))
  rounds.sort((a, b) => a.userUs + a.systemUs - b.userUs - b.systemUs)
  for (const [name, at] of [
    ['best', 0],
    ['median', rounds.length >> 1],
  ] as const) {
    const { userUs = 0, systemUs = 0, perSecond = 0 } = rounds[at] ?? {}
    const sum = (userUs + systemUs).toFixed(2)
    console.log(
      `ingest ${name}: ${sum} µs CPU per request (user ${userUs.toFixed(2)}, system ${systemUs.toFixed(2)}), ${perSecond}/s`,
    )
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
