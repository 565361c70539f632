import type { ConfigDocument } from '../../config/index.ts'
import { FetchRefusal, type Gate, GatewayError, resume, WAIT } from '../../core/index.ts'
import { conversationStateOf } from '../conversation/conversation-state.ts'
import { addressesOf, type FetchedMedia } from '../dialects/media-addresses.ts'
import { fetchedMedia, keepFetched } from './fetched-media.ts'
import { sniffedType } from './sniffed-type.ts'

/** Fetches what an address leads to, which a client named. Rejects with a FetchRefusal. */
export type FetchAddress = (
  url: string,
  limits: { readonly maxBytes: number; readonly timeoutMs: number; readonly signal: AbortSignal },
) => Promise<{ readonly mediaType: string; readonly body: Buffer }>

export interface FetchingOptions {
  /** Reads the request and puts it into its target's words. */
  readonly inspect: Gate
  readonly settings: ConfigDocument['translation']['fetch_media']
  readonly bytesAt: FetchAddress
}

/** An `inspect` that puts the bytes of pictures and documents in place of their addresses where the target takes nothing else. */
export function createFetchingInspect({ inspect, settings, bytesAt }: FetchingOptions): Gate {
  const { max_items: most, max_bytes: maxBytes, timeout: timeoutMs, types } = settings
  const isTaken = (mediaType: string) =>
    types.some((type) => (type.endsWith('/*') ? mediaType.startsWith(type.slice(0, -1)) : mediaType === type))

  const one = async (url: string, signal: AbortSignal): Promise<[string, { mediaType: string; base64: string }]> => {
    const { mediaType: said, body } = await bytesAt(url, { maxBytes, timeoutMs, signal })
    const mediaType = sniffedType(body, said)
    if (!isTaken(mediaType)) throw new FetchRefusal(`it is of the type "${mediaType.slice(0, 64)}"`)
    return [url, { mediaType, base64: body.toString('base64') }]
  }

  const all = async (urls: ReadonlySet<string>, signal: AbortSignal): Promise<FetchedMedia> => {
    const pairs = await Promise.all(
      [...urls].map(async (url) => {
        try {
          return await one(url, signal)
        } catch (error) {
          throw refusal(url, error instanceof FetchRefusal ? error.message : 'it cannot be fetched')
        }
      }),
    )
    return new Map(pairs)
  }

  return (x) => {
    const verdict = inspect(x)
    if (verdict !== null || fetchedMedia(x) !== null) return verdict
    const prepared = conversationStateOf(x)?.prepared ?? null
    if (prepared === null || prepared.translation === null) return null
    const urls = addressesOf(prepared.translation.request, prepared.endpoint.endpoint.dialect)
    if (urls === null) return null
    if (urls.size > most) {
      const message = `More than ${most} pictures and documents are given by address: send some of them as data.`
      return new GatewayError('invalid_request', message)
    }
    const abort = new AbortController()
    x.waiting = { cancel: () => abort.abort() }
    all(urls, abort.signal).then(
      (media) => {
        keepFetched(x, media)
        resume(x, null)
      },
      (error: unknown) => {
        abort.abort()
        resume(x, error instanceof GatewayError ? error : refusal('', 'it cannot be fetched'))
      },
    )
    return WAIT
  }
}

function refusal(url: string, why: string): GatewayError {
  const shown = url.length > 200 ? `${url.slice(0, 200)}…` : url
  return new GatewayError('invalid_request', `What stands at ${shown} was not fetched: ${why}. Send it as data.`)
}
