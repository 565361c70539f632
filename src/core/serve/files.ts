/**
 * Files of a folder, as answers. A request for one is an attempt like any other, at a server that happens to be in this
 * process: so back-pressure, deadlines, the client that leaves and the end of the request are the attempt's affair.
 */
import type { RouteConfig } from '../../config/index.ts'
import { GatewayError } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import type {
  AnswerHeaders,
  AnswerPlan,
  AnswerTap,
  Candidate,
  Hook,
  ResponseHandler,
  Transport,
  UpstreamRequest,
} from '../phases.ts'
import { fault } from '../respond/fault.ts'
import { refuse } from '../respond/refuse.ts'
import { acceptedCodings, type Coding } from './accept-encoding.ts'
import { type BodyPart, type FileAnswer, fileAnswer, words } from './file-answer.ts'
import { type Found, type FoundFile, findFile, type LookupRules } from './file-lookup.ts'
import { readFilePath, restOf } from './file-path.ts'
import { FileTransfer, PIECE_BYTES } from './file-transfer.ts'
import { closeFile, FileRoot } from './open-file.ts'
import { RecentFiles } from './recent-files.ts'

export type FilesConfig = NonNullable<RouteConfig['files']>

export interface FileOptions {
  /** The encoded path beneath the folder, where it is not what the route's pattern left: a rewritten one. */
  readonly pathOf?: (x: Exchange) => string
  /** Milliseconds that only grow. */
  readonly now?: () => number
}

const PRECOMPRESSED: readonly Coding[] = ['zstd', 'br', 'gzip']
/**
 * A file system may take its time (first byte); a client that takes a piece within `idle` is slow, not gone, and one
 * that takes nothing at all is noticed at the connection.
 */
const TIMEOUTS = {
  connectMs: 30_000,
  firstByteMs: 30_000,
  firstByteStreamMs: 30_000,
  idleMs: 300_000,
  totalMs: Number.POSITIVE_INFINITY,
}

/** The handler of a route with `files`. Throws an Error when the folder is not there. */
export function createFileHandler(config: FilesConfig, options: FileOptions = {}): Hook {
  const rules: LookupRules = {
    root: new FileRoot(config.root),
    index: config.index,
    fallback: config.fallback === undefined ? null : namesOf(config.fallback),
    precompressed: config.precompressed,
  }
  const cacheControl = config.cache_control ?? null
  const now = options.now ?? (() => performance.now())
  const pathOf = options.pathOf ?? restOf
  const serving = { rules, hidden: config.hidden, recent: new RecentFiles(now), now, cacheControl }
  const transport: Transport = {
    dispatch(request, handler) {
      if (!(request instanceof FileRequest)) throw new Error('a folder serves only its own requests')
      serve(request, handler, serving)
      return true
    },
    close: async () => undefined,
  }
  const upstream = { name: 'files', origin: 'files', transport, timeouts: TIMEOUTS }
  const candidates: readonly Candidate[] = [
    { name: 'files', upstream, encode: (x) => new FileRequest(x, pathOf(x)), open: (x) => new FileTap(x) },
  ]

  return (x) => {
    if (x.method !== 'GET' && x.method !== 'HEAD') {
      return new GatewayError('method_not_allowed', `A file takes GET or HEAD, not ${x.method}.`, {
        allow: 'GET, HEAD',
      })
    }
    x.candidates = candidates
    return null
  }
}

function namesOf(path: string): readonly string[] {
  return path.split('/').filter((name) => name !== '')
}

/** What an attempt hands to the folder. */
class FileRequest implements UpstreamRequest {
  readonly x: Exchange
  readonly method: string
  /** Beneath the folder, encoded. */
  readonly path: string
  readonly headers: readonly string[] = []
  readonly body = null

  constructor(x: Exchange, path: string) {
    this.x = x
    this.method = x.method
    this.path = path
  }
}

interface Serving {
  readonly rules: LookupRules
  readonly hidden: FilesConfig['hidden']
  readonly recent: RecentFiles
  readonly now: () => number
  readonly cacheControl: string | null
}

