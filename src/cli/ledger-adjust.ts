import { randomUUID } from 'node:crypto'
import {
  type AdjustmentAnswer,
  COMMAND_LINE,
  ControlError,
  encodeAdjustment,
  parseAdjustment,
} from '../control/index.ts'
import { type LedgerWriter, openLedgerReader } from '../storage/index.ts'
import type { BooksOptions } from './books.ts'
import { type DataLocation, locateData } from './data-location.ts'
import { EXIT_USAGE, Failure } from './failure.ts'
import { openData } from './open-data.ts'
import { dollarsOfNanos } from './text-table.ts'

export interface AdjustOptions extends BooksOptions {
  readonly request: string
  readonly attempt?: number
  readonly usd?: number
  readonly tokens?: number
  readonly reason: string
  readonly id?: string
}

/** Enters what a request gets back, or is charged more, in the ledger of a gateway, whether it runs or not. */
export async function adjust({ request, attempt, usd, tokens, reason, id, ...options }: AdjustOptions): Promise<void> {
  const body = { id: id ?? randomUUID(), request_id: request, attempt, usd, tokens, reason }
  const said = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined))
  checked(() => parseAdjustment(said), EXIT_USAGE)
  const location = await locateData(options)
  const opened = await openData(location, 'refuse')
  const adjustment =
    'admin' in opened
      ? ((await opened.admin.call('POST', '/admin/v1/ledger/adjustments', { body: said }))[
          'adjustment'
        ] as AdjustmentAnswer) // control/adjustments.ts answers with it
      : await enter(opened.writer, location, said)
  if (options.format === 'json') {
    process.stdout.write(`${JSON.stringify({ adjustment }, null, 2)}\n`)
    return
  }
  const what = `${dollarsOfNanos(adjustment.nanos)} and ${adjustment.tokens} tokens`
  process.stdout.write(
    `Entered for attempt ${adjustment.attempt} of the request ${adjustment.request_id}: ${what} (${adjustment.id}).\n`,
  )
}

async function enter(writer: LedgerWriter, { dataDir, databaseUrl, document }: DataLocation, said: object) {
  const { enterAdjustment, refusedAdjustment } = await import('../app/index.ts')
  const reader = await openLedgerReader({ dataDir, databaseUrl })
  const { administration } = writer
  const keyTags = (keyId: string | null) =>
    keyId === null
      ? []
      : (document.keys.find((key) => key.id === keyId)?.tags ?? administration.findKey(keyId)?.tags ?? [])
  const ledger: Parameters<typeof enterAdjustment>[0] = {
    request: (id) => Promise.resolve(reader.request(id)),
    countersOf: (levels) => Promise.resolve(administration.countersOf(levels)),
    adjust: (...asked) => Promise.resolve(administration.adjust(...asked)),
    keyTags,
  }
  try {
    return encodeAdjustment((await enterAdjustment(ledger, parseAdjustment(said), COMMAND_LINE)).adjustment)
  } catch (error) {
    const refused = refusedAdjustment(error)
    throw refused instanceof ControlError ? new Failure(refused.message, { cause: refused }) : refused
  } finally {
    reader.close()
    writer.close()
  }
}

function checked(work: () => unknown, exitCode: typeof EXIT_USAGE): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof ControlError)) throw error
    throw new Failure(error.message, { exitCode, cause: error })
  }
}
