import type { ConfigDocument } from '../../config/index.ts'
import { beginAttempt, type Exchange, FetchRefusal, fault, GatewayError, WAIT } from '../../core/index.ts'
import { addressesOf, type FetchedMedia } from '../dialects/media-addresses.ts'
import type { PreparedRequest } from '../models/target-endpoint.ts'
import { fetchedMedia, keepFetched } from './fetched-media.ts'
import { sniffedType } from './sniffed-type.ts'

/** Fetches what an address leads to, which a client named. Rejects with a FetchRefusal. */
export type FetchAddress = (
  url: string,
  limits: { readonly maxBytes: number; readonly timeoutMs: number; readonly signal: AbortSignal },
) => Promise<{ readonly mediaType: string; readonly body: Buffer }>

type Settings = ConfigDocument['translation']['fetch_media']

/** Puts the bytes of pictures and documents in place of their addresses, when an attempt goes to whom takes nothing else. */
export class MediaFetcher {
  readonly #settings: Settings
  readonly #bytesAt: FetchAddress
  /** Why nothing more is fetched for a request: other attempts need no second try. */
  readonly #failed = new WeakMap<Exchange, GatewayError>()

  constructor(settings: Settings, bytesAt: FetchAddress) {
    this.#settings = settings
    this.#bytesAt = bytesAt
  }

  /**
   * Null: nothing is missing of what was prepared. WAIT: it is being fetched, the attempt begins anew with it, and the request
   * must be prepared again.
   */
  missing(x: Exchange, { translation, endpoint }: PreparedRequest): GatewayError | typeof WAIT | null {
    if (translation === null) return null
    const urls = addressesOf(translation.request, endpoint.endpoint.dialect)
    if (urls === null) return null
    const failed = this.#failed.get(x)
    if (failed !== undefined) return failed
    const known = fetchedMedia(x)
    const { max_items: most } = this.#settings
    if (urls.size + (known?.size ?? 0) > most) {
      const message = `More than ${most} pictures and documents are given by address: send some of them as data.`
      return new GatewayError('invalid_request', message)
    }
    const abort = new AbortController()
    x.waiting = { cancel: () => abort.abort() }
    this.#all(urls, abort.signal).then(
      (media) => {
        keepFetched(x, known === null ? media : new Map([...known, ...media]))
        goOn(x)
      },
      (error: unknown) => {
        abort.abort()
        this.#failed.set(x, error instanceof GatewayError ? error : refusal('', 'it cannot be fetched'))
        goOn(x)
      },
    )
    return WAIT
  }

  async #all(urls: ReadonlySet<string>, signal: AbortSignal): Promise<FetchedMedia> {
    const pairs = await Promise.all(
      [...urls].map(async (url) => {
        try {
          return [url, await this.#one(url, signal)] as const
        } catch (error) {
          throw refusal(url, error instanceof FetchRefusal ? error.message : 'it cannot be fetched')
        }
      }),
    )
    return new Map(pairs)
  }

  async #one(url: string, signal: AbortSignal): Promise<{ mediaType: string; base64: string }> {
    const { max_bytes: maxBytes, timeout: timeoutMs, types } = this.#settings
    const { mediaType: said, body } = await this.#bytesAt(url, { maxBytes, timeoutMs, signal })
    const mediaType = sniffedType(body, said)
    const isTaken = types.some((type) =>
      type.endsWith('/*') ? mediaType.startsWith(type.slice(0, -1)) : mediaType === type,
    )
    if (!isTaken) throw new FetchRefusal(`it is of the type "${mediaType.slice(0, 64)}"`)
    return { mediaType, base64: body.toString('base64') }
  }
}

/** The attempt that waited begins. */
function goOn(x: Exchange): void {
  if (x.settled) return
  x.waiting = null
  try {
    beginAttempt(x)
  } catch (error) {
    fault(x, error)
  }
}

function refusal(url: string, why: string): GatewayError {
  const shown = url.length > 200 ? `${url.slice(0, 200)}…` : url
  return new GatewayError('invalid_request', `What stands at ${shown} was not fetched: ${why}. Send it as data.`)
}