function serve({ x, path }: FileRequest, handler: ResponseHandler, serving: Serving): void {
  const { rules, hidden, recent } = serving
  const codings = rules.precompressed ? acceptedCodings(x.head, PRECOMPRESSED).codings : []
  const known = recent.get(path, codings)
  if (known !== null) return give(x, known, { handler, serving })
  const file = readFilePath(path, hidden)
  if (file === null) return refuse(x, notFound(x))
  const since = serving.now()
  findFile(rules, file, codings)
    .then((found) => {
      recent.keep(path, codings, { found, since })
      if (!x.settled) give(x, found, { handler, serving })
      else if (found.kind === 'file' && found.fd !== null) closeFile(found.fd)
    })
    .catch((error: unknown) => fault(x, error))
}

function give(
  x: Exchange,
  found: Found,
  { handler, serving }: { readonly handler: ResponseHandler; readonly serving: Serving },
): void {
  if (found.kind === 'file') send(x, fileAnswer(x, found, serving.cacheControl), { handler, found })
  else if (found.kind === 'redirect') send(x, folderRedirect(x), { handler, found: null })
  else refuse(x, problemOf(x, found.kind))
}

function send(
  x: Exchange,
  answer: FileAnswer,
  { handler, found }: { readonly handler: ResponseHandler; readonly found: FoundFile | null },
): void {
  const content = found?.content ?? null
  const fromMemory = (part: BodyPart) =>
    Buffer.isBuffer(part) || content === null ? part : content.subarray(part.start, part.end)
  const transfer = new FileTransfer(handler, {
    fd: found?.fd ?? null,
    parts: x.method === 'HEAD' ? [] : answer.body.map(fromMemory),
    onFailure: (cause) =>
      refuse(x, new GatewayError('internal_error', `The file at ${x.path} could not be read to its end.`, { cause })),
  })
  handler.onRequestStart(transfer, null)
  transfer.begin(answer)
}

function problemOf(x: Exchange, kind: Exclude<Found['kind'], 'file' | 'redirect'>): GatewayError {
  switch (kind) {
    case 'absent':
      return notFound(x)
    case 'forbidden':
      return new GatewayError('forbidden', `The gateway may not read ${x.path}.`)
    case 'busy':
      return new GatewayError('saturated', 'Too many files are open; try again soon.', { retryAfterSeconds: 1 })
  }
}

function notFound(x: Exchange): GatewayError {
  return new GatewayError('not_found', `There is no file at ${x.path}.`)
}

/** Relative, so that it is right behind whatever the client sees in front of us; `./` keeps a colon from being a scheme. */
function folderRedirect(x: Exchange): FileAnswer {
  const last = x.path.slice(x.path.lastIndexOf('/') + 1)
  const query = x.query === '' ? '' : `?${x.query.replaceAll(/[^!-~]/g, encodeURIComponent)}`
  return words(308, { location: `./${last}/${query}` }, 'The folder has a slash at its end.\n')
}

/** Passes an answer on: whole when it fits into one piece, else as it is read. */
class FileTap implements AnswerTap {
  readonly #x: Exchange

  constructor(x: Exchange) {
    this.#x = x
  }

  start(_status: number, headers: AnswerHeaders): AnswerPlan {
    return Number(headers['content-length'] ?? 0) <= PIECE_BYTES ? 'buffer' : 'stream'
  }

  complete(body: Buffer): Buffer {
    return body
  }

  push(chunk: Buffer): Buffer {
    return chunk
  }

  end(): null {
    return null
  }

  headers(headers: AnswerHeaders): string[] {
    const out: string[] = []
    for (const name in headers) {
      const value = headers[name]
      if (typeof value === 'string') out.push(name, value)
    }
    const x = this.#x
    out.push('x-request-id', x.head.clientRequestId ?? x.id, 'x-ferro-request-id', x.id)
    return out
  }
}
