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
import { type FileAnswer, fileAnswer, words } from './file-answer.ts'
import { type Found, findFile, type LookupRules } from './file-lookup.ts'
import { type FilePath, readFilePath, restOf } from './file-path.ts'
import { FileTransfer, PIECE_BYTES } from './file-transfer.ts'
import { closeFile, FileRoot } from './open-file.ts'

export type FilesConfig = NonNullable<RouteConfig['files']>

export interface FileOptions {
  /** The encoded path beneath the folder, where it is not what the route's pattern left: a rewritten one. */
  readonly pathOf?: (x: Exchange) => string
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
  const transport: Transport = {
    dispatch(request, handler) {
      if (!(request instanceof FileRequest)) throw new Error('a folder serves only its own requests')
      serve(request, handler, { rules, cacheControl }).catch((error: unknown) => fault(request.x, error))
      return true
    },
    close: async () => undefined,
  }
  const upstream = { name: 'files', origin: 'files', transport, timeouts: TIMEOUTS }
  const candidates: readonly Candidate[] = [
    { name: 'files', upstream, encode: (x) => new FileRequest(x, pathOf(x)), open: (x) => new FileTap(x) },
  ]

  function pathOf(x: Exchange): FilePath | null {
    return readFilePath(options.pathOf === undefined ? restOf(x) : options.pathOf(x), config.hidden)
  }

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
  readonly file: FilePath | null
  readonly method: string
  readonly path: string
  readonly headers: readonly string[] = []
  readonly body = null

  constructor(x: Exchange, file: FilePath | null) {
    this.x = x
    this.file = file
    this.method = x.method
    this.path = x.path
  }
}

interface Serving {
  readonly rules: LookupRules
  readonly cacheControl: string | null
}

async function serve(request: FileRequest, handler: ResponseHandler, serving: Serving): Promise<void> {
  const { x, file } = request
  if (file === null) return refuse(x, notFound(x))
  const { rules, cacheControl } = serving
  const codings = rules.precompressed ? acceptedCodings(x.head, PRECOMPRESSED).codings : []
  const found = await findFile(rules, file, codings)
  if (x.settled) {
    if (found.kind === 'file') closeFile(found.file.fd)
    return
  }
  if (found.kind === 'file') {
    const answer = fileAnswer(x, found, cacheControl)
    send(x, answer, { handler, fd: found.file.fd })
  } else if (found.kind === 'redirect') send(x, folderRedirect(x), { handler, fd: null })
  else refuse(x, problemOf(x, found.kind))
}

function send(
  x: Exchange,
  answer: FileAnswer,
  { handler, fd }: { readonly handler: ResponseHandler; readonly fd: number | null },
): void {
  const transfer = new FileTransfer(handler, {
    fd,
    parts: x.method === 'HEAD' ? [] : answer.body,
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
